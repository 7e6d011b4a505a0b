"""What makes two runs comparable, as a hash; without Inspect, which takes seconds to import."""

from collections.abc import Mapping
from typing import Any

from headrace.lake.message import digest, dump


def config_hash(release: str, model: str | None, settings: Mapping[str, Any]) -> str:
    """32 hex digits; runs with the same hash measured the same thing again."""
    return digest(dump([release, model, plain(settings)]))


def plain(value: object) -> Any:
    """JSON for a hash; what JSON does not know goes by its type, never by its address."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="json", exclude_none=True))
    return value if isinstance(value, str | int | float | None) else type(value).__name__
