"""The command `search`: sign a body, send it, show the answer."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

import msgspec
import typer
from rich.console import Console

from activity_stream import compose

Body = Annotated[
    str, typer.Argument(help="An Elasticsearch search body; @FILE reads it from a file, - from standard input.")
]
Url = Annotated[str, typer.Option("--url", envvar="ACTIVITY_STREAM_URL", help="Where the API is.")]
KeyId = Annotated[str, typer.Option("--key-id", envvar="ACTIVITY_STREAM_KEY_ID", help="The key to sign with.")]
Secret = Annotated[str, typer.Option("--secret", envvar="ACTIVITY_STREAM_SECRET", help="The key's secret.")]
Objects = Annotated[bool, typer.Option("--objects", help="Search objects instead of activities.")]
Raw = Annotated[bool, typer.Option("--raw", help="Print the answer as it came, byte for byte.")]


def search(
    key_id: KeyId,
    secret: Secret,
    body: Body = "",
    url: Url = "http://127.0.0.1:8080",
    objects: Objects = False,
    raw: Raw = False,
) -> None:
    """Sign a search, send it to an API and print the answer; exit status 1 where that is not a success."""
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        fail(f"--url is {url!r}; it has to be an address such as http://127.0.0.1:8080")
    alias = "objects" if objects else "activities"
    try:
        reply, signed = compose.search(f"{url.rstrip('/')}/v3/{alias}/_search", key_id, secret, content(body))
    except compose.NoReply as error:
        fail(str(error))
    show(reply.body, raw=raw)
    if reply.status != 200:
        fail(f"The API answered with status {reply.status}.")
    if not compose.is_authentic(reply, signed, secret):
        fail("The answer's Server-Authorization does not fit: it was changed on the way, or is not from this API.")


def content(body: str) -> bytes:
    """The bytes to send for the argument that was given."""
    if body == "-":
        return sys.stdin.buffer.read()
    if body.startswith("@"):
        try:
            return Path(body[1:]).read_bytes()
        except OSError as error:
            fail(f"{body[1:]} cannot be read: {error.strerror}")
    return body.encode()


def show(answer: bytes, *, raw: bool) -> None:
    """Print an answer: as it came, or laid out with colours where the terminal has them."""
    if raw:
        sys.stdout.buffer.write(answer)
        sys.stdout.flush()
        return
    try:
        text = msgspec.json.format(answer, indent=2).decode()
    except msgspec.DecodeError:
        text = answer.decode(errors="replace")
    console = Console()
    if console.is_terminal:
        console.print_json(text)
    else:
        sys.stdout.write(text + "\n")


def fail(message: str) -> NoReturn:
    """End with status 1 and the message on standard error."""
    sys.stderr.write(message + "\n")
    raise typer.Exit(1)
