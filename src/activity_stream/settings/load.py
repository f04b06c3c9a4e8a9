"""The way from what the operator wrote to settings."""

from collections.abc import Mapping
from pathlib import Path

from activity_stream.errors import SettingsError
from activity_stream.fields import searchable_fields
from activity_stream.settings import variables as v
from activity_stream.settings.callers import read_callers
from activity_stream.settings.entries import (
    from_environ,
    from_toml,
    merged,
    near_misses,
    with_secret_files,
)
from activity_stream.settings.feeds import read_feeds, read_fields
from activity_stream.settings.reading import Reading
from activity_stream.settings.shapes import ApiSettings, CollectSettings, Settings
from activity_stream.settings.storage import read_sentry, read_storage


def load(environ: Mapping[str, str], config: Path | None) -> Settings:
    """The settings that the environment and, if given, a TOML file describe.

    Raises SettingsError with every problem there is; a file that is no TOML is told alone, because without it nothing
    can be said of the rest.
    """
    problems: list[str] = []
    file = from_toml(config, problems) if config else {}
    if problems:
        raise SettingsError(tuple(problems))
    entries = merged(file, from_environ(environ, problems))
    reading = Reading(with_secret_files(entries, problems))
    settings = _settings(reading, near_misses(environ))
    reading.finish()
    problems += reading.problems
    if problems:
        raise SettingsError(tuple(dict.fromkeys(problems)))
    return settings


def _settings(reading: Reading, warnings: list[str]) -> Settings:
    """All the settings; where there are problems, whatever could be read."""
    fields = read_fields(reading)
    collect = CollectSettings(
        stall_timeout=reading.value(v.STALL_TIMEOUT), max_page_bytes=reading.value(v.MAX_PAGE_BYTES)
    )
    return Settings(
        api=_api(reading),
        collect=collect,
        storage=read_storage(reading),
        feeds=read_feeds(reading),
        callers=read_callers(reading, searchable_fields(fields)),
        fields=fields,
        changes_retention=reading.value(v.CHANGES_RETENTION),
        log_format=reading.value(v.LOG_FORMAT),
        sentry=read_sentry(reading),
        warnings=(*warnings, *reading.warnings),
    )


def _api(reading: Reading) -> ApiSettings:
    return ApiSettings(
        host=reading.value(v.HOST),
        port=reading.value(v.PORT),
        whitelist=reading.words(v.WHITELIST),
        max_body_bytes=reading.value(v.MAX_BODY_BYTES),
        cursor_expiry=reading.value(v.CURSOR_EXPIRY),
    )
