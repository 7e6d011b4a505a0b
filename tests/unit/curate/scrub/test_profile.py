from headrace.curate.scrub.profile import regions


def told(text: str) -> list[tuple[str, str]]:
    return [(kind.name, text[a:b]) for a, b, kind in regions(text)]


def test_lines_are_fields() -> None:
    text = "# User\nName: Jane Doe\n- **Phone**: 415 867 5309\n> address = 12 Main St\nAge: 30"
    assert told(text) == [
        ("name", "Jane Doe"),
        ("phone", "415 867 5309"),
        ("address", "12 Main St"),
    ]


def test_lines_that_name_things_are_not() -> None:
    assert told("name: get_weather\nCity: Graz\nnote: call her\nhttp://a.b") == []


def test_a_name_that_somebody_gives_ends_with_its_capitals() -> None:
    assert told("Hi, my name is Jane Doe and I am late") == [("name", "Jane Doe")]
    assert told("my name is jane") == [("name", "jane")]
    assert told("the name is Jane") == []
