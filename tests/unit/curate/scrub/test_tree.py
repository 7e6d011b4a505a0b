from headrace.curate.scrub.tree import DEPTH, Embedded, leaves, mapped, opened, texts


def test_json_inside_json_is_opened_and_other_texts_are_not() -> None:
    assert opened('{"a": "[1]"}') == Embedded('{"a": "[1]"}', {"a": Embedded("[1]", [1])})
    assert opened('"quoted"') == Embedded('"quoted"', "quoted")
    for text in ("{broken", "12", "null", "[a link](x)", ""):
        assert opened(text) == text


def test_what_nests_deeper_than_can_be_followed_stays_text() -> None:
    deep = "[" * (DEPTH + 5) + "]" * (DEPTH + 5)
    assert opened(deep) == deep


def test_what_holds_a_conversation_together_is_not_touched() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    body = {"role": "assistant", "content": "x", "tool_calls": [call, {"id": "d"}]}
    done = mapped(body, lambda part: "changed")
    assert done["role"] == "assistant" and done["content"] == "changed"
    assert done["tool_calls"][0] == {**call, "function": {"name": "f", "arguments": "changed"}}
    assert done["tool_calls"][1] == {"id": "d"}
    assert mapped({"role": "tool", "tool_call_id": "c"}, lambda part: "changed") == {
        "role": "tool",
        "tool_call_id": "c",
    }


def test_fields_are_typed_through_lists_and_texts() -> None:
    value = opened(
        '{"user": {"name": "jane", "phones": ["415 867 5309", 4158675309], "vip": true}}'
    )
    told = sorted((kind.name, text) for kind, text in leaves(value).typed)
    assert told == [("name", "jane"), ("phone", "415 867 5309"), ("phone", "4158675309")]


def test_a_thing_keeps_its_name_though_it_looks_like_one() -> None:
    assert leaves({"name": "Gaming Mouse", "price": 3}).typed == []
    assert leaves({"name": "San Marino", "country": "SM", "lat": 43.9}).typed == []


def test_all_texts_are_seen() -> None:
    value = opened('["a", {"b": "c", "d": [1, null]}, "{\\"not a name\\": true}"]')
    assert list(texts(value)) == leaves(value).texts == ["a", "c"]
    assert leaves(value).keys == ["not a name"]
