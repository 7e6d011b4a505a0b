"""What a key tells of its value: `date_of_birth`, `customerName`, `shipping address`."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from headrace.curate.scrub.address import ADDRESS
from headrace.curate.scrub.birth import BIRTH
from headrace.curate.scrub.card import CARD
from headrace.curate.scrub.kind import Kind
from headrace.curate.scrub.name import NAME, capital, full
from headrace.curate.scrub.phone import PHONE
from headrace.curate.scrub.postcode import POSTCODE
from headrace.curate.scrub.ssn import SSN

_NO = "(?:_?(?:number|no|num|nr))?"
_PERSON = (
    "account_?holder|author|beneficiary|buyer|caller|card_?holder|client|contact|customer|driver"
    "|employee|guest|member|owner|passenger|patient|payee|payer|people|person|recipient|requester"
    "|seller|sender|student|subscriber|tenant|travell?er|user|profile"
)
_SURE: tuple[tuple[Kind, str], ...] = (
    (
        NAME,
        "(?:first|last|middle|full|given|family|sur|fore|maiden|nick|preferred|legal|display"
        f"|billing|shipping|{_PERSON})_?names?",
    ),
    (PHONE, f"(?:(?:tele|cell|mobile_?)?phone|mobile|cell|fax|tel|whatsapp|msisdn)s?{_NO}"),
    (ADDRESS, "(?:address(?:es)?(?:_?line)?|street(?:_?(?:name|line))?)(?:_?[0-9])?"),
    (POSTCODE, "zip|(?:zip|postal|post)_?code"),
    (BIRTH, "dob|date_?of_?birth|birth_?da(?:te|y)|born(?:_?on)?"),
    (SSN, f"ssn|social_?security{_NO}"),
    (CARD, f"(?:credit|debit|payment|bank)_?card{_NO}|card_?(?:number|no|num|nr)|pan"),
)
_KNOWN = tuple((re.compile(f"(?:^|_)(?:{ending})$"), kind) for kind, ending in _SURE)
_WHO = re.compile(f"(?:^|_)(?:{_PERSON})s?(?:_?(?:info|details|data|record))?$")
_BARE = re.compile("^names?$")
_BESIDE = re.compile(f"(?:^|_)e?_?mails?(?:_?address)?$|^(?:{_PERSON})_?(?:id|no|number)$")
# with these in it, an object is a thing, a place or a function
_THING = frozenset(
    """arguments available brand capital category code country cuisine currency description distance
    function hours iata item_id items lat latitude location lon longitude opening_hours options
    parameters place_id poi_id population position price product_id quantity rating schema sku type
    url variants version website""".split()
)
_OF_PLACES = {PHONE.name, ADDRESS.name, POSTCODE.name}  # a restaurant has them too
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_CHARS = 64  # of a key that are looked at, from its end


@lru_cache(maxsize=8_192)
def plain(key: str) -> str:
    """A key in lower case, its words joined by underscores."""
    return _WORDS.sub("_", key[-_CHARS:]).strip("_").lower()


@lru_cache(maxsize=8_192)
def sure(key: str) -> Kind | None:
    """The kind that a key alone tells."""
    name = plain(key)
    return next((kind for pattern, kind in _KNOWN if pattern.search(name)), None)


@lru_cache(maxsize=8_192)
def person(key: str) -> bool:
    """Whether what a key holds is somebody: `customer`, `passengers`, `user_profile`."""
    return _WHO.search(plain(key)) is not None


def kind_of(key: str, value: object, *, of_person: bool) -> Kind | None:
    """The kind of the value of a key; `of_person`: whether its object describes somebody.

    What is called only `name` may be a tool, a product or a city: it is a person's where the object
    tells of a person, or where it looks like a first and a last name.
    """
    known = sure(key)
    if known is not None:
        return known
    if _BARE.match(plain(key)):
        return NAME if of_person or _all(value, full) else None
    return NAME if person(key) and _all(value, capital) else None


def of_person(parent: str, fields: Mapping[str, object]) -> bool:
    """Whether an object describes somebody, by the key that it stands under and by its own."""
    if person(parent) or any(_BESIDE.search(plain(key)) for key in fields):
        return True
    told = {kind.name for key in fields if (kind := sure(key)) is not None}
    return bool(told - _OF_PLACES) or bool(told) and not of_thing(fields)


def of_thing(fields: Iterable[str]) -> bool:
    """Whether an object describes a thing, a place or a function, by its keys."""
    return any(plain(key) in _THING for key in fields)


def _all(value: object, looks: Callable[[str], bool]) -> bool:
    held = value if isinstance(value, list) else [value]
    return bool(held) and all(isinstance(v, str) and looks(v) for v in held)
