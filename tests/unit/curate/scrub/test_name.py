import pytest

from headrace.curate.scrub import name
from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.fiction import invented
from headrace.curate.scrub.name import NAME


@pytest.mark.parametrize(
    "text, words",
    [
        ("Jane Doe", ["Jane", "Doe"]),
        ("Dr. Søren O'Rourke", ["Søren", "Rourke"]),
        ("Jean-Luc 李小龙", ["Jean", "Luc", "李小龙"]),
        ("customer", []),
        ("agent_7", []),
        (
            "search the web for the weather of next week and tell me all that you have found in it",
            [],
        ),
    ],
)
def test_a_name_is_its_words(text: str, words: list[str]) -> None:
    assert [text[a:b] for a, b in NAME.typed(text)] == words


def test_only_capitals_in_every_word_look_like_a_name() -> None:
    assert name.full("Jane Doe") and name.full("Chloé van-Dyk") is False
    assert not any(map(name.full, ("Jane", "get Weather", "GPT-4 Turbo", "a b c d e", "")))
    assert name.capital("Jane") and not name.capital("c_123")


@pytest.mark.parametrize("written", ["jane", "Jane", "JANE"])
def test_the_surrogate_is_written_as_the_name_was(written: str) -> None:
    fresh = NAME.surrogate(written, Draw(b"\x11" * 32))
    assert invented(fresh) and list(NAME.typed(fresh)) == []
    assert (fresh.islower(), fresh.isupper()) == (written.islower(), written.isupper())


def test_an_ordinary_word_is_sought_as_it_is_written_and_two_letters_beside_a_name() -> None:
    assert [form.how for form in NAME.forms("Will")] == ["exact", "joined"]
    assert [form.how for form in NAME.forms("Okafor")] == ["folded"]
    assert [form.how for form in NAME.forms("Li")] == ["joined"]
