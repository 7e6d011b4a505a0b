"""What a key tells of its value: `date_of_birth`, `customerName`, `shipping address`."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache

import msgspec

from headrace.curate.scrub.address import ADDRESS
from headrace.curate.scrub.birth import BIRTH
from headrace.curate.scrub.card import CARD
from headrace.curate.scrub.kind import Kind
from headrace.curate.scrub.name import NAME, capital, full
from headrace.curate.scrub.phone import PHONE
from headrace.curate.scrub.postcode import POSTCODE
from headrace.curate.scrub.ssn import SSN
from headrace.ingest.memo import Memo

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
_IDENTIFIER = re.compile("[A-Za-z_$][A-Za-z0-9_.$-]*")
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
    rule = _rule(key, somebody=of_person, something=False)
    return rule.kind if rule.looks is None or shown(value, rule.looks) else None


Looks = Callable[[str], bool]


class Rule(msgspec.Struct, frozen=True):
    """What the key of an object tells, with the keys beside it."""

    plain: bool  # it names a field; any other key may be personal itself
    kind: Kind | None
    looks: Looks | None  # the kind holds only where the value looks so


def rules(parent: str, keys: Iterable[str]) -> Sequence[Rule]:
    """One for each key of an object that stands under the key `parent`."""
    return _known_rules([parent, *keys])


def shown(value: object, looks: Looks) -> bool:
    """Whether a value, or all of a list, looks so; what is no text does not."""
    held = value if isinstance(value, list) else [value]
    return bool(held) and all(isinstance(v, str) and looks(v) for v in held)


def _rules(told: list[str]) -> Sequence[Rule]:
    parent, *keys = told
    somebody = of_person(parent, keys)
    something = not somebody and of_thing(keys)
    return [_rule(key, somebody=somebody, something=something) for key in keys]


_known_rules = Memo(_rules)  # those of a list, and of the results of one tool, are the same


def _rule(key: str, *, somebody: bool, something: bool) -> Rule:
    named = _IDENTIFIER.fullmatch(key) is not None
    known = sure(key)
    if known is not None or something:
        return Rule(named, known, None)
    if _BARE.match(plain(key)):
        return Rule(named, NAME, None if somebody else full)
    return Rule(named, NAME, capital) if person(key) else Rule(named, None, None)


def of_person(parent: str, fields: Collection[str]) -> bool:
    """Whether an object describes somebody, by the key that it stands under and by its own."""
    if person(parent) or any(_BESIDE.search(plain(key)) for key in fields):
        return True
    told = {kind.name for key in fields if (kind := sure(key)) is not None}
    return bool(told - _OF_PLACES) or bool(told) and not of_thing(fields)


def of_thing(fields: Iterable[str]) -> bool:
    """Whether an object describes a thing, a place or a function, by its keys."""
    return any(plain(key) in _THING for key in fields)
