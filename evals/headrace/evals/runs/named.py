"""Python objects that a user names as `package.module:name`."""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from headrace.evals.errors import EvalError


def named(text: str, refused: Callable[[str], EvalError]) -> Any:
    """The object, imported as from the current folder. Raises what `refused` makes of a reason."""
    module, colon, attribute = text.partition(":")
    if not (module and colon and attribute):
        raise refused(f"{text!r} is no name of the form package.module:name")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # last, so that no file there stands for a package
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise refused(f"{text!r} cannot be imported: {error}") from error
    return found
