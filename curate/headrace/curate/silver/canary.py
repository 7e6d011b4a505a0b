"""Canaries: episodes with planted personal data, and with what only looks like it, all made up.

The hand that wrote these also wrote the rules, so recall here is more than real traffic will give.
Names and addresses in prose are planted too, as `name_in_prose` and `address_in_prose`.
"""

import json
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from headrace.curate.scrub.card import check_digit
from headrace.curate.scrub.iban import remainder

GIVEN = (
    "Jane Amir Oluwaseun Priya Søren Chloé Will Grace Mateo Ingrid Yusuf Hannah Dmitri Aiko Marisol"
).split()
FAMILY = (
    "Okafor Lindqvist O'Rourke García Mbeki Novak Marsh Haddad Petrov Tanaka Fitzgerald Schäfer"
).split()
STREETS = ("Alder Street", "Rue des Lilas", "King's Road", "Mission Blvd", "Hauptstrasse")
TOWNS = ("Springfield", "Leeds", "Graz", "Austin", "Lyon")
HOSTS = ("gmail.com", "mail.kestrel.co.uk", "web.de", "proton.me", "müller-bau.de")
IBANS = ("DE", "GB", "FR", "NL", "ES", "NO")
BANKS = {"DE": "d" * 18, "GB": "aaaa" + "d" * 14, "FR": "d" * 23, "NL": "aaaa" + "d" * 10}
BANKS |= {"ES": "d" * 20, "NO": "d" * 11}
FILLER = (
    "You may look an order up before it is changed. Refunds go to the way of payment that was used"
    " at first, and take five to seven days. Ask before anything is booked; list what will be done"
    " and get a clear yes. Do not make up facts, and hand over to a person where the rules do not"
    " cover a wish. A cabin is changed for the whole reservation at once. Bags that are bought"
    " later cost 50 dollars each, and a gold member may bring three of them free. "
)


class Planted(NamedTuple):
    """Something personal, as it stands in an episode."""

    kind: str
    value: str
    places: int  # counted by words where it is a name


class Case(NamedTuple):
    """An episode, what must go from it, and what must stay."""

    messages: list[dict[str, Any]]
    planted: list[Planted]
    negatives: list[str]


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def email(rng: random.Random) -> str:
    name = rng.choice(GIVEN).lower(), rng.choice(FAMILY).lower().replace("'", "")
    local = rng.choice((f"{name[0]}.{name[1]}", f"{name[0][0]}{name[1]}{digits(rng, 2)}"))
    return f"{local}{rng.choice(('', '+shop'))}@{rng.choice(HOSTS)}"


def card(rng: random.Random) -> str:
    prefix, length = rng.choice((("45", 16), ("4716", 16), ("52", 16), ("2221", 16), ("37", 15)))
    body = prefix + digits(rng, length - len(prefix) - 1)
    number = body + check_digit(body)
    if rng.random() < 0.5:
        return number
    sep = rng.choice(" -")
    cuts = (4, 10, 15) if length == 15 else (4, 8, 12, 16)
    return sep.join(number[a:b] for a, b in zip((0, *cuts), cuts, strict=False))


def iban(rng: random.Random) -> str:
    country = rng.choice(IBANS)
    body = "".join(
        rng.choice("BCDFGHKL") if c == "a" else rng.choice("123456789") for c in BANKS[country]
    )
    number = f"{country}{98 - remainder(f'{country}00{body}'):02d}{body}"
    groups = (number[i : i + 4] for i in range(0, len(number), 4))
    return " ".join(groups) if rng.random() < 0.5 else number


def ip(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return f"2a02:{rng.randrange(1, 65536):x}:{rng.randrange(1, 65536):x}::{digits(rng, 2)}a"
    return f"{rng.choice((81, 93, 141, 208))}.{rng.randrange(256)}.{rng.randrange(256)}.7"


def ssn(rng: random.Random) -> str:
    return f"{rng.randrange(100, 665)}-{rng.randrange(10, 99)}-{rng.randrange(1000, 9999)}"


def phone(rng: random.Random) -> str:
    a, b, c = rng.randrange(201, 989), rng.randrange(201, 554), digits(rng, 4)
    forms = (f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"+1 {a} {b} {c}", f"+1{a}{b}{c}", f"{a}.{b}.{c}")
    other = (f"+44 20 7{digits(rng, 3)} {digits(rng, 4)}", f"+49 151 2{digits(rng, 7)}")
    return rng.choice((*forms, *other))


def birth(rng: random.Random) -> str:
    y, m, d = rng.randrange(1935, 2008), rng.randrange(1, 13), rng.randrange(1, 29)
    return rng.choice((f"{y}-{m:02d}-{d:02d}", f"{m:02d}/{d:02d}/{y}", f"{d} March {y}"))


def name(rng: random.Random) -> str:
    return f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}"


def address(rng: random.Random) -> str:
    house = f"{rng.randrange(1, 999)} {rng.choice(STREETS)}"
    return f"{house}, {rng.choice(TOWNS)}"


