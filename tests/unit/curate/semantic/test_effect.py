"""What a tool does is told by the user, by its definition, else by its name."""

from pathlib import Path

import pytest

from headrace.curate.semantic.effect import Effects, hints
from headrace.lake.errors import SettingsError
from headrace.lake.message import Body
from headrace.lake.settings import Settings


def changing(*tools: str, known: dict[str, bool] | None = None) -> bool:
    skeleton = "\n".join(f"{tool}(id, flag=true)->ok x2" for tool in tools)
    return Effects(known=known or {}).changing(skeleton)


@pytest.mark.parametrize(
    "tool",
    ["cancel_order", "updateUser", "github.create_issue", "airfryer_on", "send-money", "HTTPPost",
     "update_search_index", "buchung_stornieren", "transfer_to_human_agents"],
)  # fmt: skip
def test_tools_that_do_something(tool: str) -> None:
    assert changing(tool)


@pytest.mark.parametrize(
    "tool",
    ["get_order", "searchFlights", "list_open_orders", "get_update_history", "order_lookup",
     "mcp__files__read_file", "calculate", "think", "python", "bash", "execute_sql",
     "http_request", "run_code"],
)  # fmt: skip
def test_tools_that_look_or_that_are_called_alike_for_everything(tool: str) -> None:
    assert not changing(tool)


def test_one_call_that_changes_something_is_enough_and_none_is_not() -> None:
    assert changing("get_order", "cancel_order")
    assert not changing("get_order", "get_user")
    assert not Effects().changing("")


def test_definitions_go_before_names() -> None:
    tools: list[Body] = [
        {"function": {"name": "get_token"}, "annotations": {"readOnlyHint": False}},
        {"type": "function", "function": {"name": "order", "annotations": {"readOnlyHint": True}}},
        {"name": "wipe", "annotations": {"destructiveHint": True}},
        {"name": "plain"},
    ]
    found = hints(tools)
    assert found == {"get_token": True, "order": False, "wipe": True}
    assert changing("get_token", known=found)
    assert not changing("order", known=found)


def home(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "headrace.toml").write_text(text)
    return Settings.load(tmp_path)


def test_what_the_user_lists_goes_before_all(tmp_path: Path) -> None:
    settings = home(
        tmp_path,
        '[tools]\nread_only = ["wipe"]\n[projects.shop.tools]\nchanging = ["get_refund"]\n',
    )
    wipe = {"name": "wipe", "annotations": {"destructiveHint": True}}
    shop = Effects.of(settings, "shop", [wipe])
    assert not shop.changing("wipe()->ok")
    assert shop.changing("get_refund(id)->ok")
    assert not Effects.of(settings, "other").changing("get_refund(id)->ok")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[tools]\nreadonly = ["a"]', "'tools.readonly': did you mean 'read_only'"),
        ('[tools]\nread_only = "a"', "tools.read_only is 'a': give a list"),
        ('[tools]\nread_only = ["a"]\nchanging = ["a"]', "'a' is listed both ways"),
    ],
)
def test_lists_that_cannot_be_used_are_refused_with_the_cure(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        Effects.of(home(tmp_path, text), "shop")
