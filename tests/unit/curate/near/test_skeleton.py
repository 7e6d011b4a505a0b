"""What an episode did, without the values that differ from one filling to the next."""

from headrace.curate.near.skeleton import skeleton
from headrace.curate.near.toolcall import ToolCall


def call(name: str, outcome: str = "ok", **arguments: object) -> ToolCall:
    return ToolCall(name=name, arguments=arguments, outcome=outcome)


def test_keys_are_sorted_and_values_left_out() -> None:
    done = [call("book", to="Rome", seats=[{"row": 3}]), call("pay", "err:declined", amount=3)]
    assert skeleton(done, {}) == "book(seats[].row, to)->ok\npay(amount)->err:declined"


def test_no_call_has_an_empty_skeleton() -> None:
    assert skeleton([], {}) == ""


def test_on_and_off_of_one_flag_are_two_behaviours() -> None:
    assert skeleton([call("set", on=True)], {}) != skeleton([call("set", on=False)], {})
    assert skeleton([call("set", on=True)], {}) == "set(on=true)->ok"


def test_enum_values_stay_where_the_tool_knows_them() -> None:
    known = {"book": frozenset({"economy", "business"})}
    assert skeleton([call("book", seat="Economy")], known) == "book(seat=economy)->ok"
    assert skeleton([call("other", seat="Economy")], known) == "other(seat)->ok"


def test_30_polls_and_2_are_two_behaviours_but_30_and_31_are_one() -> None:
    polled = {
        count: skeleton([call("poll", id=i) for i in range(count)], {}) for count in (1, 2, 30, 31)
    }
    assert polled[30] != polled[2] != polled[1]
    assert polled[30] == polled[31] == "poll(id)->ok x16"


def test_a_loop_of_30_steps_stays_as_it_is() -> None:
    steps = [call(name, id=i) for i in range(15) for name in ("look", "act")]
    assert len(skeleton(steps, {}).splitlines()) == 30
