"""Log lines have the shape that operators grep for, cannot be forged, and hold no secret."""

import asyncio
import io
import json
import logging
import re
from base64 import b64encode
from collections.abc import Iterator

import pytest

from activity_stream.logs import LOGGER, MASK, Handler, Log, configure

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
SECRET = "a-secret/with+signs"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes, as text, with one secret known."""
    stream = io.StringIO()
    yield from configured("text", stream)


@pytest.fixture
def json_stream() -> Iterator[io.StringIO]:
    """The same as JSON."""
    yield from configured("json", io.StringIO())


def configured(form: str, stream: io.StringIO) -> Iterator[io.StringIO]:
    """Configure the log for one test."""
    configure(form, stream, [SECRET, "abc"])
    yield stream
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, Handler)]:
        root.removeHandler(handler)
    logging.getLogger(LOGGER).setLevel(logging.NOTSET)


def said(stream: io.StringIO) -> list[str]:
    """The lines, without their timestamps."""
    return [line.split(" ", 1)[1] for line in stream.getvalue().splitlines()]


def test_a_step_has_a_line_at_its_start_and_one_at_its_end(stream: io.StringIO) -> None:
    """`Action...`, then `Action... (done)`, each with a timestamp, the component and the tags."""
    with Log("outgoing", "feed").with_tags("full").step("Polling page"):
        assert said(stream) == ["[outgoing,feed,full] Polling page..."]
    assert said(stream)[1:] == ["[outgoing,feed,full] Polling page... (done)"]
    assert all(re.match(STAMP + r" \[", line) for line in stream.getvalue().splitlines())


def test_a_failed_step_names_the_error_and_lets_it_go_on(stream: io.StringIO) -> None:
    """The error's class and message stand in the log, and the error is not swallowed."""
    with pytest.raises(ValueError, match="no good"), Log("outgoing").step("Polling"):
        raise ValueError("no good")
    assert said(stream)[1:] == ["[outgoing] ValueError: no good", "[outgoing] Polling... (failed)"]


async def test_a_cancelled_step_says_so(stream: io.StringIO) -> None:
    """A task that is cancelled in a step ends it as cancelled, not as failed."""

    async def work() -> None:
        with Log("outgoing").step("Waiting"):
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert said(stream)[1:] == ["[outgoing] Waiting... (cancelled)"]


def test_an_error_can_have_its_traceback(stream: io.StringIO) -> None:
    """Each line of a traceback is a line of the log, tags included."""
    with pytest.raises(ValueError, match="why") as caught:
        raise ValueError("why")
    Log("incoming", "abcdefgh").error("Went wrong", caught.value)
    lines = said(stream)
    assert lines[0] == "[incoming,abcdefgh] Traceback (most recent call last):"
    assert lines[-2:] == ["[incoming,abcdefgh] ValueError: why", "[incoming,abcdefgh] Went wrong"]


def test_json_lines_say_the_same(json_stream: io.StringIO) -> None:
    """With the format json each line is one object."""
    with pytest.raises(ValueError, match="why"), Log("outgoing", "feed").step("Polling"):
        raise ValueError("why")
    first, second = (json.loads(line) for line in json_stream.getvalue().splitlines())
    assert (first["status"], second["status"], second["error"]) == ("started", "failed", "ValueError: why")
    assert (first["component"], first["tags"], first["message"]) == ("outgoing", ["feed"], "Polling")
    assert first["level"] == "info"
    assert first["time"].endswith("Z")
    assert second["level"] == "warning"


@pytest.mark.parametrize("evil", ["\n", "\r\n", "\x1b[2J", "\x00", "\u2028", "\x85", "\ud800", "\u202e"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_nobody_can_forge_a_line(form: str, evil: str) -> None:
    """Line breaks and control characters in a value are escaped, in the message and in tags."""
    stream = io.StringIO()
    for _ in configured(form, stream):
        Log("incoming", f"id{evil}tag").info(f"one{evil}two")
    assert evil not in stream.getvalue().removesuffix("\n")
    assert len(stream.getvalue().splitlines()) == 1


def test_a_tag_cannot_end_the_tags(stream: io.StringIO) -> None:
    """Brackets and commas in a tag are escaped."""
    Log("incoming", "a] [outgoing,b").info("x")
    assert said(stream) == [r"[incoming,a\x5d \x5boutgoing\x2cb] x"]


def test_a_line_has_an_end(stream: io.StringIO) -> None:
    """A value of a megabyte does not become a line of a megabyte."""
    Log("incoming").info("x" * 1_000_000)
    assert len(stream.getvalue()) < 11_000
    assert "characters more" in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"url?key={SECRET}",
        "a-secret%2Fwith%2Bsigns",
        b64encode(SECRET.encode()).decode(),
        f"{{'key': {SECRET!r}}}",
    ],
)
def test_a_known_secret_never_shows(stream: io.StringIO, text: str) -> None:
    """In no form, in no place: message, tag, error, traceback, nor a library's line."""
    log = Log("outgoing", text)
    log.info(text)
    with pytest.raises(ValueError, match=re.escape(text)) as caught, log.step(text):
        raise ValueError(text)
    log.error(text, caught.value)
    logging.getLogger("some.library").warning("it was %s", text)
    assert MASK in stream.getvalue()
    assert text not in stream.getvalue()
    assert said(stream)[-1].startswith("[some.library] it was ")


def test_a_short_secret_does_not_black_out_the_log(stream: io.StringIO) -> None:
    """A secret of three letters is masked where it stands alone, and words that have it in them can be read."""
    Log("outgoing").info("key abc, abcdef")
    assert said(stream) == [f"[outgoing] key {MASK}, abcdef"]


@pytest.mark.parametrize(
    "text",
    [
        'Authorization: Hawk id="x", ts="1", nonce="XYZZY", hash="XYZZY=", mac="XYZZY="',
        "{'Authorization': 'Bearer XYZZY', 'Accept': '*/*'}",
        '{"authorization":"Basic XYZZY"}',
        "(b'Authorization', b'Basic XYZZY')",
        r'"{\"Server-Authorization\": \"Hawk mac=\\"XYZZY\\""',
        'challenge Hawk id="x", mac="XYZZY"',
        'header mac="XYZZY"',
        "http://user:XYZZY@host/path",
        "redis://XYZZY@host/path",
    ],
)
def test_what_looks_like_an_authorization_never_shows(stream: io.StringIO, text: str) -> None:
    """Header values and a URL's user and password are masked, known or not."""
    Log("incoming").info(f"Sent {text}")
    assert "XYZZY" not in stream.getvalue()
    assert said(stream)[0].startswith("[incoming] Sent ")


def test_libraries_speak_up_from_warnings_only(stream: io.StringIO) -> None:
    """What a library says at INFO is not for operators."""
    logging.getLogger("some.library").info("chatter")
    assert stream.getvalue() == ""


def test_configuring_again_takes_the_place_of_before(stream: io.StringIO) -> None:
    """After a second call nothing is written twice."""
    second = io.StringIO()
    for _ in configured("text", second):
        Log("outgoing").info("x")
    assert stream.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 1


def test_a_stream_that_cannot_write_a_letter_gets_an_escape() -> None:
    """A terminal without UTF-8 loses no line."""
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding="ascii", write_through=True)
    configure("text", stream)
    Log("outgoing").info("café")
    logging.getLogger().removeHandler(next(h for h in logging.getLogger().handlers if isinstance(h, Handler)))
    logging.getLogger(LOGGER).setLevel(logging.NOTSET)
    assert buffer.getvalue().endswith(b"caf\\xe9\n")