MAKE: dict[str, Callable[[random.Random], str]] = {
    "email": email,
    "card": card,
    "iban": iban,
    "ip": ip,
    "ssn": ssn,
    "phone": phone,
}
SAID = {
    "email": ("Write to {} please.", "my mail is {}, thanks", "<{}>", "contact={}", "mailto:{}"),
    "card": ("Charge {}.", "card: {}", "I paid with {}, it says", "({})"),
    "iban": ("Refund to {} please", "IBAN {}.", "account={}"),
    "ip": ("It came from {}.", "client {} timed out", "[{}] refused"),
    "ssn": ("SSN {}.", "my social is {}, ok?", "ssn={}"),
    "phone": ("Call {} after five.", "phone: {}", "my number is {}.", "tel {}, mornings"),
    "birth": ("date of birth: {}.", "DOB {}", "I was born on {}."),
}
NEGATIVES: tuple[Callable[[random.Random], str], ...] = (
    lambda rng: f"#W{digits(rng, 7)}",
    lambda rng: f"ORD-{digits(rng, 10)}",
    lambda rng: f"order {rng.randrange(10**9, 10**10)}",
    lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    lambda rng: f"call_{digits(rng, 24)}",
    lambda rng: "127.0.0.1",
    lambda rng: f"10.0.{rng.randrange(256)}.{rng.randrange(256)}:8080",
    lambda rng: f"1764{digits(rng, 9)}",
    lambda rng: _off_by_one(card(rng)),
    lambda rng: f"2026-0{rng.randrange(1, 10)}-1{rng.randrange(10)}T10:{digits(rng, 1)}0:00Z",
    lambda rng: f"v{rng.randrange(9)}.{rng.randrange(9)}.{rng.randrange(9)}.{rng.randrange(9)}",
    lambda rng: f"{rng.getrandbits(160):040x}",
    lambda rng: "$1,299.00",
    lambda rng: "logo@2x.png",
    lambda rng: "I will mark the page in may",
)


def _off_by_one(number: str) -> str:
    return number[:-1] + str((int(number[-1]) + 1 + (number[-1] == "9")) % 10)


def case(rng: random.Random, filler: int = 3) -> Case:
    """One episode: a profile, a request, a call, its result and an answer."""
    planted: list[Planted] = []
    who, home, born = name(rng), address(rng), birth(rng)
    mail, tel = email(rng), phone(rng)
    prose = _prose(rng, planted)
    negatives = [make(rng) for make in rng.sample(NEGATIVES, 6)]
    stranger, elsewhere = "Bartholomew Quimby", f"{rng.randrange(100, 999)} Nowhere Avenue"
    first = who.split()[0]
    arguments = {"email": mail, "note": "vip", "order": negatives[0], "limit": 3, "dry": True}
    profile = {"name": who, "email": mail, "phone": tel, "address": home, "date_of_birth": born}
    result = {"customer": profile, "items": [{"name": "Gaming Mouse", "price": 12.5}]}
    told = f"Hello {first}, I wrote to {mail} and will send it to {home}. Refs: "
    heard = f"{' '.join(prose)} {negatives[2]} It is for {stranger} at {elsewhere}."
    planted += [
        Planted("email", mail, 3),
        Planted("phone", tel, 1),
        Planted("address", home, 2),
        Planted("birth", born, 1),
        Planted("name_in_prose", stranger, 1),
        Planted("address_in_prose", elsewhere, 1),
        *_words(who, first),
    ]
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": FILLER * filler + negatives[1]},
        {"role": "user", "content": heard},
        {"role": "assistant", "content": None, "tool_calls": [_call(arguments)]},
        {"role": "tool", "tool_call_id": "call_0123456789", "content": json.dumps(result)},
        {"role": "assistant", "content": told + ", ".join(negatives[3:])},
    ]
    return Case(messages, planted, negatives)


def _words(who: str, first: str) -> Iterable[Planted]:
    for word in who.replace("'", " ").split():
        if len(word) > 1:
            yield Planted("name", word, 1 + (word == first))


def _prose(rng: random.Random, planted: list[Planted]) -> Iterable[str]:
    for kind, make in MAKE.items():
        value = make(rng)
        planted.append(Planted(kind, value, 1))
        yield rng.choice(SAID[kind]).format(value)
    value = birth(rng)
    planted.append(Planted("birth", value, 1))
    yield rng.choice(SAID["birth"]).format(value)


def _call(arguments: dict[str, Any]) -> dict[str, Any]:
    told = json.dumps(arguments, ensure_ascii=False)
    function = {"name": "find_user", "arguments": told}
    return {"id": "call_0123456789", "type": "function", "function": function}


def cases(rng: random.Random, count: int, filler: int = 3) -> list[Case]:
    return [case(rng, filler) for _ in range(count)]


def strings(value: object) -> Iterable[str]:
    """Every text of decoded JSON, of JSON in texts too."""
    if isinstance(value, str):
        try:
            inner = json.loads(value)
        except ValueError:
            inner = None
        yield from strings(inner) if isinstance(inner, dict | list) else [value]
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


class Tally(NamedTuple):
    """What was planted, and what of it stayed, in places by kind."""

    planted: Counter[str]
    left: Counter[str]
    lost: list[str]  # negatives that did not stay
    replaced: int  # places, whatever stood there

    def recall(self, kind: str) -> float:
        return 1 - self.left[kind] / self.planted[kind]

    @property
    def precision(self) -> float:
        """The share of replaced places that were planted; what was planted but stayed is none."""
        return (self.planted.total() - self.left.total()) / self.replaced


def tally(given: list[Case], scrubbed: list[list[str]], replaced: int) -> Tally:
    """`scrubbed`: the texts that each episode has now."""
    planted: Counter[str] = Counter()
    left: Counter[str] = Counter()
    lost: list[str] = []
    for one, texts in zip(given, scrubbed, strict=True):
        whole = "\n".join(texts)
        for item in one.planted:
            planted[item.kind] += item.places
            left[item.kind] += min(item.places, whole.count(item.value))
        lost += [negative for negative in one.negatives if negative not in whole]
    return Tally(planted, left, lost, replaced)
