"""The few places that are tried give the masks that trying every character would give."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headrace.curate import unit
from headrace.curate.near import place
from headrace.curate.near.mask import FIRST, LAST, masked_norm

SCRAPS = (
    *"0123456789", *"abxz", *" .-+():/@_[]<>,é日٣²", *"\"{}$#'&—’",
    "may", "sept.", "september ", "jan ", " pm", "am", " of ", "st", "t10:00", "12:30", "5",
    "[secret:x]", "a@b.co", "gb29", "nwbk", "6016 1331 9268 19", "2026-05-20", "1.2.3.4", "abcd:",
    "123-45-6789", "(415) ", "555-0100", "+1 415", "4111 1111 1111 1111",
)  # fmt: skip
texts = st.lists(st.sampled_from(SCRAPS), max_size=40).map("".join).map(unit.norm)


def everywhere(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda found: f"<{found.lastgroup}>", text)


@given(texts)
@example("x12, may 5, a-5, +12345, é5 and 5é")
@example("ab12 345c 67890123, (415)555-0100 or a.b+c@x.io")
@example('5 — pm, "5 pm", may"5, {"a":"x12-3","b":2026-05-20}, 5"gb, a"1.5, é 12"x4')
@example("2001:db8:0:0:0:0:0:1 [secret:a b] 12/31/26 5 pm")
def test_all_masks_are_found(text: str) -> None:
    assert masked_norm(text) == everywhere(LAST, everywhere(FIRST, text))


@given(texts, st.data())
def test_values_are_the_whole_words_that_an_alternation_finds(
    text: str, data: st.DataObject
) -> None:
    starts = data.draw(st.lists(st.integers(0, max(0, len(text) - 3)), max_size=4))
    sizes = data.draw(st.lists(st.integers(3, 8), min_size=4, max_size=4))
    hidden = everywhere(FIRST, text)
    values = {text[at : at + size] for at, size in zip(starts, sizes, strict=False)}
    told = sorted((v for v in values if len(v) >= 3), key=lambda value: (-len(value), value))
    kept = [value for value in told if 2 * len(value) <= len(hidden)]
    within = r"[^\W\u3040-\u30ff\u4e00-\u9fff]"
    either = re.compile(f"(?<!{within}|<)(?:{'|'.join(map(re.escape, kept))})(?!{within}|>)")
    filled = either.sub("<value>", hidden) if kept else hidden
    assert masked_norm(text, told) == everywhere(LAST, filled)


@pytest.mark.parametrize("text", ["", "no number here", "a:b:c", "@", "+", "[secret"])
def test_a_text_without_any_is_left_alone(text: str) -> None:
    assert list(place.plain(text)) == []
    assert masked_norm(text) == text


def test_long_words_and_runs_of_signs_take_no_longer_than_their_length() -> None:
    for part in ("é1", "a-", "a@", "ab12 ", "é" * 9):
        text = part * 40_000 + "1"
        assert sum(1 for _ in place.plain(text)) <= 3 * len(text)
        assert len(place.personal(text)) <= len(text)
