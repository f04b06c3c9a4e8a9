"""Reports of errors to Sentry; needs the extra `sentry`. Import only where `sentry_sdk` is there."""

import logging
from importlib import import_module

from activity_stream.errors import ActivityStreamError


def report_errors(dsn: str, environment: str) -> None:
    """Report what the log calls an error to the project of `dsn`.

    Without local variables and without request data, which can hold secrets. Raises ActivityStreamError for a DSN that
    is none.
    """
    sdk = import_module("sentry_sdk")
    # A Sentry that is away is no trouble of ours, and is tried until the very end: the log's last line is another one.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    try:
        sdk.init(
            dsn=dsn,
            environment=environment or None,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            traces_sample_rate=0.0,
        )
    except sdk.utils.BadDsn as error:
        raise ActivityStreamError(f"SENTRY_DSN cannot be used: {error}") from error
