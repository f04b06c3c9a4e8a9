"""A signer for aiohttp."""

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from activity_stream.client.signing import Signing


class HawkAuth(Signing):
    """Signs each request: `aiohttp.ClientSession(middlewares=[HawkAuth(key_id, secret)])`."""

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """The answer to the request, signed; a body that comes in pieces is read as a whole first."""
        body = request.body if isinstance(request.body, bytes) else await request.body.as_bytes()
        self.add_to(request.headers, request.method, str(request.url), body)
        return await handler(request)
