"""Nothing a stranger wrote moves a cursor, hides or turns what stands around it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.console.review.plain import line, plain

TEXT = st.text(st.characters(codec=None, exclude_categories=()))


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\rb\r\nc", "a\nb\nc"),
        ("a\tb", "a   b"),
        ("null \x00, del \x7f", "null ␀, del ␡"),
        ("\x9b31m", "\\u{9b}31m"),
        ("abc\u202egnp.exe", "abc\\u{202e}gnp.exe"),
        ("zero\u200bwidth", "zero\\u{200b}width"),
        ("\U000e0041hidden", "\\u{e0041}hidden"),
        ("half \ud83d", "half \ufffd"),
        ("[red]markup[/red] stays", "[red]markup[/red] stays"),
        ("字 é e\u0301 🎉 👩\u200d💻 نص", "字 é e\u0301 🎉 👩\u200d💻 نص"),
    ],
)
def test_what_is_not_seen_is_made_visible(given_text: str, shown: str) -> None:
    assert plain(given_text) == shown


@given(TEXT)
def test_only_line_feeds_are_left_of_what_controls(text: str) -> None:
    shown = plain(text)
    left = {unicodedata.category(c) for c in shown if c not in "\n\u200c\u200d"}
    assert not left & {"Cc", "Cs", "Cf", "Zl", "Zp"}
    shown.encode()  # a terminal takes it


@given(TEXT)
def test_to_do_it_twice_changes_nothing(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@given(TEXT, st.integers(1, 30))
def test_a_line_is_one_and_no_longer_than_asked(text: str, width: int) -> None:
    found = line(text, width)
    assert "\n" not in found
    assert len(found) <= width


def test_a_line_that_is_cut_says_so() -> None:
    assert line("a long request", 8) == "a long …"
    assert line(" two \n lines ") == "two lines"
