"""JMESPath expressions that pick the fields of an episode out of any JSON object."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import jmespath
import msgspec
from jmespath.exceptions import (
    ArityError,
    JMESPathError,
    LexerError,
    ParseError,
    UnknownFunctionError,
)

from headrace.ingest.errors import BadPick, Undecodable
from headrace.ingest.interpreter import Marks

Record = Mapping[str, Any]

_WHOLE = (  # kinds of expression that put each child to the record itself
    "comparator",
    "and_expression",
    "not_expression",
    "function_expression",
    "multi_select_list",
    "multi_select_dict",
    "key_val_pair",
)
_CHAINS = (  # kinds of expression that begin with their first child
    "subexpression",
    "index_expression",
    "projection",
    "filter_projection",
    "value_projection",
    "flatten",
    "pipe",
)


class Picks(msgspec.Struct, frozen=True, kw_only=True):
    """One expression per field; None: the data have no such field."""

    messages: str
    tools: str | None = None
    success: str | None = None
    score: str | None = None
    id: str | None = None
    conversation: str | None = None
    release: str | None = None
    user: str | None = None
    model: str | None = None
    started_at: str | None = None
    task: str | None = None  # the product's own name for what was asked
    metadata: str | None = None  # an object


class Picker:
    """Compiled expressions."""

    def __init__(self, picks: msgspec.Struct, main: str = "messages") -> None:
        """An expression or None per field of `picks`; `main` is the field no line may lack.

        Raises BadPick showing where an expression is invalid.
        """
        self._main = main
        given = msgspec.structs.asdict(picks)
        self._expressions = {name: text for name, text in given.items() if text is not None}
        self._searches = {name: _compiled(name, text) for name, text in self._expressions.items()}

    @property
    def expressions(self) -> Record:
        """Field -> its expression."""
        return self._expressions

    def pick(self, record: Record) -> dict[str, Any]:
        """Field -> what its expression finds.

        Raises Undecodable, and BadPick where a function is unknown or has too few arguments.
        """
        return {name: self._found(name, record) for name in self._searches}

    def prove(self, records: Sequence[Record]) -> None:
        """Raises BadPick where an expression needs a field that none of the first records has."""
        fields = dict.fromkeys(field for record in records for field in record)
        for name, expression in self._expressions.items():
            for asked in _asked(jmespath.compile(expression).parsed):
                if not asked & fields.keys():
                    raise BadPick(
                        f"--{option(name)} {expression!r}: no field "
                        f"{' or '.join(map(repr, sorted(asked)))}; there are: {', '.join(fields)}"
                    )
        if not any([self._tells(record) for record in records]):  # all, for functions unknown
            lines = "line" if len(records) == 1 else f"{len(records)} lines"
            raise BadPick(
                f"--{self._main} {self._expressions[self._main]!r} picks nothing on the first "
                f"{lines}; "
                f"there are: {', '.join(fields)}"
            )

    def _tells(self, record: Record) -> bool:
        try:
            return self.pick(record)[self._main] is not None
        except Undecodable:  # the line is refused with this fault, which is more exact
            return True

    def _found(self, name: str, record: Record) -> Any:
        try:
            return self._searches[name](record)
        except (UnknownFunctionError, ArityError) as error:  # told only when they are called
            raise BadPick(f"--{option(name)} {self._expressions[name]!r}: {error}") from error
        except (JMESPathError, RecursionError, TypeError, ValueError) as error:
            raise Undecodable(f"--{option(name)}: {error}") from error


def option(name: str) -> str:
    """The option of the command line that gives a pick."""
    return name.replace("_", "-")


def _compiled(name: str, expression: str) -> Callable[[Record], Any]:
    try:
        compiled = jmespath.compile(expression)
    except (ParseError, LexerError) as error:
        place = error.lex_position if isinstance(error.lex_position, int) else len(expression)
        shown = f"{expression}\n{' ' * place}^ here"
        raise BadPick(f"--{option(name)} is no JMESPath expression:\n{shown}") from error
    except JMESPathError as error:
        raise BadPick(f"--{option(name)} {expression!r}: {error}") from error
    if name == "success":
        return partial(Marks().visit, compiled.parsed)
    search: Callable[[Record], Any] = compiled.search
    return search


def _asked(node: Mapping[str, Any]) -> Iterator[frozenset[str]]:
    """The fields of the record that an expression needs, each with its alternatives.

    A mistyped field in `solvd == 'yes'` compares nothing with something: every row would be marked.
    """
    kind, children = node["type"], node.get("children") or []
    if kind == "field":
        yield frozenset({str(node["value"])})
    elif kind in _CHAINS:
        yield from _asked(children[0])
    elif kind == "or_expression" or (kind, node.get("value")) == (
        "function_expression",
        "not_null",
    ):
        alternatives = [frozenset().union(*_asked(child)) for child in children]
        if all(alternatives):  # a literal as the last resort needs no field
            yield frozenset().union(*alternatives)
    elif kind in _WHOLE:
        for child in children:
            yield from _asked(child)
