"""Every link in the documentation leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make, as the usual renderers make them."""
    found = set()
    for heading in HEADING.findall(page.read_text("utf-8")):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        found.add(plain.strip().replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file that is there, and a heading that is in it."""
    for target in LINK.findall(page.read_text("utf-8")):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), f"{page.relative_to(ROOT)} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(aim), f"{page.relative_to(ROOT)} links to {target}, which has no such heading"


@pytest.mark.parametrize("folder", ["tutorial", "how-to", "reference", "explanation", "decisions"])
def test_every_page_can_be_found_from_its_folder(folder: str) -> None:
    """A page that its folder's README does not link to is a page nobody finds."""
    index = (ROOT / "docs" / folder / "README.md").read_text("utf-8")
    for page in sorted((ROOT / "docs" / folder).glob("*.md")):
        assert page.name == "README.md" or f"({page.name})" in index, (
            f"docs/{folder}/README.md does not link {page.name}"
        )
