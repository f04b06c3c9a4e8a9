"""The settings' table as Markdown; `python -m activity_stream.settings.reference FILE` renews it in a page."""

import sys
from pathlib import Path

from activity_stream.settings.variables import describe

BEGIN = "<!-- made by: python -m activity_stream.settings.reference docs/reference/settings.md -->"
END = "<!-- end -->"


def table() -> str:
    """A row for every setting, in the order of `describe`; ends with a line break."""
    rows = ["| variable | meaning | default |", "| --- | --- | --- |"]
    for row in describe():
        name = f"`{row.variable}`" + (" (secret)" if row.secret else "")
        rows.append(f"| {name} | {row.meaning} | {row.default} |".replace("  |", " |"))
    return "".join(f"{row}\n" for row in rows)


def renewed(page: str) -> str:
    """The page with the table between its two marks made anew; raises ValueError where it has no such marks."""
    return with_table(page, BEGIN, table())


def with_table(page: str, begin: str, rows: str) -> str:
    """The page with these rows between a mark and the next END; raises ValueError where it has no such marks."""
    start = page.index(begin) + len(begin)
    return f"{page[:start]}\n\n{rows}\n{page[page.index(END, start) :]}"


def main(file: Path) -> None:
    """Renew the table in the file."""
    file.write_text(renewed(file.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
