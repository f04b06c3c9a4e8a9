"""Every error the program raises on purpose, in one tree.

    ActivityStreamError
    ├── SettingsError               the operator's   never by itself
    ├── SourceError                 the source's
    │   ├── SourceUnavailable                        again later: no connection, a time-out, a 5xx
    │   ├── SourceBusy                               again later: 429 or 503 ten times in a row
    │   ├── SourceRefused                            again later: any other status that is not 2xx
    │   ├── NotAFeed                                 again later: broken JSON, or JSON that is not a collection
    │   ├── PageTooLarge                             again later
    │   ├── PageLoop                                 again later: a page came round again
    │   └── ForeignHost                              again later: `next` leaves the seed's host
    ├── Stalled                     the source's     again later: a cycle made no progress
    ├── LeaseLost                   nobody's         again later: another worker has the feed
    ├── GenerationLost              nobody's         again later: what was being built is no longer there
    ├── IndexUnavailable            the index's      again later
    ├── StateUnavailable            the state's      again later
    ├── SearchRefused               the caller's     never by itself: the index's own words, with its status
    └── CallerError                 the caller's
        ├── BadRequest              400
        ├── NotAuthenticated        401
        ├── NotAuthorized           403
        ├── NotFound                404
        ├── Gone                    410
        ├── BodyTooLarge            413
        ├── UnsupportedEncoding     415
        ├── TooManyRequests         429
        └── Unready                 503 (the operator's; again later)

Each class answers two questions: does trying again make sense (`retry`), and whose fault is it (`fault`)?
A message says what came, what is allowed and what to change.
"""

from enum import StrEnum
from typing import ClassVar


class Fault(StrEnum):
    """Who has to do something about an error."""

    OPERATOR = "operator"
    SOURCE = "source"
    INDEX = "index"
    STATE = "state"
    CALLER = "caller"
    NOBODY = "nobody"


class ActivityStreamError(Exception):
    """The root of the tree."""

    retry: ClassVar[bool] = False
    fault: ClassVar[Fault] = Fault.OPERATOR


class SettingsError(ActivityStreamError):
    """The configuration is wrong. `problems` has one line for each thing to change, secrets masked."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SourceError(ActivityStreamError):
    """A source did not give a page that can be used."""

    retry = True
    fault = Fault.SOURCE


class SourceUnavailable(SourceError):
    """No connection, a time-out, a truncated answer, or a 5xx status."""


class SourceBusy(SourceError):
    """The source went on asking for patience (429, 503) after the last permitted try."""


class SourceRefused(SourceError):
    """The source answered with a status that is neither success nor its own failure (401, 403, 404, …)."""


class NotAFeed(SourceError):
    """The answer is not JSON, or JSON that is not an ActivityStreams collection."""


class PageTooLarge(SourceError):
    """The answer is larger than MAX_PAGE_BYTES."""


class PageLoop(SourceError):
    """A page came round again: following `next` would never end."""


class ForeignHost(SourceError):
    """`next` names another host than the seed's, and ALLOWED_HOSTS does not say that it may."""


class Stalled(ActivityStreamError):
    """A cycle made no progress for STALL_TIMEOUT and was given up."""

    retry = True
    fault = Fault.SOURCE


class LeaseLost(ActivityStreamError):
    """Another worker has, or may have, the right to work on this feed."""

    retry = True
    fault = Fault.NOBODY


class GenerationLost(ActivityStreamError):
    """The generation is no longer in the index, or never was: it has to be built anew."""

    retry = True
    fault = Fault.NOBODY


class IndexUnavailable(ActivityStreamError):
    """The index does not answer, or cannot store (disk full, connection refused)."""

    retry = True
    fault = Fault.INDEX


class StateUnavailable(ActivityStreamError):
    """The shared state does not answer."""

    retry = True
    fault = Fault.STATE


class SearchRefused(ActivityStreamError):
    """The index refuses a search. `body` is its answer, JSON in OpenSearch's error shape, to be passed on as it is."""

    fault = Fault.CALLER

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"search refused with {status}")
        self.status = status
        self.body = body


class CallerError(ActivityStreamError):
    """What a caller sent cannot be served. `status` is the HTTP status; the message becomes `details`."""

    fault = Fault.CALLER
    status: ClassVar[int] = 400


class BadRequest(CallerError):
    """The request is malformed."""


class NotAuthenticated(CallerError):
    """Who asks could not be told."""

    status = 401


class NotAuthorized(CallerError):
    """Who asks may not do this."""

    status = 403


class NotFound(CallerError):
    """There is no such thing, or no longer."""

    status = 404


class Gone(CallerError):
    """It was there, and cannot be had any more: the caller has to begin anew."""

    status = 410


class BodyTooLarge(CallerError):
    """The caller sent more than it may; what all may is the server's to tell."""

    status = 413

    def __init__(self, most: int) -> None:
        super().__init__(f"The body is larger than {most:,} bytes (SEARCH_LIMITS of this key); ask for less at once.")


class Unready(CallerError):
    """It cannot be answered as the service is configured now; nothing is wrong with the request."""

    fault = Fault.OPERATOR
    retry = True
    status = 503


class UnsupportedEncoding(CallerError):
    """The body is packed in a way that is not known here."""

    status = 415


class TooManyRequests(CallerError):
    """The caller asks more than it may; `seconds` is when it may ask again."""

    status = 429

    def __init__(self, details: str, seconds: int) -> None:
        super().__init__(details)
        self.seconds = seconds
