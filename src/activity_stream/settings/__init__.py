"""The configuration: one frozen tree, read from the environment and a TOML file, every problem told at once.

    environ ─┐
             ├─ entries ── reading ── feeds · callers · storage · load ──> Settings, or SettingsError
    TOML ────┘                            (what is allowed: variables, values, places)

`variables` is the one place that has each setting's name, meaning, form and default.
"""

from activity_stream.settings.load import load
from activity_stream.settings.shapes import (
    ApiSettings,
    Auth,
    AwsKeys,
    CallerSettings,
    CollectSettings,
    EmbeddedIndex,
    FeedSettings,
    LogFormat,
    RedisState,
    Rhythm,
    Secret,
    SentrySettings,
    ServerIndex,
    Settings,
    SqliteState,
    StorageSettings,
)
from activity_stream.settings.variables import SettingRow, describe

__all__ = [
    "ApiSettings",
    "Auth",
    "AwsKeys",
    "CallerSettings",
    "CollectSettings",
    "EmbeddedIndex",
    "FeedSettings",
    "LogFormat",
    "RedisState",
    "Rhythm",
    "Secret",
    "SentrySettings",
    "ServerIndex",
    "SettingRow",
    "Settings",
    "SqliteState",
    "StorageSettings",
    "describe",
    "load",
]
