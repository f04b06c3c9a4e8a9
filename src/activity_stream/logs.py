"""Log lines: `2026-01-31T09:30:00.123Z [outgoing,my_feed,full] Polling page... (done)`, or the same as JSON.

What is logged may have been chosen by strangers, or hold secrets by mistake. So every value is escaped (a line break
would forge a line), and secrets are taken out of the whole line at the last moment, whoever wrote it, libraries too.
"""

import io
import logging
import re
import time
import traceback
from base64 import b64encode
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Literal, TextIO
from urllib.parse import quote, quote_plus

import msgspec

LOGGER = "activity_stream"
MASK = "****"
LONGEST_MESSAGE = 10_000
SHORT_SECRET = 6
Status = Literal["", "started", "done", "failed", "cancelled"]

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSAFE_IN_TAG = re.compile(r"[\[\],]")
_AUTHORIZATION = re.compile(
    r"""(?ix) (authorization (?:\\*["'])?) (\s*[:=]\s* | \s*,\s*(?=b?["']))
    (?: b?\\*"[^"]*" | b?'[^']*' | [^\r\n]* )"""
)
_HAWK = re.compile(
    r"""(?ix) \bhawk\s+ (?: \w+=\\*"[^"\\]*\\*" [,\s]* )+ | \b(?:mac|nonce|hash)=\\*"[^"\\]*\\*" """,
)
_USERINFO = re.compile(r"://[^\s/@]+@")


def configure(format: str, stream: TextIO, secrets: Sequence[str] = ()) -> None:
    """Write all logs of this process to the stream, as `text` or `json`, with the secrets masked.

    Takes the place of an earlier call. Our own lines appear from level INFO, those of libraries from WARNING.
    """
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    redactor = Redactor(secrets)
    handler = Handler(stream)
    handler.setFormatter(JsonFormatter(redactor) if format == "json" else TextFormatter(redactor))
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each, Handler)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    logging.getLogger(LOGGER).setLevel(logging.INFO)


class Handler(logging.StreamHandler[TextIO]):
    """What `configure` puts in place, so that it can find it again."""


class Log:
    """Writes lines under a component (`outgoing`, `incoming`) and tags: a feed and its cycle, a request, a key."""

    __slots__ = ("component", "tags")

    def __init__(self, component: str, *tags: str) -> None:
        self.component = component
        self.tags = tags

    def with_tags(self, *tags: str) -> "Log":
        """The same, with more tags."""
        return Log(self.component, *self.tags, *tags)

    def info(self, message: str) -> None:
        """A line worth knowing."""
        self.write(logging.INFO, message)

    def warning(self, message: str) -> None:
        """A line that someone may have to do something about."""
        self.write(logging.WARNING, message)

    def error(self, message: str, error: BaseException | None = None) -> None:
        """A line that someone has to do something about; with `error`, its traceback."""
        self.write(logging.ERROR, message, error=error, with_traceback=True)

    def step(self, action: str) -> "Step":
        """A step: `with log.step("Saving"):` writes a line at its start and one at its end, in async code too."""
        return Step(self, action)

    def write(
        self,
        level: int,
        message: str,
        status: Status = "",
        *,
        error: BaseException | None = None,
        with_traceback: bool = False,
    ) -> None:
        """One line. `status` is that of the step it is about; `error` is named, with its traceback if asked for."""
        told = f"{type(error).__name__}: {error}" if error and not with_traceback else ""
        extra = {"component": self.component, "tags": self.tags, "status": status, "told": told}
        trace = (type(error), error, error.__traceback__) if error and with_traceback else None
        logging.getLogger(LOGGER).log(level, "%s", message, exc_info=trace, extra=extra)


class Step:
    """One step under way; see `Log.step`. An error goes on as it is."""

    __slots__ = ("_action", "_log")

    def __init__(self, log: Log, action: str) -> None:
        self._log = log
        self._action = action

    def __enter__(self) -> None:
        self._log.write(logging.INFO, self._action, "started")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._log.write(logging.INFO, self._action, "done")
        elif issubclass(kind, Exception):
            self._log.write(logging.WARNING, self._action, "failed", error=error)
        else:
            # asyncio.CancelledError, KeyboardInterrupt and their like: someone wanted it to end.
            self._log.write(logging.INFO, self._action, "cancelled")


