from headrace.curate.scrub.harvest import Harvest
from headrace.curate.scrub.tree import leaves, opened


def found(text: str, *values: object) -> list[tuple[str, str]]:
    harvest = Harvest.of([leaves(opened(value)) for value in values])
    return [(kind.name, text[a:b]) for kind, (a, b) in harvest.find(text)]


def test_a_name_is_found_in_any_case_between_signs() -> None:
    text = "Okafor, OKAFOR's okafor_12; Okafors, xokafor"
    assert [word for _, word in found(text, {"last_name": "Okafor"})] == [
        "Okafor",
        "OKAFOR",
        "okafor",
    ]


def test_will_the_customer_does_not_rewrite_i_will() -> None:
    told = found("I will call Will and mark it", {"user": {"name": "Will Mark"}})
    assert told == [("name", "Will")]


def test_two_letters_are_a_name_beside_a_name() -> None:
    profile = {"first_name": "Mia", "last_name": "Li"}
    told = [word for _, word in found("Mia Li, li.mia@x, mia_li_36; Li said li, mia li", profile)]
    assert sorted(told) == ["Li", "Mia", "li", "li", "mia", "mia", "mia"]


def test_a_name_that_is_a_word_is_found_in_a_login() -> None:
    told = found("sofia_lee_12 sat in the lee", {"first_name": "Sofia", "last_name": "Lee"})
    assert told == [("name", "sofia"), ("name", "lee")]


def test_a_number_is_found_however_it_is_grouped() -> None:
    text = "4158675309, (415) 867-5309 and 14158675309"
    assert [n for _, n in found(text, {"phone": "415.867.5309"})] == ["4158675309", "415) 867-5309"]


def test_an_address_is_found_with_and_without_its_town() -> None:
    text = "12 main st and 12 Main St, Graz but not 112 Main St"
    told = {where for _, where in found(text, {"address": "12 Main St, Graz"})}
    assert told == {"12 main st", "12 Main St", "12 Main St, Graz"}


def test_lines_of_a_profile_tell_too() -> None:
    assert found("Hello Jane", "Customer: Jane Doe\nCity: Graz") == [("name", "Jane")]


def test_letters_that_become_two_in_lower_case_move_nothing() -> None:
    assert found("İİİ okafor", {"last_name": "Okafor"}) == [("name", "okafor")]


def test_nothing_told_is_nothing_found() -> None:
    assert found("Jane Doe 4158675309", {"note": "Jane Doe"}) == []


def test_a_directory_is_found_as_one_person_is() -> None:
    letters = "abcdefghijkl"
    people = [{"last_name": f"Okafor{a}{b}"} for a in letters for b in letters]
    told = found("okaforab, OKAFORLL and xokaforab, Okafor", people)
    assert sorted(word for _, word in told) == ["OKAFORLL", "okaforab"]
