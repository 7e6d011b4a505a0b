import pytest

from headrace.curate.scrub.field import kind_of, of_person, of_thing, sure


@pytest.mark.parametrize(
    "key, kind",
    [
        ("firstName", "name"),
        ("customer_name", "name"),
        ("Account Holder Name", "name"),
        ("mobile", "phone"),
        ("phoneNumber", "phone"),
        ("shipping_address", "address"),
        ("address1", "address"),
        ("zip", "postcode"),
        ("postalCode", "postcode"),
        ("date_of_birth", "birth"),
        ("dob", "birth"),
        ("ssn", "ssn"),
        ("card_number", "card"),
    ],
)
def test_a_key_tells_its_kind_however_it_is_written(key: str, kind: str) -> None:
    told = sure(key)
    assert told is not None and told.name == kind


@pytest.mark.parametrize(
    "key", ["name", "file_name", "tool_name", "city", "code", "created_at", "cardinality", "step"]
)
def test_other_keys_tell_nothing_alone(key: str) -> None:
    assert sure(key) is None


def test_a_bare_name_is_a_persons_beside_a_person_or_by_its_look() -> None:
    def kind(value: object, person: bool) -> str | None:
        told = kind_of("name", value, of_person=person)
        return told.name if told else None

    assert kind("jane", True) == "name"
    assert kind("Jane Doe", False) == "name"
    assert kind("get_weather", False) is None
    assert kind(["Jane Doe", "Will Marsh"], False) == "name"
    assert kind(["Jane Doe", 3], False) is None


def test_a_customer_may_be_named_or_numbered() -> None:
    told = kind_of("customer", "Jane Doe", of_person=False)
    assert told is not None and told.name == "name"
    assert kind_of("customer", "c_1234", of_person=False) is None
    assert kind_of("customer", {"name": "x"}, of_person=False) is None


def test_objects_are_of_a_person_by_their_own_key_or_their_fields() -> None:
    assert of_person("passengers", {"name": "x"}) and of_person("", {"name": "x", "email": "y"})
    assert of_person("", {"user_id": "u", "name": "x"})
    assert not of_person("products", {"name": "x", "price": 3})
    assert of_person("", {"name": "x", "phone": "y"})
    assert not of_person("", {"name": "x", "phone": "y", "opening_hours": "z"})
    assert of_thing({"name": 0, "price": 3}) and not of_thing({"name": 0})
