"""What a benchmark found, beside what was aimed at."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table


class Figure(msgspec.Struct, frozen=True):
    """One measurement."""

    name: str
    value: float
    unit: str
    aim: str = ""


def show(title: str, figures: Sequence[Figure]) -> None:
    """Print the figures as a table."""
    table = Table("what", "found", "unit", "aim", title=title)
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.value:,.4g}" if figure.value < 100 else f"{figure.value:,.0f}",
            figure.unit,
            figure.aim,
        )
    Console(width=120).print(table)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def megabytes(pid: int, what: str) -> float:
    """Memory of a process (Linux): `VmHWM` the most it ever had in RAM, `RssAnon` what is its own now.

    Pages of the index's files that are mapped count in the first; the system takes them back when it needs them.
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"/proc/{pid}/status has no {what}")
