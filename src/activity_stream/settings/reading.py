"""Takes values out of what was configured, and notes all that is wrong with it."""

import difflib
from typing import Any, TypeVar

from activity_stream.settings.entries import KNOWN, Entries, Entry, EntryPath, pattern, printable, unfold
from activity_stream.settings.values import NotAllowed
from activity_stream.settings.variables import Variable

T = TypeVar("T")
LONGEST_SHOWN = 100


def spelt(variable: Variable[Any], at: tuple[str, ...]) -> str:
    """A variable's name with its holes filled in; it ends before a hole for which `at` has nothing."""
    holes = iter(at)
    parts = []
    for part in variable.name.split("__"):
        filled = next(holes, None) if part in ("n", "alias") else part
        if filled is None:
            break
        parts.append(filled)
    return "__".join(parts)


def shown(text: str) -> str:
    """A value as it can be told: user, password and query of a URL masked, not too long, on one line."""
    scheme, separator, rest = text.partition("://")
    if not separator or "@" in scheme:
        scheme, separator, rest = "", "", text
    if "@" in rest:
        rest = "****@" + rest.rsplit("@", 1)[1]
    if separator and "?" in rest:
        rest = rest.split("?", 1)[0] + "?****"
    value = printable(scheme + separator + rest)
    return f"'{value[:LONGEST_SHOWN]}{'…' if len(value) > LONGEST_SHOWN else ''}'"


class Reading:
    """One reading of the entries. `problems` make the configuration unusable; `warnings` do not."""

    def __init__(self, entries: Entries) -> None:
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self._entries = entries
        self._used: set[EntryPath] = set()

    def value(self, variable: Variable[T], *at: str, default: str | None = None) -> T:
        """The variable's value; where it is not set, or wrong, its default (`default` stands for the table's)."""
        value = self.optional(variable, *at)
        return variable.read(variable.default if default is None else default) if value is None else value

    def optional(self, variable: Variable[T], *at: str) -> T | None:
        """The variable's value; None where it is not set, is empty, or is wrong, which is a problem."""
        entry = self._take(unfold(spelt(variable, at)))
        return self._read(variable, entry, entry.text.strip() if not variable.secret else entry.text) if entry else None

    def required(self, variable: Variable[T], *at: str) -> T | None:
        """The variable's value; None where it is not set or wrong, both of which are problems."""
        value = self.optional(variable, *at)
        if not self.is_set(variable, *at):
            self.problem(variable, *at, allowed=variable.meaning)
        return value

    def is_set(self, variable: Variable[Any], *at: str) -> bool:
        """Whether something that is not empty came for the variable."""
        entry = self._entries.get(unfold(spelt(variable, at)))
        return bool(entry and (entry.text.strip() or entry.told))

    def words(self, variable: Variable[T], *at: str) -> tuple[T, ...]:
        """The values of a variable that takes several: comma separated, or numbered one by one."""
        path = unfold(spelt(variable, at))
        found = []
        for each in (path, *((*path, number) for number in self.numbers(path))):
            entry = self._entries.get(each)
            self._used.add(each)
            if entry is None or (each == path and not entry.text.strip()):
                continue
            found += [self._read(variable, entry, word.strip()) for word in entry.text.split(",")]
        return tuple(value for value in found if value is not None)

    def keys(self, path: EntryPath) -> tuple[str, ...]:
        """What there is one level below the path, in the order it came; numbers first, in their order."""
        depth = len(path)
        keys = dict.fromkeys(each[depth] for each in self._entries if len(each) > depth and each[:depth] == path)
        numbers = sorted((key for key in keys if key.isdecimal()), key=int)
        return (*numbers, *(key for key in keys if not key.isdecimal()))

    def numbers(self, path: EntryPath) -> tuple[str, ...]:
        """The items of a list, in their order; a key that is no number is a problem."""
        keys = self.keys(path)
        for key in keys:
            if not key.isdecimal():
                name = self._first((*path, key)).name
                self.problems.append(
                    f"{name}: '{printable(key)}' came where a number is needed: "
                    f"{'__'.join(path)} is a list, {'__'.join(path)}__1, __2 and so on"
                )
                self.ignore((*path, key))
        return tuple(key for key in keys if key.isdecimal())

    def ignore(self, path: EntryPath) -> None:
        """Say nothing more about what is at the path and below it."""
        self._used.update(each for each in self._entries if each[: len(path)] == path)

    def problem(self, variable: Variable[Any], *at: str, allowed: str) -> None:
        """Note that what came for the variable, which may be nothing, is not what is allowed."""
        entry = self._entries.get(unfold(spelt(variable, at)))
        self._wrong(variable, entry or Entry("", spelt(variable, at)), entry.text if entry else "", allowed)

    def name(self, variable: Variable[Any], *at: str) -> str:
        """The name under which the variable came, or would have."""
        entry = self._entries.get(unfold(spelt(variable, at)))
        return entry.name if entry else spelt(variable, at)

    def finish(self) -> None:
        """Note as a problem whatever came and was not asked for."""
        for path, entry in self._entries.items():
            if path not in self._used:
                self.problems.append(f"{entry.name} is no setting{_suggestion(path)}")

    def _take(self, path: EntryPath) -> Entry | None:
        self._used.add(path)
        entry = self._entries.get(path)
        return entry if entry and entry.text.strip() else None

    def _read(self, variable: Variable[T], entry: Entry, text: str) -> T | None:
        try:
            return variable.read(text)
        except NotAllowed as error:
            self._wrong(variable, entry, text, str(error))
        return None

    def _wrong(self, variable: Variable[Any], entry: Entry, text: str, allowed: str) -> None:
        masked = variable.secret and not variable.url
        came = ("****" if masked else shown(text)) if text.strip() else "nothing"
        self.problems.append(f"{entry.name}: {came} came; allowed is {allowed}")

    def _first(self, path: EntryPath) -> Entry:
        return next(entry for each, entry in self._entries.items() if each[: len(path)] == path)


def _suggestion(path: EntryPath) -> str:
    """`; did you mean …?` for a path that is none of ours, or what to do where a list came as one value."""
    mine = pattern(path)
    longer = [variable.name for known, variable in KNOWN.items() if known[: len(mine)] == mine]
    if longer:
        return f" by itself; it goes on: {', '.join(longer[:3])}"
    beside = {known[-1]: known for known in KNOWN if known[:-1] == mine[:-1] and len(mine) > 1}
    everything = {"__".join(known): known for known in KNOWN}
    near = difflib.get_close_matches(mine[-1], beside, 1, 0.6)
    far = difflib.get_close_matches("__".join(mine), everything, 1, 0.7)
    if not near and not far:
        return ""
    known = beside[near[0]] if near else everything[far[0]]
    holes = tuple(part.lower() for part, hole in zip(path, mine, strict=True) if hole in ("n", "alias"))
    return f"; did you mean {spelt(KNOWN[known], holes)}?"
