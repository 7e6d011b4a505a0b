import pytest

from headrace.curate.scrub.ssn import SSN, find


@pytest.mark.parametrize(
    "text", ["it is 219-09-9999.", "SSN: 219099999", "Social Security number is 219 09 9999"]
)
def test_a_number_is_found_with_hyphens_or_by_its_name(text: str) -> None:
    assert [SSN.canonical(text[a:b]) for a, b in find(text)][:1] == ["219099999"]


@pytest.mark.parametrize(
    "text",
    [
        "000-12-3456",
        "666-12-3456",
        "912-34-5678",
        "219-00-9999",
        "219099999",
        "A-219-09-9999",
        "219-09-9999-1",
    ],
)
def test_areas_that_are_not_given_out_and_bare_digits_stay(text: str) -> None:
    assert list(find(text)) == []


def test_nine_digits_are_one_where_the_key_says_so() -> None:
    assert list(SSN.typed("219099999")) == [(0, 9)]
