"""`headrace review` without a terminal."""

from typing import Any

import pytest

from tests.reviewed import Desk

EVIL = "\x1b[31m[red]x[/red]"


def asked(three: Desk, *words: str) -> list[str]:
    return ["review", "--project", three.project, *words]


def test_list_shows_what_is_open_and_why(headrace: Any, three: Desk) -> None:
    ran = headrace(*asked(three, "--list"))
    assert ran.code == 0
    for shown in ("open to review", "rv_", "votes are split: p = .50", "v2", "Where is order b?"):
        assert shown in ran.words


def test_list_as_json_has_all_that_is_known(headrace: Any, three: Desk) -> None:
    items = headrace(*asked(three, "--list", "--json")).json
    assert [item["episode_id"] for item in items] == ["a", "b", "c"]
    assert items[0] | {"item_id": "", "picked_at": "", "started_at": ""} == {
        "item_id": "", "episode_id": "a", "revision": 1, "stratum": "uncertainty", "asked": 1,
        "why": "votes are split: p = .50", "picked_at": "", "resolution": "conflicting",
        "p_success": 0.5, "answers": 0, "request": "Where is order a?", "release": "v2",
        "model": "m-1", "started_at": "",
    }  # fmt: skip
    assert headrace(*asked(three, "--json")).json == items


def test_hostile_text_in_a_list_does_nothing(headrace: Any, desk: Desk) -> None:
    desk.add("a", request=EVIL, release=EVIL)
    desk.ask("a", why=f"typical of {EVIL}")
    desk.write()
    ran = headrace(*asked(desk, "--list"))
    assert "\x1b" not in ran.out
    assert "␛[31m[red]x[/red]" in ran.words


def test_a_label_by_script_is_an_answer(headrace: Any, three: Desk) -> None:
    name = three.items()["b"].item_id
    ran = headrace(*asked(three, "--reviewer", "ada", "--label", name, "failure", "--json"))
    assert (ran.json["action"], ran.json["reviewer"], ran.json["episode_id"]) == (
        "failure", "ada", "b",
    )  # fmt: skip
    [outcome] = three.rows("outcomes")
    assert (outcome["target_id"], outcome["success"], outcome["author"]) == ("b", False, "ada")
    again = headrace(*asked(three, "--reviewer", "ben", "--label", name, "success"))
    assert again.code == 1
    assert "answered meanwhile" in again.err


def test_a_label_says_in_words_what_it_did(headrace: Any, three: Desk) -> None:
    ran = headrace(*asked(three, "--reviewer", "ada", "--label", "a", "success"))
    assert ran.words == f"{three.items()['a'].item_id}: success, by ada"


def test_the_name_is_that_of_the_environment_else_of_the_login(
    headrace: Any, three: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_REVIEWER", "ben")
    headrace(*asked(three, "--label", "a", "success"))
    monkeypatch.delenv("HEADRACE_REVIEWER")
    monkeypatch.setenv("LOGNAME", "cyd")
    headrace(*asked(three, "--label", "b", "success"))
    assert sorted(row["author"] for row in three.rows("outcomes")) == ["ben", "cyd"]


@pytest.mark.parametrize("raised", [KeyError("uid 1000"), OSError("no such user")])
def test_nobody_is_asked_for_a_name(
    headrace: Any, three: Desk, monkeypatch: pytest.MonkeyPatch, raised: Exception
) -> None:
    def nobody() -> str:
        raise raised

    monkeypatch.delenv("HEADRACE_REVIEWER", raising=False)
    monkeypatch.setattr("getpass.getuser", nobody)
    ran = headrace(*asked(three, "--label", "a", "success"))
    assert ran.code == 2
    assert "give your name" in ran.err


def test_agreement_says_what_cannot_be_told_yet(headrace: Any, three: Desk) -> None:
    three.say(three.items()["a"].item_id, "success")
    ran = headrace(*asked(three, "--agreement"))
    assert ran.code == 0
    assert "cannot be told yet: 0 double reviews, 50 needed." in ran.words
    assert "ada 1" in ran.words
    told = headrace(*asked(three, "--agreement", "--json")).json
    assert told["reviewing"]["reviewers"] == {"ada": 1}
    assert told["words"] in ran.words


def test_agreement_of_two_is_a_table(headrace: Any, desk: Desk) -> None:
    for i in range(50):
        desk.add(f"e{i}", p=0.9, resolution="success")
        desk.ask(f"e{i}", asked=2, selection_probability=0.1, p_success=0.9, resolution="success")
    desk.write()
    said = (
        "insert into reviews select project, item_id, episode_id, 1, $who, case when "
        "hash(episode_id) % $bad = 0 then 'failure' else 'success' end, null, picked_at, "
        "item_id || $who from review_items where project = $project"
    )
    for who, bad in (("ada", 3), ("ben", 2)):
        given = {"who": who, "bad": bad, "project": desk.project}
        desk.lake.write(lambda tx, given=given: tx.run(said, given))  # type: ignore[misc]
    ran = headrace(*asked(desk, "--agreement"))
    assert ran.words.startswith("reviewers reviewer labels ada 50 ben 50 two reviewers")
    for shown in ("ada, ben 50", "reviewers and votes", "even sample", "Two reviewers agree on"):
        assert shown in ran.words


def test_no_terminal_is_said_and_what_to_do_instead(headrace: Any, three: Desk) -> None:
    ran = headrace(*asked(three))
    assert ran.code == 2
    assert "no terminal to review on" in ran.err
    assert "--list" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--list", "--agreement"], "give one of --list, --agreement, --label"),
        (["--label", "a", "maybe"], "give success or failure"),
        (["--label", "a", "success", "--reviewer", " "], "give your name"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    headrace: Any, three: Desk, words: list[str], said: str
) -> None:
    ran = headrace(*asked(three, *words))
    assert ran.code == 2
    assert said in " ".join(ran.err.replace("│", " ").split())


def test_an_empty_queue_names_its_cure(headrace: Any, desk: Desk) -> None:
    desk.add("a")
    desk.write()
    ran = headrace(*asked(desk, "--list"))
    assert ran.code == 0
    assert ran.words == (
        f"no review queue in {desk.project!r} yet: run `headrace nightly`, it fills one"
    )
    assert headrace(*asked(desk, "--list", "--json")).json == []


def test_a_queue_that_is_answered_names_its_cure(headrace: Any, desk: Desk) -> None:
    desk.add("a")
    desk.ask("a", state="answered")
    desk.write()
    assert "nothing is open in" in headrace(*asked(desk, "--list")).words


def test_an_unknown_project_is_refused(headrace: Any, three: Desk) -> None:
    ran = headrace("review", "--project", "nobody", "--list")
    assert (ran.code, "no project 'nobody'" in ran.err) == (1, True)


def test_no_lake_is_one_sentence(headrace: Any, three: Desk, tmp_path: Any) -> None:
    ran = headrace("review", "--list", "--home", tmp_path / "none")
    assert ran.code == 1
    assert "no lake in" in ran.err
