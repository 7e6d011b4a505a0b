"""An answer in JSON that a schema holds for."""

import json
import re
from typing import Any

from jsonschema import SchemaError
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from headrace.evals.errors import TargetUnusable
from headrace.evals.scorers.answer import Answer
from headrace.evals.scorers.option import Options

_FENCE = re.compile(r"\s*```[a-zA-Z]*\n(.*)\n\s*```\s*", re.DOTALL)


def json_schema(answer: Answer, target: str, options: Options = frozenset()) -> bool:
    """Is the answer JSON for which the schema in the target holds?

    The whole answer must be JSON; with `fenced`, one fence of three backticks around it is taken
    off. Draft 2020-12 where the schema names no other; references stay within the schema, nothing
    is fetched. Raises TargetUnusable.
    """
    validator = _validator(target)
    fence = _FENCE.fullmatch(answer.text) if "fenced" in options else None
    try:
        value = json.loads(fence[1] if fence else answer.text, parse_constant=_refuse)
        return bool(validator.is_valid(value))
    except (ValueError, RecursionError):
        return False
    except Unresolvable as error:
        raise TargetUnusable(
            f"the schema refers to {error.ref!r}, which it does not hold"
        ) from error


def _validator(target: str) -> Validator:
    try:
        schema: Any = json.loads(target)
        if not isinstance(schema, dict | bool):
            raise ValueError("a schema is an object")
        kind = validator_for(schema, default=Draft202012Validator)
        kind.check_schema(schema)
    except (ValueError, SchemaError) as error:
        said = error.message if isinstance(error, SchemaError) else error
        raise TargetUnusable(f"the target is no JSON schema: {said}") from error
    return kind(schema, registry=Registry())


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
