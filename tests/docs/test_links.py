"""What the documentation points at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)+/?)`")
_PLACES = frozenset(path.name for path in ROOT.iterdir())


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """Return where a page's links lead; what looks like one inside code is none."""
    return _LINK.findall(_CODE.sub("", prose(page)))


def anchors(page: Path) -> frozenset[str]:
    """Return what a link may name behind ``#``, as GitHub makes it from headings."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(prose(page)))
    return frozenset(text.strip().replace(" ", "-") for text in plain)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """A link into the repository names a file that is there, and a heading that is in it."""
    broken = []
    for target in links(page):
        name, _, anchor = target.partition("#")
        if "://" in target or name.startswith("mailto:"):
            continue
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_of_the_repository_exists(page: Path) -> None:
    """A path in code type that begins with one of our folders is there."""
    named = {path for path in _PATH.findall(prose(page)) if path.split("/")[0] in _PLACES}
    assert not sorted(path for path in named if not (ROOT / path).exists())


def test_the_index_has_every_page() -> None:
    """Whoever reads docs/README.md finds every page from there."""
    linked = {(DOCS / target.partition("#")[0]).resolve() for target in links(DOCS / "README.md")}
    assert {page for page in DOCS.rglob("*.md") if page != DOCS / "README.md"} <= linked
