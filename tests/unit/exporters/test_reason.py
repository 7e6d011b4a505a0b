from headrace.exporters.reason import PREPENDED, advice
from headrace.ingest.picks import Picker, Picks


def test_an_assistant_that_speaks_first_is_cured_by_the_system_prompt() -> None:
    said = advice("role_order")
    assert "starts with an assistant turn" in said
    assert "send the system prompt as first message" in said
    assert PREPENDED in said


def test_the_expression_advised_prepends_the_system_prompt() -> None:
    line = {"system": "Be kind.", "messages": [{"role": "assistant", "content": "Hello"}]}
    picker = Picker(Picks(messages=PREPENDED))
    picker.prove([line])
    assert picker.pick(line)["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "assistant", "content": "Hello"},
    ]


def test_missing_tool_definitions_name_every_way_to_give_them() -> None:
    said = advice("no_tool_definitions")
    assert "`headrace load --tools`" in said
    assert "content capture" in said


def test_a_contamination_is_advised_by_its_kind() -> None:
    assert advice("contaminated:exact") == advice("contaminated")
