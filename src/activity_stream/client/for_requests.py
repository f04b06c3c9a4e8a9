"""A signer for requests, and for clients that are built on it: opensearch-py and Elasticsearch's can be."""

from collections.abc import MutableMapping
from typing import cast

from activity_stream.client.signing import Signing

try:
    from requests import PreparedRequest
    from requests.auth import AuthBase
except ImportError as error:
    raise ImportError(
        "activity_stream.client needs requests for this; install activity-stream[requests]", name="requests"
    ) from error


class HawkAuth(Signing, AuthBase):
    """Signs each request: `requests.post(url, json=body, auth=HawkAuth(key_id, secret))`."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """The request, signed. Raises TypeError for a body that is a file or comes in pieces."""
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        if not isinstance(body, bytes | bytearray):
            raise TypeError(f"Hawk signs the whole body: give bytes or a string, not {type(body).__name__}")
        headers = cast("MutableMapping[str, str]", request.headers)
        self.add_to(headers, request.method or "GET", request.url or "", bytes(body))
        return request
