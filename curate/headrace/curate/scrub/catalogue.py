"""The kinds of personal data that are found, and which of them a text can hold."""

from functools import cache
from types import MappingProxyType

import re2

from headrace.curate.scrub.address import ADDRESS
from headrace.curate.scrub.birth import BIRTH
from headrace.curate.scrub.card import CARD
from headrace.curate.scrub.email import EMAIL
from headrace.curate.scrub.iban import IBAN
from headrace.curate.scrub.ip import IP
from headrace.curate.scrub.kind import Kind
from headrace.curate.scrub.name import NAME
from headrace.curate.scrub.phone import PHONE
from headrace.curate.scrub.postcode import POSTCODE
from headrace.curate.scrub.ssn import SSN

VERSION = "scrub/1"  # of rules and surrogates together

# Where two finds are of one length, the first kind has it.
KINDS = MappingProxyType(
    {
        kind.name: kind
        for kind in (EMAIL, IBAN, CARD, SSN, PHONE, IP, BIRTH, NAME, ADDRESS, POSTCODE)
    }
)


def possible(text: str) -> list[Kind]:
    """The kinds whose detectors may find something; one pass over the text for all of them."""
    kinds, hints = _hints()
    return [kinds[i] for i in sorted(hints.Match(text.encode("utf-8", "replace")) or ())]


@cache
def _hints() -> tuple[list[Kind], "re2.Set"]:
    hinted = [(kind, kind.hint) for kind in KINDS.values() if kind.hint is not None]
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    made = re2.Set.SearchSet(options)
    for _, hint in hinted:
        made.Add(hint.encode())
    made.Compile()
    return [kind for kind, _ in hinted], made
