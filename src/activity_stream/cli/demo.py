"""The commands `demo` and `verification-feed`."""

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from activity_stream import compose
from activity_stream.cli.serve import until_signal
from activity_stream.errors import SettingsError
from activity_stream.settings import Settings, load

FEED = "verification_feed"
KEY_ID = "demo"
DAY = 24 * 60 * 60
PORTS = range(8080, 8100)
CHILD_SECONDS = 5.0


def verification_feed(
    port: Annotated[int, typer.Option(min=0, max=65535, envvar="PORT", help="The port; 0 takes a free one.")] = 8082,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve the sample source: one activity a second for the past 24 hours, 100 to a page, from /0."""
    until_signal(lambda stop: compose.verification_feed(host, port, stop))


def demo() -> None:
    """Start a sample source, collect from it, serve the API, and print three requests to try. Ctrl-C stops it.

    Keeps its data in DATA_DIR (by default ./activity-stream-data/demo); PORT is the API's port (by default the first
    free one from 8080).
    """
    until_signal(_demo)


async def _demo(stop: asyncio.Event) -> None:
    console = Console()
    secret = secrets.token_urlsafe(16)
    source = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "activity_stream", "verification-feed", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for this process, which then stops its child
    )
    try:
        seed = await _listening(source)
        settings = demo_settings(os.environ, seed, secret)
        log_file = settings.storage.data_dir / "demo.log"
        log_file.parent.mkdir(parents=True, exist_ok=True)
        console.print(f"Collecting {DAY:,} activities from {seed}\nThe log is in {log_file}")
        with log_file.open("a", encoding="utf-8") as log:
            await compose.demo(settings, stop, log, lambda parts: _show(console, parts, secret, stop))
    except SettingsError as error:
        raise compose.CannotServe("The configuration cannot be used:\n" + "\n".join(error.problems)) from error
    finally:
        if source.returncode is None:
            source.terminate()
            await asyncio.wait_for(source.wait(), CHILD_SECONDS)
        console.print("Stopped.")


def demo_settings(environ: Mapping[str, str], seed: str, secret: str) -> Settings:
    """The demo's settings: its own feed and key; DATA_DIR, PORT and HOST from the environment where they are there."""
    own = {
        "DATA_DIR": "./activity-stream-data/demo",
        "HOST": "127.0.0.1",
        "FEEDS__1__UNIQUE_ID": FEED,
        "FEEDS__1__TYPE": "activity_stream",
        "FEEDS__1__SEED": seed,
        "FEEDS__1__FULL_INGEST_PAGE_INTERVAL": "0",
        "INCOMING_ACCESS_KEY_PAIRS__1__KEY_ID": KEY_ID,
        "INCOMING_ACCESS_KEY_PAIRS__1__SECRET_KEY": secret,
        "INCOMING_ACCESS_KEY_PAIRS__1__PERMISSIONS__activities__1": "__MATCH_ALL__",
        "INCOMING_ACCESS_KEY_PAIRS__1__PERMISSIONS__objects__1": "__MATCH_ALL__",
    }
    given = {name: environ[name] for name in ("DATA_DIR", "PORT", "HOST") if environ.get(name)}
    if "PORT" not in given:
        given["PORT"] = str(free_port(given.get("HOST", own["HOST"])))
    return load(own | given, None)


def free_port(host: str) -> int:
    """The first port from 8080 that nobody listens on, or 0 (any) where all are taken."""
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    return 0


async def _listening(source: asyncio.subprocess.Process) -> str:
    """The seed of the sample source, once it serves."""
    assert source.stdout is not None  # noqa: S101 it was asked for
    async for line in source.stdout:
        words = line.decode(errors="replace").split()
        if "Listening" in words:
            return f"{words[-1]}/0"
    raise compose.CannotServe("The sample source did not start.")


async def _show(console: Console, parts: compose.DemoParts, secret: str, stop: asyncio.Event) -> None:
    """Show the first collection's progress, then what to try."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Collecting", total=DAY)
        while not stop.is_set() and not await parts.published():
            progress.update(task, completed=await parts.collected())
            await asyncio.sleep(0.25)
        progress.update(task, completed=DAY)
    if not stop.is_set():
        console.print(what_to_try(parts.url, secret), markup=False, highlight=False, soft_wrap=True)


def what_to_try(url: str, secret: str) -> str:
    """Three requests that work as printed."""
    name = sys.argv[0] if Path(sys.argv[0]).name == "activity-stream" else f"{sys.executable} -m activity_stream"
    ask = f"{name} search --url {url} --key-id {KEY_ID} --secret={secret}"
    newest = '{"size": 1, "sort": [{"published": "desc"}]}'
    minute = '{"size": 0, "track_total_hits": true, "query": {"range": {"published": {"gte": "now-1m"}}}}'
    hours = (
        '{"size": 0, "track_total_hits": true, "aggs": {"hours": {"date_histogram": '
        '{"field": "published", "fixed_interval": "1h"}}}}'
    )
    return "\n".join(
        [
            "",
            f"All collected; the API is at {url}. Try, in another terminal:",
            "",
            "The newest activity (a second old, or two):",
            f"  {ask} '{newest}'",
            "How many the last minute had:",
            f"  {ask} '{minute}'",
            "How many each hour had, of the objects:",
            f"  {ask} --objects '{hours}'",
            "",
            "Ctrl-C stops it.",
        ]
    )
