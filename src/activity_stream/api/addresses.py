"""Addresses in answers, as the client can reach them."""

from aiohttp import web


def absolute(request: web.Request, path: str) -> str:
    """The address of a path of this API: by the host that was asked, and the scheme that the proxy in front says; where
    there is none in front, by which it was asked itself."""
    proto = request.headers.get("X-Forwarded-Proto", request.scheme).strip().lower()
    scheme = proto if proto in {"http", "https"} else "https"
    return f"{scheme}://{request.headers.get('Host', '')}{path}"
