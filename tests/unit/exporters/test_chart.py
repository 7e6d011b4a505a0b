from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from headrace.exporters import chart

SVG = "{http://www.w3.org/2000/svg}"
NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1
)
COUNTS = st.dictionaries(NAMES, st.integers(0, 10**9), min_size=1, max_size=6)


def drawn(svg: str) -> tuple[list[str], list[int]]:
    """The texts, and the lengths of the bars."""
    tree = ElementTree.fromstring(svg)
    texts = [text.text or "" for text in tree.iter(f"{SVG}text")]
    height = str(chart.BAR - 3)
    bars = [int(r.attrib["width"]) for r in tree.iter(f"{SVG}rect") if r.get("height") == height]
    return texts, bars


@given(train=COUNTS, test=COUNTS, title=NAMES)
def test_every_count_is_drawn_and_said_whatever_it_is_called(
    train: dict[str, int], test: dict[str, int], title: str
) -> None:
    svg = chart.bars(title, {"train": train, "test": test})
    assert svg == chart.bars(title, {"train": train, "test": test})
    texts, bars = drawn(svg)
    names = {**train, **test}
    assert len(bars) == 2 * len(names)
    for name in names:
        assert f"{train.get(name, 0):,}" in texts
        assert (name if len(name) <= chart.SHOWN else name[: chart.SHOWN - 1] + "…") in texts


@given(counts=COUNTS)
def test_more_is_never_drawn_shorter(counts: dict[str, int]) -> None:
    _, bars = drawn(chart.bars("rows", {"train": counts}))
    assert len(bars) == len(counts)
    by_count = [long for _, long in sorted(zip(counts.values(), bars, strict=True))]
    assert by_count == sorted(by_count)
    assert max(bars) <= chart.WIDTH


def test_nothing_to_count_is_a_picture_too() -> None:
    assert drawn(chart.bars("rows", {})) == (["rows"], [])
