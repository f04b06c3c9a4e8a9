"""What all signers do: the headers that a request to an Activity Stream has to have."""

import time
from collections.abc import MutableMapping

from activity_stream.hawk import HawkSigner


class Signing:
    """Signs requests with one key. The clock has to be right to a minute."""

    def __init__(self, key_id: str, secret: str) -> None:
        self._sign = HawkSigner(key_id, secret, time.time)

    def add_to(self, headers: MutableMapping[str, str], method: str, url: str, body: bytes) -> None:
        """Add the signature, and what the API wants to be there besides.

        `url` is absolute, as it is sent, byte for byte; `body` too. A proxy in front of the API says by itself how it
        was asked (`X-Forwarded-Proto`); where there is none, the client has to.
        """
        headers.setdefault("X-Forwarded-Proto", url.partition(":")[0])
        content_type = headers.setdefault("Content-Type", "")
        headers.update(self._sign(method, url, content_type, body))

    def __repr__(self) -> str:
        """Whose key it is; never the secret."""
        return f"{type(self).__name__}({self._sign.key_id!r})"
