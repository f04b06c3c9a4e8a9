"""One request to an API, for the command line."""

from collections.abc import Mapping
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import HTTPErrorProcessor, Request, build_opener

import msgspec

TIMEOUT_SECONDS = 60.0


class Reply(msgspec.Struct, frozen=True):
    """What the API answered, whatever the status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoReply(Exception):
    """The API could not be reached, or broke off."""


class _EveryStatus(HTTPErrorProcessor):
    """Hands on answers of every status as they are, redirects too: a signed request is for one address only."""

    def http_response(self, request: Request, response: object) -> object:  # noqa: ARG002
        return response

    https_response = http_response


def ask(url: str, method: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """Send one request (`url` is http or https, used as it is) and read its answer. Raises NoReply."""
    request = Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 the caller checked the scheme
    try:
        with build_opener(_EveryStatus).open(request, timeout=TIMEOUT_SECONDS) as response:
            names = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status, names, response.read())
    except HTTPError as error:
        raise NoReply(f"{url} answered {error.code}") from error
    except (URLError, HTTPException, OSError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise NoReply(f"{url} cannot be reached: {reason}") from error
