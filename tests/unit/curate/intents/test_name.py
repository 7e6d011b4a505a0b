"""Names say what sets an intent apart, in words that its users use."""

from collections.abc import Sequence

from headrace.curate.intents.name import names, terms

REQUESTS = [
    ["please cancel my flight reservation <id>", "i want to cancel flight reservation <id>",
     "hello, cancel the flight reservation of <value>"],
    ["book a flight to <value>", "i would like to book a flight", "book me a flight on <date>"],
    ["what is the status of my refund?", "refund status please", "status of refund <id>"],
]  # fmt: skip


class Says:
    """A model that says what it is told to say."""

    def __init__(self, name: str | None) -> None:
        self._name = name
        self.asked: list[Sequence[str]] = []

    @property
    def model(self) -> str:
        return "some/model"

    def __call__(self, requests: Sequence[str]) -> str | None:
        self.asked.append(requests)
        return self._name


def named(
    requests: list[list[str]], taken: Sequence[str] = (), namer: Says | None = None
) -> list[str]:
    found = names(requests, range(len(requests)), taken, namer)
    return [found[at].name for at in sorted(found)]


def test_names_read_as_users_speak() -> None:
    assert named(REQUESTS) == ["cancel flight reservation", "book flight", "status refund"]


def test_masks_and_pleasantries_name_nothing() -> None:
    words = {word for best in terms(REQUESTS) for word in best}
    assert not words & {"id", "value", "date", "hello", "please", "would", "like"}


def test_what_one_of_several_says_alone_is_no_term() -> None:
    [best] = terms([["cancel it, anna", "cancel it, bob", "cancel it now"]])
    assert best == ("cancel",)


def test_names_are_unlike_each_other_and_any_before() -> None:
    same = [["cancel order"], ["cancel order"], ["cancel order"]]
    assert named(same, taken=["cancel order"]) == [
        "cancel order 2", "cancel order 3", "cancel order 4",
    ]  # fmt: skip


def test_requests_without_words_have_a_name_too() -> None:
    assert named([["<id>"], ["<num> ?"]]) == ["unnamed", "unnamed 2"]


def test_only_the_wanted_ones_are_named_and_a_model_is_asked_for_these_alone() -> None:
    says = Says("Refund status")
    found = names(REQUESTS, [2], ["book flight"], says)
    assert list(found) == [2]
    assert (found[2].name, found[2].named_by) == ("Refund status", "some/model")
    assert found[2].terms[:2] == ("refund", "status")
    assert says.asked == [REQUESTS[2]]


def test_where_a_model_cannot_tell_the_terms_do() -> None:
    found = names(REQUESTS, [1], [], Says(None))
    assert (found[1].name, found[1].intent_id, found[1].named_by) == (
        "book flight", "book_flight", "terms",
    )  # fmt: skip
