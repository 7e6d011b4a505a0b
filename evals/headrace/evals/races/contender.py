"""Who enters a race: models by name, and in a TOML file whatever a name cannot say."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from inspect_ai.model import Model

from headrace.evals.errors import EvalError
from headrace.lake.message import digest, dump
from headrace.lake.record import Case

_CURE = (
    "A candidate is a table [candidates.NAME] with `model` or `agent`, and may have `system` (a "
    "file with the system prompt), `params` (of the model), `base_url`, `api_key_env` and `solver`"
)


class ContenderUnfit(EvalError):
    """A file of candidates, an entry of it or a prompt that it names cannot be used."""


class Contender(msgspec.Struct, frozen=True, kw_only=True):
    """A model with its settings, or an agent, under the name by which it races."""

    name: str
    model: str | Model | None = None  # any Inspect model; what a server of one's own calls it
    agent: str | None = None  # package.module:function, or an address
    system: str | None = None  # text that takes the place of a case's own system prompt
    params: Mapping[str, Any] = msgspec.field(default_factory=dict)  # of Inspect's GenerateConfig
    base_url: str | None = None  # OpenAI-compatible server
    api_key_env: str | None = None  # environment variable with the key of server or agent
    solver: str | None = None

    def __post_init__(self) -> None:
        if (self.model is None) == (self.agent is None):
            raise ContenderUnfit(f"candidate {self.name!r} needs a model or an agent, not both")

    @property
    def identity(self) -> str:
        """What tells two configurations apart, of whatever name; holds no key."""
        said = msgspec.structs.asdict(self) | {"model": str(self.model)}
        return digest(dump({name: value for name, value in said.items() if name != "name"}))

    def ask(self, case: Case) -> Case:
        """A case as this contender is asked it."""
        if self.system is None:
            return case
        question = json.loads(case.input)
        rest = [m for m in question["messages"] if m.get("role") not in ("system", "developer")]
        prompt = {"role": "system", "content": self.system}
        told = dump({**question, "messages": [prompt, *rest]})
        return msgspec.structs.replace(case, input=told)


def contenders(named: Sequence[str]) -> list[Contender]:
    """Candidates by name; a name that ends in `.toml` is a file of them. Raises ContenderUnfit."""
    found: list[Contender] = []
    for name in named:
        file = Path(name)
        found += read(file) if file.suffix == ".toml" else [Contender(name=name, model=name)]
    return found


def read(file: Path) -> list[Contender]:
    """The candidates of a TOML file; prompts lie where it says, from its own folder on.

    Raises ContenderUnfit.
    """
    tables = _tables(file)
    return [_contender(file, name, table) for name, table in tables.items()]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry as it is written."""

    model: str | None = None
    agent: str | None = None
    system: str | None = None
    params: dict[str, Any] = {}
    base_url: str | None = None
    api_key_env: str | None = None
    solver: str | None = None


def _tables(file: Path) -> Mapping[str, Any]:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8")).get("candidates")
    except OSError as error:
        raise ContenderUnfit(f"{file} cannot be read ({error.strerror}). {_CURE}") from error
    except ValueError as error:
        raise ContenderUnfit(f"{file} is no TOML: {error}. {_CURE}") from error
    if not isinstance(tables, dict) or not tables:
        raise ContenderUnfit(f"{file} names no candidates. {_CURE}")
    return tables


def _contender(file: Path, name: str, table: object) -> Contender:
    try:
        said = msgspec.convert(table, _Table)
    except msgspec.ValidationError as error:
        raise ContenderUnfit(f"{file}, candidate {name!r}: {error}. {_CURE}") from error
    fields = msgspec.structs.asdict(said)
    return Contender(name=name, **{**fields, "system": _prompt(file, name, said.system)})


def _prompt(file: Path, name: str, system: str | None) -> str | None:
    if system is None:
        return None
    path = file.parent / system
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ContenderUnfit(
            f"{file}, candidate {name!r}: the prompt {path} cannot be read: "
            f"`system` names a text file, from the folder of {file.name} on"
        ) from error
    if not text.strip():
        raise ContenderUnfit(f"{file}, candidate {name!r}: the prompt {path} is empty")
    return text.rstrip()
