"""Texts of an episode that are looked at together come out as if each had been looked at alone."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.curate.scrub.harvest import Harvest
from headrace.curate.scrub.replacer import Replacer
from headrace.curate.scrub.surrogates import Surrogates
from headrace.curate.scrub.tree import leaves, opened

KEY = b"a key that only tests have......"
TOLD = {"user": {"first_name": "Mia", "last_name": "Li", "name": "Will Okafor"}, "zip": "94110-7"}
SCRAPS = (
    "phone", "is ", "tel", "4158675309", "415 867-5309", "+1 ", "dob", "born on ", "1985-03-25",
    "ssn is", "219-09-9999", "Mia", "mia_", "_li", "Li", "Okafor", "will", "Will", "jane@web.de",
    "@", "81.2.69.142", "v", "2a02::7", "DE89 3704 0044 0532 0130 00", "4716 9359 3602 1231",
    "Name: Jane Doe", "\n", "\0", " ", ",", "-", "İ", "ſms", "ΣΑΣ", "94110-7", "[secret:token]",
)  # fmt: skip
texts = st.lists(st.sampled_from(SCRAPS), max_size=5).map("".join)


@settings(deadline=None)
@given(st.lists(texts, max_size=12), st.lists(st.integers(0, 10**11), max_size=3))
@example(["phone is", "4158675309", "my tel:", "415-867-5309"], [])
@example(["ſms@4716 9359 3602 1231is "], [])  # a letter that only some take for an s
@example(["born on", "1985-03-25", "Mia", "Li", "mia_", "_li"], [4158675309])
def test_no_find_reaches_from_one_text_into_the_next(given_: list[str], numbers: list[int]) -> None:
    told = leaves({**TOLD, "phone": "415 867 5309"})
    value = opened([*given_, *numbers, {text: text for text in given_}])
    harvest = Harvest.of([told, leaves(value)])
    together = Replacer(harvest, Surrogates(KEY), [told, leaves(value)])
    alone = Replacer(harvest, Surrogates(KEY))
    assert together.value(value) == alone.value(value)
    assert together.found == alone.found


def test_a_value_that_comes_again_is_counted_again() -> None:
    work = Replacer(Harvest.of([leaves(TOLD)]), Surrogates(KEY))
    assert len({work.text("Hello Okafor") for _ in range(3)}) == 1
    assert work.found == {"name": 3}
