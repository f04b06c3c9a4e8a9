"""The commands `feeds …`: how each feed is doing, and the operator's word on what the guard holds back."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from activity_stream import compose
from activity_stream.cli.ask import fail
from activity_stream.cli.serve import Config, settings_or_exit
from activity_stream.collect.records import FeedStatus
from activity_stream.errors import ActivityStreamError

app = typer.Typer(help="How each feed is doing; approve or reject what the guard holds back.", no_args_is_help=True)
Feed = Annotated[str, typer.Argument(help="The feed's UNIQUE_ID.")]


@app.command("list", epilog="Example: activity-stream feeds list --config activity-stream.toml")
def list_feeds(config: Config = None) -> None:
    """Show each feed: when it was last complete, how much it has, what is held and why, its last error."""
    settings = settings_or_exit(config)
    try:
        statuses = asyncio.run(compose.feed_statuses(settings))
    except ActivityStreamError as error:
        fail(str(error))
    names = ("feed", "complete", "published", "activities", "held", "last error")
    table = Table(*(Column(name, overflow="fold") for name in names))
    for status in statuses:
        table.add_row(*row(status))
    Console().print(table)


@app.command(epilog="Example: activity-stream feeds approve my_service")
def approve(feed: Feed, config: Config = None) -> None:
    """Publish the generation that is held: what is missing from it was really deleted at the source."""
    decide(feed, "approve", config)


@app.command(epilog="Example: activity-stream feeds reject my_service")
def reject(feed: Feed, config: Config = None) -> None:
    """Drop the generation that is held: readers keep what they have, and the next crawl is judged afresh."""
    decide(feed, "reject", config)


def decide(feed: str, decision: str, config: Config) -> None:
    """Hand the operator's decision to the collector, which acts on it within a second or two."""
    settings = settings_or_exit(config)
    try:
        statuses = {status.feed: status for status in asyncio.run(compose.feed_statuses(settings))}
        if feed not in statuses or statuses[feed].held is None:
            held = [name for name, status in statuses.items() if status.held is not None]
            fail(f"Nothing of the feed {feed!r} is held. Feeds with a held generation: {', '.join(held) or 'none'}.")
        asyncio.run(compose.decide(settings, feed, decision))
    except ActivityStreamError as error:
        fail(str(error))
    Console().print(f"{feed}: {decision} noted; the collector acts on it within seconds (see: feeds list).")


def row(status: FeedStatus) -> tuple[str, ...]:
    """One line of the table."""
    held = f"{status.held.activities:,} activities: {status.held.reason}" if status.held else ""
    return (
        status.feed,
        moment(status.completed_at),
        moment(status.published_at),
        f"{status.activities:,}",
        held,
        f"{moment(status.error_at)} {status.error}" if status.error else "",
    )


def moment(seconds: float | None) -> str:
    """A time as people read it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if seconds else "never"
