"""AWS signatures, version 4, for an index that AWS hosts; needs the extra `aws`. Made by botocore.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html. Service `es`.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from urllib.parse import parse_qsl

import msgspec

Signing = Callable[[str, str, str, bytes], Mapping[str, str]]
"""The headers that authenticate one request: of its method, URL, content type (empty: none) and body."""

SERVICE = "es"


class AwsLogin(msgspec.Struct, frozen=True):
    """An AWS key, and the region of the index."""

    access_key_id: str
    secret_access_key: str
    region: str

    def __repr__(self) -> str:
        """Whose key; never the secret."""
        return f"AwsLogin({self.access_key_id!r}, region={self.region!r})"


def aws_signing(login: AwsLogin) -> Signing:
    """Signs with this key. Raises ImportError where botocore is not installed; the settings refuse that before."""
    auth, request, credentials = (import_module(f"botocore.{name}") for name in ("auth", "awsrequest", "credentials"))
    key = credentials.Credentials(login.access_key_id, login.secret_access_key)
    signer = auth.SigV4Auth(key, SERVICE, login.region)

    def sign(method: str, url: str, content_type: str, body: bytes) -> Mapping[str, str]:
        headers = {"Content-Type": content_type} if content_type else {}
        # AWS encodes a query's values before it checks (`*` as `%2A`); botocore does so with `params` alone.
        place, _, query = url.partition("?")
        params = parse_qsl(query, keep_blank_values=True)
        outgoing = request.AWSRequest(method=method, url=place, params=params, data=body, headers=headers)
        signer.add_auth(outgoing)
        return dict(outgoing.headers.items())

    return sign
