"""A condition on episodes in SQL, as a recipe has it: pure, and walled in.

Recipes travel, so whoever wrote one is not trusted. An expression is parsed by DuckDB, every part
of it is looked up in the lists below, and it runs in a cell that sees one table and neither lake,
files nor network. What gives another answer tomorrow (`now()`, `random()`) is not in the lists: the
same lake and recipe give the same rows.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec

from headrace.exporters import cell
from headrace.exporters.errors import BadRecipe

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = (
    "episode_id", "parent_episode_id", "conversation_id", "user_id", "release", "model", "agent",
    "intent", "request", "started_at", "ended_at", "turns", "tool_calls", "input_tokens",
    "output_tokens", "cost_usd", "latency_ms", "finish_reason", "defects", "metadata",
    "resolution", "success", "score", "resolved_by", "p_success", "cluster",
)  # fmt: skip
FUNCTIONS = frozenset(
    "+ - * / // % || ~~ !~~ ~~* !~~* ~~~ ->> -> "
    "like_escape not_like_escape ilike_escape not_ilike_escape "
    "lower upper length len strlen trim ltrim rtrim contains starts_with ends_with prefix suffix "
    "substring substr left right concat split_part "
    "regexp_matches regexp_full_match regexp_extract "
    "abs round floor ceil ceiling trunc sign sqrt ln log10 greatest least if ifnull nullif "
    "date_part date_trunc date_diff datediff year quarter month week day dayofweek hour minute "
    "epoch to_years to_months to_weeks to_days to_hours to_minutes to_seconds "
    "list_value list_contains list_has list_has_any list_has_all array_contains array_length "
    "json_extract json_extract_string json_exists json_type json_array_length json_contains "
    "json_keys json_value".split()
)
PARTS = frozenset(
    {"CONSTANT", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "OPERATOR", "BETWEEN", "CASE", "CAST"}
)
LONGEST = 10_000  # characters
SHOWN = 200  # of them where it is refused

_ASKED = "select (\n{}\n) from episodes"
_HINT = "write a condition on one episode, as in \"cost_usd < 0.05 and model like 'gpt-5%'\""


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """An expression that was looked through, and the columns that it reads."""

    text: str
    columns: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Condition":
        """Raises BadRecipe for anything but a pure expression over `COLUMNS`."""
        columns: set[str] = set()
        for part in _parts(_parsed(text)):
            if part["class"] == "COLUMN_REF":
                columns.add(_column(part["column_names"], text))
            elif part["class"] == "FUNCTION":
                _check_function(part, text)
            elif part["class"] not in PARTS:
                raise _bad(text, f"{_plain(part)} may not stand in it: {_HINT}")
        return cls(text=text, columns=tuple(sorted(columns)))

    def kept(self, episodes: "pa.Table") -> set[str]:
        """The ids of the episodes of which it is true; unknown is not true. Raises BadRecipe."""
        told = cell.ask(self.text, episodes)
        if told.bad is not None:
            raise _bad(self.text, f"{_said(told.bad)}: {_HINT}")
        return set(told.kept)


def _parsed(text: str) -> Any:
    """The tree of the expression. Raises BadRecipe where the text is not exactly one."""
    if not text.strip():
        raise _bad(text, f"it is empty: {_HINT}")
    if len(text) > LONGEST:
        raise _bad(text, f"it has {len(text)} characters, and {LONGEST} is the most")
    tree = _tree(text)
    columns = _opened(tree)
    if len(columns) != 1 or tree != _around():
        raise _bad(text, f"it is more than one expression: {_HINT}")
    return columns[0]


@cache
def _around() -> Any:
    """What stands around an expression and nothing else may."""
    tree = _tree("true")
    _opened(tree)
    return tree


def _opened(tree: Any) -> Any:
    """Take the expressions out of a tree, and the list of parameters in them."""
    statement = tree["statements"][0]
    statement["named_param_map"] = []
    return statement["node"].pop("select_list", ())  # a union has none


def _tree(text: str) -> Any:
    try:
        asked = {"sql": _ASKED.format(text)}
        parser = _parser().cursor()
        [(told,)] = parser.execute("select json_serialize_sql($sql)", asked).fetchall()
        tree = json.loads(told, object_pairs_hook=_unplaced)
    except (duckdb.Error, ValueError, RecursionError) as error:
        raise _bad(text, _said(str(error))) from error
    if tree["error"]:
        told = _said(tree["error_message"])
        ours = told.endswith('near ")"') and ")" not in text  # the bracket that we put after it
        raise _bad(text, f"syntax error at its end: {_HINT}" if ours else told)
    return tree


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    return cell.engine()


def _unplaced(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if key != "query_location"}


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    """Every part of an expression, from the outside in."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "class" in node:
                yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _column(path: list[str], text: str) -> str:
    path = path[1:] if path[0].lower() == "episodes" and len(path) > 1 else path
    name = path[0].lower()
    if name not in COLUMNS:
        raise _bad(text, f"no column {path[0]!r}; there are: {', '.join(COLUMNS)}")
    if len(path) > 1 and name == "metadata":
        raise _bad(text, f"write metadata ->> '{path[-1]}'")
    return name


def _check_function(part: dict[str, Any], text: str) -> None:
    if part["function_name"] not in FUNCTIONS or part["schema"] not in ("", "main"):
        known = ", ".join(sorted(name for name in FUNCTIONS if name[0].isalpha()))
        raise _bad(text, f"no function {part['function_name']!r} here; there are: {known}")


def _plain(part: dict[str, Any]) -> str:
    kind = str(part["class"])
    plain = {"SUBQUERY": "a query", "PARAMETER": "a parameter", "STAR": "`*`"}
    return plain.get(kind, kind.lower().replace("_", " "))


def _said(message: str) -> str:
    """The first line, without the kind of error before it."""
    first = message.strip().partition("\n")[0]
    return _short(first.partition(" Error: ")[2] or first)


def _bad(text: str, why: str) -> BadRecipe:
    return BadRecipe(f"filter {_short(' '.join(text.split()))!r}: {why}")


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
