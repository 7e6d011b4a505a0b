"""The wire-up pages: one shape, all linked, each with its block to copy first and an outcome."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
WIRE = ROOT / "docs" / "wire"
PAGES = sorted(path for path in WIRE.glob("*.md") if path.name != "README.md")
SECTIONS = ["Today", "Content", "What arrives", "Long histories", "Outcomes", "Tried with"]
LINES = (40, 85)  # three minutes

each = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def links(page: Path) -> set[str]:
    return set(re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()))


def section(page: Path, name: str) -> str:
    _, _, rest = page.read_text().partition(f"\n## {name}\n")
    return rest.partition("\n## ")[0]


def test_the_index_links_every_page() -> None:
    assert PAGES
    beside = {link for link in links(WIRE / "README.md") if "/" not in link}
    assert beside == {page.name for page in PAGES}


@pytest.mark.parametrize("page", ["README.md", "docs/README.md", "docs/capture.md"])
def test_the_index_is_linked_from_where_people_start(page: str) -> None:
    place = (ROOT / page).parent
    assert WIRE / "README.md" in {(place / link).resolve() for link in links(ROOT / page)}


@each
def test_every_page_has_the_same_sections(page: Path) -> None:
    assert re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE) == SECTIONS
    assert [name for name in SECTIONS if not section(page, name).strip()] == []


@each
def test_a_page_starts_with_the_block_to_copy_and_stays_short(page: Path) -> None:
    title, blank, first, *rest = page.read_text().splitlines()
    assert title.startswith("# ") and not blank and first.startswith("```")
    assert LINES[0] <= len(rest) + 3 <= LINES[1]


@each
def test_a_page_tells_how_conversation_user_and_release_are_set(page: Path) -> None:
    rows = re.findall(r"^\| (\w+) \|", section(page, "What arrives"), re.MULTILINE)
    assert {"release", "conversation", "user", "agent"} <= set(rows)


@each
def test_a_page_shows_the_outcome_as_it_is_posted(page: Path) -> None:
    shown = section(page, "Outcomes")
    assert "curl -s http://127.0.0.1:4318/v1/outcomes" in shown
    assert re.search(r'"(trace_id|conversation)": ', shown)


@pytest.mark.parametrize("page", [WIRE / "README.md", *PAGES], ids=lambda page: page.stem)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    assert [link for link in links(page) if not (page.parent / link).exists()] == []
