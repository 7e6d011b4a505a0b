"""The models of a run: the one under test, and the judge."""

import os
import re
from collections.abc import Mapping
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from typing import Any

from inspect_ai.model import GenerateConfig, Model, get_model

from headrace.evals.errors import ModelUnusable

ENDPOINT = "openai-api/endpoint/"  # an OpenAI-compatible server that is named by its address
_SERVED = re.compile(r"openai-api/([^/]+)/.")


def model_of(
    name: str | Model | None,
    *,
    base_url: str | None = None,
    key_env: str | None = None,
    params: Mapping[str, Any] | None = None,
) -> Model:
    """A model, resolved before the run so that a typo costs no log; None is no model at all.

    `base_url`: any OpenAI-compatible server, where `name` is what it calls the model. `key_env`:
    the environment variable with its key. `params`: fields of Inspect's GenerateConfig.
    Raises ModelUnusable.
    """
    if isinstance(name, Model):
        return name
    load_hooks()
    wanted, more = name or "none", _served(name, base_url, key_env) if base_url or key_env else {}
    if base_url and not wanted.startswith("openai-api/"):
        wanted = ENDPOINT + wanted
    offer_key(wanted, more.get("api_key_var"))
    try:
        config = GenerateConfig(**_checked(params or {}))
        return get_model(wanted, config=config, memoize=False, **more)
    except ModelUnusable:
        raise
    except Exception as error:  # each provider has its own way to miss a key, package or name
        raise ModelUnusable(
            f"model {wanted!r} cannot be used: {said(error)}. Name it PROVIDER/MODEL as in "
            "`openai/gpt-5`, with the provider's package installed and its API key in the "
            "environment; a server of your own is `--base-url http://HOST/v1 --model NAME`"
        ) from error


@cache
def load_hooks() -> None:
    """Inspect lists its hooks on stdout the first time that it needs them: no result of ours."""
    with redirect_stdout(StringIO()):
        get_model("none", memoize=False)


def judge_of(name: str | Model) -> Model:
    """A judge, as even as its provider lets it be. Raises ModelUnusable."""
    return model_of(name, params={"temperature": 0.0})


def offer_key(model: str, variable: str | None = None) -> None:
    """Servers of one's own often ask for no key; their client does not start without one."""
    served = _SERVED.match(model)
    if served and variable is None:
        name = served[1].upper().replace("-", "_")
        os.environ.setdefault(f"{name}_API_KEY", "none")


def said(error: Exception) -> str:
    """Inspect's prerequisite errors carry rich markup in `message` and no text."""
    text = str(getattr(error, "message", "") or error or type(error).__name__)
    return " ".join(re.sub(r"\[/?[a-z]+\]", "", text).split()).rstrip(".")


def _served(name: str | None, base_url: str | None, key_env: str | None) -> dict[str, Any]:
    if name is None:
        raise ModelUnusable("--base-url needs --model: what the server calls the model")
    if key_env is not None and key_env not in os.environ:
        raise ModelUnusable(f"the environment has no {key_env}, which should hold the API key")
    told = {"base_url": base_url, "api_key_var": key_env}
    known = {key: value for key, value in told.items() if value is not None}
    return {**known, "max_retries": 0}  # of its client, beside those that a run is told to make


def _checked(params: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(params.keys() - GenerateConfig.model_fields.keys())
    if unknown:
        raise ModelUnusable(
            f"no parameter {', '.join(unknown)}: there are temperature, top_p, max_tokens, seed, "
            "reasoning_effort and the other fields of Inspect's GenerateConfig"
        )
    return dict(params)
