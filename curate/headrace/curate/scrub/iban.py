"""IBANs: a country, its length, and a remainder of 1 modulo 97 (ISO 13616)."""

import re
from collections.abc import Iterator

from headrace.curate.scrub.draw import Draw
from headrace.curate.scrub.kind import Kind, Span

_START = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?= ?[A-Z0-9])")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LENGTHS = {
    country: int(length)
    for length, countries in (
        pair.split(":")
        for pair in (
            "15:NO 16:BE 18:DK,FI,FO,GL,NL 19:MK,SI 20:AT,BA,EE,KZ,LT,LU,XK 21:CH,HR,LI,LV"
            " 22:BG,BH,CR,DE,GB,GE,IE,ME,RS,VA 23:AE,GI,IL,IQ,TL 24:AD,CZ,ES,MD,PK,RO,SA,SE,SK,TN"
            " 24:VG 25:LY,PT,ST 26:IS,TR 27:BI,DJ,FR,GR,IT,MC,MR,SM 28:AL,AZ,BY,CY,DO,GT,HU,LB,PL"
            " 28:SV 29:BR,EG,PS,QA,UA 30:JO,KW,MU 31:MT,SC 32:LC 33:RU"
        ).split()
    )
    for country in countries.split(",")
}


def find(text: str) -> Iterator[Span]:
    for start in _START.finditer(text):
        end = _end(text, start.start(), _LENGTHS.get(start[0][:2], 0))
        if end is None:
            continue
        number = _canonical(text[start.start() : end])
        if remainder(number) == 1 and not _invented(number):
            yield start.start(), end


def remainder(number: str) -> int:
    """Modulo 97, the country and the check digits last, letters as 10 to 35."""
    return int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97


def _end(text: str, start: int, length: int) -> int | None:
    """Where as many letters and digits end, in groups or not; None where others are among them."""
    at, left = start, length
    while left:
        char = text[at : at + 1]
        if char != " " or text[at - 1] == " ":
            if not ("A" <= char <= "Z" or "0" <= char <= "9"):
                return None
            left -= 1
        at += 1
    return at if length and not text[at : at + 1].isalnum() else None


def _canonical(text: str) -> str:
    return text.replace(" ", "")


def _invented(number: str) -> bool:
    """No bank has the code 0000 or ZZZZ."""
    return set(number[4:8]) <= {"0", "Z"}


def _surrogate(written: str, draw: Draw) -> str:
    given = _canonical(written)
    bank = "".join("0" if c.isdigit() else "Z" for c in given[4:8])
    account = (draw.digits(1) if c.isdigit() else _LETTERS[draw.below(26)] for c in given[8:])
    body = bank + "".join(account)
    check = 98 - remainder(f"{given[:2]}00{body}")
    left = iter(f"{given[:2]}{check:02d}{body}")
    return "".join(c if c == " " else next(left) for c in written)


IBAN = Kind(
    name="iban",
    about="bank accounts that the check modulo 97 confirms",
    hint="[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4}",
    find=find,
    typed=find,
    canonical=_canonical,
    surrogate=_surrogate,
)
