"""What was configured, before anything is known of its meaning: texts under paths.

A variable's name unfolds on `__`: `FEEDS__1__SEED` is the text at ("FEEDS", "1", "SEED"). A TOML file has the same
structure in lower case, its lists counted from 1. Where both set something, the environment wins: a text replaces the
list it stands for, and the other way round; lists are merged item by item.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from activity_stream.settings.variables import VARIABLES

EntryPath = tuple[str, ...]
MOST_SECRET_BYTES = 2**20
_HOLES = {"ACTIVITIES": "alias", "OBJECTS": "alias"}
_INTEGER = re.compile(r"\d{1,9}", re.ASCII)
_GRANT_KEYS = ("TERMS_KEY", "TERMS_VALUES")


class Entry(msgspec.Struct, frozen=True):
    """A text that came. `name` is what its problems are reported under; `told`: there is one already."""

    text: str
    name: str
    told: bool = False


Entries = Mapping[EntryPath, Entry]


def unfold(name: str) -> EntryPath:
    """The path that a variable's name stands for; numbers lose leading zeros, letters their case.

    The two keys of a grant are written with `__` before them, after the `__` that separates: the empty part between is
    left out, so that `…__1____TERMS_KEY` and `…__1__TERMS_KEY` are the same.
    """
    parts = name.upper().split("__")
    path = [part for part, after in zip(parts, [*parts[1:], ""], strict=True) if part or after not in _GRANT_KEYS]
    return tuple(str(int(part)) if _INTEGER.fullmatch(part) else part for part in path)


def pattern(path: EntryPath) -> EntryPath:
    """The path as the table of variables has it: `n` for a number, `alias` for an alias's name."""
    return tuple("n" if part.isdecimal() else _HOLES.get(part, part) for part in path)


def pattern_of(name: str) -> EntryPath:
    """The pattern of a name of the table, whose holes are in lower case already."""
    return tuple(part for part in name.split("__") if part)


KNOWN = {pattern_of(variable.name): variable for variable in VARIABLES}
_TOP = frozenset(path[0] for path in KNOWN)
_OURS = frozenset({*_TOP, *(f"{path[0]}_FILE" for path, each in KNOWN.items() if len(path) == 1 and each.secret)})
_LISTS = frozenset(path[0] for path in KNOWN if len(path) > 1)
_LAST = frozenset(path[-1] for path in KNOWN)


def is_secret(path: EntryPath) -> bool:
    """Whether the path is that of a secret."""
    variable = KNOWN.get(pattern(path))
    return bool(variable and variable.secret)


def from_environ(environ: Mapping[str, str], problems: list[str]) -> dict[EntryPath, Entry]:
    """What the environment sets of ours; everything else in it is none of our business."""
    entries: dict[EntryPath, Entry] = {}
    for name in sorted(environ):
        if not _concerns_us(name):
            continue
        path = unfold(name)
        if path in entries:
            problems.append(f"{printable(name)}: {entries[path].name} says the same; keep one of them")
        entries[path] = Entry(environ[name], printable(name))
    return entries


def _concerns_us(name: str) -> bool:
    """Whether a variable is ours, or can only be meant to be: a misspelt list must not be left out silently."""
    first, *more = name.split("__")
    alike = bool(difflib.get_close_matches(first.upper(), _LISTS, 1, 0.8))
    if first in _OURS or (first.startswith("INCOMING_") and (alike or more)):
        return True
    return alike and len(more) > 1 and more[0].isdecimal() and more[-1].upper() in _LAST


def near_misses(environ: Mapping[str, str]) -> list[str]:
    """A line for each variable that is not ours and nearly has the name of one that is."""
    lines = []
    for name in sorted(environ):
        found = difflib.get_close_matches(name, _OURS, 1, 0.9)
        if found and not _concerns_us(name):
            lines.append(f"{printable(name)} is no setting and is not used; perhaps {found[0]} was meant")
    return lines


def from_toml(config: Path, problems: list[str]) -> dict[EntryPath, Entry]:
    """What the TOML file sets."""
    try:
        content = tomllib.loads(config.read_text("utf-8"))
    except OSError as error:
        problems.append(f"--config: {printable(str(config))} cannot be read: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        # Python's message for text that is not UTF-8 quotes bytes of it.
        why = error if isinstance(error, tomllib.TOMLDecodeError) else "nested too deep, or not UTF-8"
        problems.append(f"--config: {printable(str(config))} is not TOML: {why}")
    else:
        return {unfold(name): Entry(text, f"{name} (in {config.name})") for name, text in _flat("", content)}
    return {}


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every scalar of a TOML value as the name and text of a variable."""
    if isinstance(value, dict):
        for key, each in value.items():
            short = key.upper() if not name.endswith("__PERMISSIONS") else key
            yield from _flat(f"{name}__{short}" if name else short, each)
    elif isinstance(value, list):
        for number, each in enumerate(value, 1):
            yield from _flat(f"{name}__{number}", each)
    elif isinstance(value, bool):
        yield printable(name), str(value).lower()
    else:
        yield printable(name), str(value)


def merged(file: Entries, environ: Entries) -> dict[EntryPath, Entry]:
    """Both; where they set the same thing, the environment's."""
    named = {*environ, *(other for path in environ if (other := _counterpart(path)))}
    above = {path[:length] for path in named for length in range(1, len(path) + 1)}
    kept = {
        path: entry
        for path, entry in file.items()
        if path not in above and not any(path[:length] in named for length in range(1, len(path)))
    }
    return kept | dict(environ)


def _counterpart(path: EntryPath) -> EntryPath | None:
    """For a secret, the path of its file; for a secret's file, the path of the secret; otherwise None."""
    file = (*path[:-1], f"{path[-1]}_FILE")
    if is_secret(path):
        return file
    secret = (*path[:-1], path[-1].removesuffix("_FILE"))
    return secret if secret != path and is_secret(secret) else None


def with_secret_files(entries: Entries, problems: list[str]) -> dict[EntryPath, Entry]:
    """The entries, with each `NAME_FILE` of a secret replaced by what is in the file."""
    result = dict(entries)
    for path, entry in entries.items():
        secret = _counterpart(path)
        if secret is None or is_secret(path):
            continue
        del result[path]
        if not entry.text:
            continue
        if secret in result and result[secret].text:
            problems.append(f"{entry.name}: {result[secret].name} is set too; keep one of them")
            continue
        result[secret] = _secret_in(entry, problems)
    return result


def _secret_in(entry: Entry, problems: list[str]) -> Entry:
    """The content of a secret's file; where there is none, a problem."""
    try:
        return Entry(_read(entry.text), entry.name)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is empty, not UTF-8, or longer than 1 MiB"
        problems.append(
            f"{entry.name}: '{printable(entry.text)}' cannot be used: {why}; allowed is the path of a file that holds "
            "the secret"
        )
    return Entry("", entry.name, told=True)


def _read(name: str) -> str:
    with Path(name).open("rb") as file:
        content = file.read(MOST_SECRET_BYTES + 1)
    text = content.decode().removesuffix("\n").removesuffix("\r")
    if not text or len(content) > MOST_SECRET_BYTES:
        raise ValueError
    return text


def printable(value: str) -> str:
    """The text with whatever cannot be printed escaped."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in value)
