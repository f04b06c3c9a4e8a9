"""The commands, all on one screen."""

import typer

from activity_stream.cli import ask, demo, feeds, serve

app = typer.Typer(
    help="Collects ActivityStreams 2.0 feeds into one searchable, permissioned stream.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog="Example: activity-stream run --config activity-stream.toml")(serve.run)
app.command(epilog="Example: activity-stream outgoing --config activity-stream.toml")(serve.outgoing)
app.command(epilog="Example: activity-stream incoming --workers 2")(serve.incoming)
app.command(epilog="Example: activity-stream demo")(demo.demo)
app.command(epilog="Example: activity-stream verification-feed --port 8082")(demo.verification_feed)
app.command(epilog="Example: activity-stream search '{\"size\": 1}' --key-id demo --secret SECRET")(ask.search)
app.add_typer(feeds.app, name="feeds")
