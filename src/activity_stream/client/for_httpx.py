"""A signer for httpx."""

from collections.abc import Generator

from activity_stream.client.signing import Signing

try:
    import httpx
except ImportError as error:
    raise ImportError(
        "activity_stream.client needs httpx for this; install activity-stream[client]", name="httpx"
    ) from error


class HawkAuth(Signing, httpx.Auth):
    """Signs each request: `httpx.Client(auth=HawkAuth(key_id, secret))`, `httpx.AsyncClient` too."""

    requires_request_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request, signed; a body that is streamed is read as a whole first."""
        url = f"{request.url.scheme}://{request.url.netloc.decode()}{request.url.raw_path.decode()}"
        self.add_to(request.headers, request.method, url, request.content)
        yield request
