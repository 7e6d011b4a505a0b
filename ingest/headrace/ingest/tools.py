"""Tool definitions of any dialect as `{type, function: {name, description, parameters}}`."""

from collections.abc import Iterable
from typing import Any

from headrace.ingest.jsontext import cleaned, value_of
from headrace.ingest.memo import Memo
from headrace.lake.message import Body, digest, dump
from headrace.lake.record import Toolset

_SCHEMAS = ("parameters", "input_schema", "inputSchema", "parameters_json_schema")


def definitions(raw: object) -> list[Body] | None:
    """The functions that a model may call; None where no list of them is known.

    Entries without a name (a provider's own tools) are left out.
    """
    return None if raw is None else _definitions(raw)


def toolset(tools: list[Body]) -> Toolset:
    """The row that stores definitions once."""
    return _toolset(tools)


def _listed(raw: object) -> list[Body] | None:
    listed = value_of(raw)
    if not isinstance(listed, list):
        return None
    return [tool for entry in listed for tool in _definition(value_of(entry))]


def _row(tools: list[Body]) -> Toolset:
    body = dump(tools)
    return Toolset(hash=digest(body), body=body)


_definitions, _toolset = Memo(_listed), Memo(_row)  # every call of an agent tells its tools


def _definition(entry: object) -> Iterable[Body]:
    inner = entry.get("function", entry) if isinstance(entry, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        return
    schema: Any = next((inner[key] for key in _SCHEMAS if inner.get(key) is not None), {})
    function = {
        "name": inner["name"],
        "description": str(inner.get("description") or ""),
        "parameters": value_of(schema),
    }
    yield {"type": "function", "function": cleaned(function)}
