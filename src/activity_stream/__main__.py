"""The command `activity-stream`, also as `python -m activity_stream`."""

from activity_stream.cli.app import app


def main() -> None:
    """Run the command line; exits with its status."""
    app(prog_name="activity-stream")


if __name__ == "__main__":
    main()
