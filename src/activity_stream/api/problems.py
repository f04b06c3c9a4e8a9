"""Every refusal and failure as JSON, at the API's one edge."""

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from activity_stream.api.guard import Refused
from activity_stream.errors import CallerError
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
    except CallerError as error:
        return problem(error.status, str(error))
    except web.HTTPRequestEntityTooLarge:
        return problem(413, _BODY_TOO_LARGE.format(limit=request.client_max_size))
    except web.HTTPException as error:
        return problem(error.status, f"{error.status}: {error.reason}")
    except Exception as error:  # noqa: BLE001 the API's edge: whatever it is, the caller gets an answer
        request[LOG].error(f"{type(error).__name__}: {error}")
        return problem(500, UNKNOWN)
