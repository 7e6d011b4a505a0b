"""Names and addresses in prose, by Presidio: an extra, as it takes a model and ten times as long.

`pip install 'headrace[presidio]'`, then a model of spaCy. Only what Headrace cannot find by itself
is asked for: of the other kinds Presidio takes more than there is.
"""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING

from headrace.curate.errors import FinderError
from headrace.curate.scrub.address import ADDRESS
from headrace.curate.scrub.episode import Finder
from headrace.curate.scrub.kind import Kind
from headrace.curate.scrub.name import NAME
from headrace.curate.scrub.postcode import POSTCODE
from headrace.lake.errors import MissingExtra

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine

VERSION = "presidio/1"  # of the entities that are asked for
MODEL = "en_core_web_lg"  # what Presidio reads English with
SCORE = 0.5  # of a find, at least
LANGUAGE = "en"

ENTITIES: Mapping[str, Kind] = MappingProxyType(
    {
        "PERSON": NAME,
        "LOCATION": ADDRESS,
        "ADDRESS": ADDRESS,
        "STREET_ADDRESS": ADDRESS,
        "UK_POSTCODE": POSTCODE,
    }
)


def finder(analyzer: "AnalyzerEngine", *, language: str = LANGUAGE) -> Finder:
    """What an analyzer finds of the entities that it knows, each as our kind takes its values.

    A location is one where it tells a house; towns and countries stay.
    """
    known = sorted(ENTITIES.keys() & set(analyzer.get_supported_entities(language)))

    def find(text: str) -> Iterator[tuple[int, int, Kind]]:
        if not text.strip() or not known:
            return
        found = analyzer.analyze(
            text=text, language=language, entities=known, score_threshold=SCORE
        )
        for one in found:
            kind = ENTITIES[one.entity_type]
            for start, end in kind.typed(text[one.start : one.end]):
                yield one.start + start, one.start + end, kind

    return find


def installed() -> Finder:
    """The finder of the analyzer as Presidio comes. Raises MissingExtra, FinderError."""
    if find_spec("presidio_analyzer") is None:
        raise MissingExtra("scrub_extra = 'presidio' needs: pip install 'headrace[presidio]'")
    if find_spec(MODEL) is None:  # Presidio would download it in the middle of the night
        raise FinderError(
            f"scrub_extra = 'presidio' needs the model {MODEL}: python -m spacy download {MODEL}, "
            "or leave the setting out"
        )
    from presidio_analyzer import AnalyzerEngine

    return finder(AnalyzerEngine())
