"""What a reviewer is shown."""

from headrace.curate.review.item import look
from headrace.lake.message import Body
from tests.reviewed import T0, Desk

CALLED: list[Body] = [
    {"role": "user", "content": "Cancel it."},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "cancel", "arguments": '{"id": 7}'}}
    ]},
    {"role": "tool", "tool_call_id": "c1", "content": "done"},
    {"role": "assistant", "content": "Cancelled."},
]  # fmt: skip


def test_an_item_tells_what_its_episode_is(desk: Desk) -> None:
    desk.add("e", p=0.5, release="v2", model="m-1")
    desk.ask("e")
    desk.write()
    [item] = desk.waiting("ada")
    assert (item.request, item.release, item.model) == ("Where is order e?", "v2", "m-1")
    assert (item.revision, item.started_at, item.answers) == (1, T0, 0)


def test_an_item_whose_episode_waits_to_be_scrubbed_waits_as_well(desk: Desk) -> None:
    desk.add("e", p=0.5)
    desk.ask("e")
    desk.write()
    desk.add("e", p=0.5, revision=2, scrubbed=False)
    desk.write()
    assert desk.waiting() == []
    assert look(desk.lake, desk.project, "e") is None


def test_a_look_has_the_scrubbed_messages_and_all_that_was_said(desk: Desk) -> None:
    desk.add(
        "e", CALLED, trace_ids=("t1",), span_ids=("s1",), conversation_id="k1",
        resolution="failure", p=0.2,
    )  # fmt: skip
    desk.outcome("episode", "e", "rule", success=True, name="polite")
    desk.outcome("trace", "t1", "product", success=False, name="refund", comment="never came")
    desk.outcome("span", "s1", "judge", score=0.3, label="poor")
    desk.outcome("conversation", "k1", "user", correction='{"role":"assistant","content":"x"}')
    desk.outcome("trace", "t2", "product", success=True)
    desk.vote("e", "judge", 0, origin="judge", name="helpful")
    desk.vote("e", "product", 0, origin="outcome", name="refund")
    desk.write()
    found = look(desk.lake, desk.project, "e")
    assert found is not None
    assert list(found.conversation.messages) == CALLED
    assert found.conversation.resolution == "failure"
    said = {(one.source, one.name): one for one in found.said}
    assert set(said) == {
        ("rule", "polite"), ("product", "refund"), ("judge", "outcome"), ("judge", "helpful"),
        ("user", "outcome"),
    }  # fmt: skip
    assert said["product", "refund"].comment == "never came"
    assert said["user", "outcome"].corrected
    assert said["judge", "outcome"].score == 0.3


def test_a_second_reviewer_does_not_see_what_the_first_one_said(desk: Desk) -> None:
    desk.add("e", p=0.5)
    item = desk.ask("e", asked=2, p_success=0.5)
    desk.write()
    desk.say(item, "failure", comment="wrong order")
    found = look(desk.lake, desk.project, "e")
    assert found is not None
    assert found.said == ()
    [again] = desk.waiting("ben")
    assert (again.p_success, again.answers) == (0.5, 1)


def test_an_episode_that_is_gone_is_not_shown(desk: Desk) -> None:
    desk.add("e", superseded=True)
    desk.write()
    assert look(desk.lake, desk.project, "e") is None
    assert look(desk.lake, desk.project, "none") is None
