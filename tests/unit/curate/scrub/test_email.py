import pytest

from headrace.curate.scrub.email import EMAIL, find


@pytest.mark.parametrize(
    "text, held",
    [
        ("write to jane.doe+shop@mail.kestrel.co.uk.", "jane.doe+shop@mail.kestrel.co.uk"),
        ("<a_b@web.de>, and", "a_b@web.de"),
        ("?to=jane%40gmail.com&x=1", "jane%40gmail.com"),
        ("søren@müller-bau.de!", "søren@müller-bau.de"),
        ("x" * 500 + " o'neil@proton.me", "o'neil@proton.me"),
    ],
)
def test_an_address_is_found_without_what_surrounds_it(text: str, held: str) -> None:
    assert [text[a:b].removeprefix("to=") for a, b in find(text)] == [held]


@pytest.mark.parametrize(
    "text",
    [
        "user@example.com",
        "a@mail.example.org",
        "x@host.test",
        "logo@2x.png",
        "git@github.com:owner/repository",
        "lodash@4.17.21",
        "@app.route",
        "me@localhost",
        "a@b",
        "@@@@",
    ],
)
def test_what_reaches_nobody_stays(text: str) -> None:
    assert list(find(text)) == []


def test_two_addresses_in_a_row_are_two() -> None:
    assert len(list(find("a@gmail.com,b@gmail.com"))) == 2


def test_case_and_percent_signs_do_not_make_another_address() -> None:
    assert EMAIL.canonical("Jane%40Gmail.com") == EMAIL.canonical("jane@gmail.com")