class Redactor:
    """Masks secrets in a text: the given ones, and whatever looks like an `Authorization` value or a URL's password."""

    def __init__(self, secrets: Sequence[str]) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        # The longest first: a secret may begin with another one.
        parts = [_pattern(form) for form in sorted(forms, key=len, reverse=True)]
        self._secrets = re.compile("|".join(parts)) if parts else None

    def __call__(self, text: str) -> str:
        """The text with secrets masked."""
        if self._secrets:
            text = self._secrets.sub(MASK, text)
        if "://" in text:
            text = _USERINFO.sub(f"://{MASK}@", text)
        if '="' in text or '\\"' in text:
            text = _HAWK.sub(MASK, text)
        return _AUTHORIZATION.sub(rf"\1\2{MASK}", text) if "authorization" in text.lower() else text


def _forms(secret: str) -> Iterator[str]:
    """The ways in which a secret shows in text: as it is, in a URL, in JSON, in a Python literal, in base64."""
    yield from (secret, quote(secret, safe=""), quote(secret), quote_plus(secret), repr(secret)[1:-1])
    yield msgspec.json.encode(secret).decode()[1:-1]
    yield b64encode(secret.encode()).decode().rstrip("=")


def _pattern(form: str) -> str:
    # A very short secret, masked wherever its letters come, would make the log unreadable.
    return re.escape(form) if len(form) >= SHORT_SECRET else rf"(?<!\w){re.escape(form)}(?!\w)"


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the log, safe to write; also its JSON form. `time` is ISO 8601 in UTC."""

    time: str
    level: str
    component: str
    tags: list[str]
    message: str
    status: str = ""
    error: str = ""
    traceback: list[str] = []


def _line(record: logging.LogRecord, redact: Redactor) -> Line:
    """What a record says, whoever made it: a library's has its logger's name for a component."""
    fields: dict[str, Any] = record.__dict__ if record.name == LOGGER else {}
    trace = "".join(traceback.format_exception(record.exc_info[1])) if record.exc_info else ""
    component, tags = fields.get("component", record.name), fields.get("tags", ())
    values = [component, record.getMessage(), fields.get("told", ""), trace, *tags]
    together = "\n".join(values)
    if redact(together) != together:  # hardly ever: one look at the whole is cheaper than one at each
        values = [redact(value) for value in values]
    component, message, error, trace, *tags = values
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return Line(
        time=f"{moment}.{int(record.msecs):03}Z",
        level=record.levelname.lower(),
        component=_tag(component),
        tags=[_tag(tag) for tag in tags],
        message=_text(message),
        status=fields.get("status", ""),
        error=_text(error),
        traceback=[_text(each) for each in trace.splitlines()],
    )


def _text(value: str) -> str:
    """The value on one line, not longer than is useful."""
    if len(value) > LONGEST_MESSAGE:
        value = f"{value[:LONGEST_MESSAGE]}… ({len(value) - LONGEST_MESSAGE} characters more)"
    return _UNSAFE.sub(_escape, value)


def _tag(value: str) -> str:
    return _UNSAFE_IN_TAG.sub(lambda match: f"\\x{ord(match[0]):02x}", _text(value))


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


class TextFormatter(logging.Formatter):
    """`timestamp [component,tag,…] Action... (status)`; an error's name and traceback are lines before that."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The record's lines, without the last line break."""
        line = _line(record, self._redact)
        start = f"{line.time} [{','.join((line.component, *line.tags))}] "
        ending = {"": "", "started": "..."}.get(line.status, f"... ({line.status})")
        before = [line.error] if line.error else line.traceback
        return "\n".join(start + each for each in (*before, line.message + ending))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time`, `level`, `component`, `tags`, `message`, and `status`, `error`, `traceback`
    where there are such."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The record's line, without the line break."""
        return msgspec.json.encode(_line(record, self._redact)).decode()
