"""Every refusal and failure as JSON, at the API's one edge."""

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from activity_stream.api.guard import Refused
from activity_stream.errors import CallerError, IndexUnavailable, StateUnavailable, TooManyRequests
from activity_stream.logs import Log

LOG: web.RequestKey[Log] = web.RequestKey("log", Log)
UNKNOWN = "An unknown error occurred."
_BODY_TOO_LARGE = "The body is larger than {limit:,} bytes (MAX_BODY_BYTES); ask for less at once."


def problem(status: int, details: str) -> web.Response:
    """An error in the API's shape."""
    return web.Response(status=status, body=msgspec.json.encode({"details": details}), content_type="application/json")


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong behind this point into an answer; the program's own faults go to the log."""
    try:
        return await handler(request)
    except Refused as refusal:
        request[LOG].warning(f"Refused: {refusal.reason}")
        response = problem(refusal.status, str(refusal))
        response.headers["WWW-Authenticate"] = refusal.challenge
        return response
    except (CallerError, web.HTTPException) as error:
        response = _refusal(request, error)
        request[LOG].info(f"Refused with {response.status}: {error}")
        return response
    except (IndexUnavailable, StateUnavailable) as error:
        request[LOG].error(f"{type(error).__name__}: {error}")
        return problem(500, UNKNOWN)
    except Exception as error:  # noqa: BLE001 the API's edge: whatever it is, the caller gets an answer
        request[LOG].error("Failed in a way that is not foreseen", error)
        return problem(500, UNKNOWN)


def _refusal(request: web.Request, error: CallerError | web.HTTPException) -> web.Response:
    """The answer to a request that cannot be served as it is."""
    if isinstance(error, CallerError):
        response = problem(error.status, str(error))
        if isinstance(error, TooManyRequests):
            response.headers["Retry-After"] = str(error.seconds)
        return response
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return problem(413, _BODY_TOO_LARGE.format(limit=request.client_max_size))
    response = problem(error.status, f"{error.status}: {error.reason}")
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response
