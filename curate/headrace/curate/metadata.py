"""What the product said about its run: `headrace.*` attributes on any span of a trace."""

import json
from collections.abc import Iterable, Iterator

from headrace.lake.record import Span

_PREFIX = "headrace.metadata."
_NAMED = ("headrace.task", "headrace.external_id")


def metadata(spans: Iterable[Span], service: str | None) -> dict[str, object]:
    """The metadata of an episode; `spans` of its traces in order, the first to say a key wins.

    Turns that each bring an `external_id` of their own are all listed in `external_ids`, so that a
    mark on any of them finds the episode.
    """
    said: dict[str, object] = {}
    externals: dict[str, None] = {}
    for key, value in _mentions(spans):
        said.setdefault(key, value)
        if key == "external_id":
            externals[str(value)] = None
    if len(externals) > 1:
        said["external_ids"] = list(externals)
    return said if service is None else {"service": service, **said}


def _mentions(spans: Iterable[Span]) -> Iterator[tuple[str, object]]:
    for span in spans:
        if "headrace." not in span.attributes:
            continue
        for key, value in sorted(json.loads(span.attributes).items()):
            if key in _NAMED:
                yield key.removeprefix("headrace."), str(value)
            elif key.startswith(_PREFIX):
                yield key.removeprefix(_PREFIX), value
