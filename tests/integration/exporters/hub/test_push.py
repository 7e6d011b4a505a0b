"""Data sets on a Hub on loopback, pushed and loaded by the real clients."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest
from huggingface_hub import HfApi

from headrace.exporters import dataset, folder
from headrace.exporters.errors import HubError, NotPushed
from headrace.exporters.hub import repository
from headrace.exporters.hub.push import Pushed, push
from headrace.exporters.manifest import Manifest
from headrace.lake import Lake
from tests.hub import Hub
from tests.integration.exporters.hub.conftest import NOW, REPO

Sets = Callable[..., Path]
Loaded = Callable[..., set[tuple[str, str]]]

# the client's own way of sending files
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


class Stock(Protocol):
    lake: Lake

    def episode(self, name: str, **fields: Any) -> None: ...


def members(place: Path) -> set[tuple[str, str]]:
    return {(row.row_id, row.split) for row in Manifest.load(place).rows}


def files(place: Path, at: str = "") -> set[str]:
    return {at + file for file in folder.files(place)}


def test_a_push_is_one_commit_of_every_file_and_one_tag(
    hub: Hub, api: HfApi, sets: Sets, loaded: Loaded
) -> None:
    place = sets("sft")
    pushed = push(place, REPO, api=api)
    [commit] = hub.commits(REPO)
    assert set(commit.tree) == {".gitattributes", *folder.files(place)}
    assert hub.store.repos[REPO].private
    assert hub.store.repos[REPO].tags == {pushed.version: commit.oid}
    assert (pushed.committed, pushed.tagged, pushed.revision) == (True, True, commit.oid)
    for file in folder.files(place):
        assert hub.read(REPO, file, pushed.tag) == (place / file).read_bytes()
    assert loaded("sft", pushed.tag) == members(place)


def test_a_download_is_what_its_manifest_says(
    hub: Hub, api: HfApi, sets: Sets, tmp_path: Path
) -> None:
    push(sets("sft"), REPO, api=api)
    place = api.snapshot_download(REPO, repo_type="dataset", local_dir=tmp_path / "down")
    assert (tmp_path / "down" / ".gitattributes").is_file()
    assert dataset.validate(place).faults == ()


def test_a_second_push_of_the_same_changes_nothing(hub: Hub, api: HfApi, sets: Sets) -> None:
    first = push(sets("sft"), REPO, api=api)
    hub.asked.clear()
    again = push(sets("sft"), REPO, api=api)
    assert (again.committed, again.tagged) == (False, False)
    assert again.revision == first.revision
    assert [asked for asked in hub.asked if "POST" in asked] == ["POST /api/repos/create"]


def test_the_next_version_takes_out_what_is_no_longer_part_and_old_tags_load(
    hub: Hub, api: HfApi, shop: Stock, tmp_path: Path, loaded: Loaded
) -> None:
    made = partial(dataset.build, shop.lake, "shop", "refunds", "sft", now=NOW)
    old = push(made(out=tmp_path / "one").path, REPO, api=api)
    hub.write(REPO, "LICENSE", b"mine")
    shop.lake.write(lambda tx: tx.run("update splits set split = 'eval' where split = 'test'"))
    shop.episode("A6")
    new = push(made(out=tmp_path / "two").path, REPO, api=api)
    ours = files(tmp_path / "two")
    assert set(hub.commits(REPO)[-1].tree) == {".gitattributes", "LICENSE", *ours}
    assert not any(path.startswith("data/test") for path in ours)
    assert loaded("sft", old.tag) == members(tmp_path / "one")
    assert loaded("sft", new.tag) == members(tmp_path / "two")


def test_a_second_objective_lies_below_its_name_and_neither_loses_the_other(
    hub: Hub, api: HfApi, sets: Sets, loaded: Loaded
) -> None:
    sft = push(sets("sft"), REPO, api=api)
    kto = push(sets("kto"), REPO, api=api)
    tree = hub.commits(REPO)[-1].tree
    assert set(tree) == {".gitattributes", *files(sets("sft")), *files(sets("kto"), "kto/")}
    for file in files(sets("sft")) - {"README.md"}:
        assert hub.read(REPO, file) == (sets("sft") / file).read_bytes()
    assert loaded("kto", kto.tag) == members(sets("kto"))
    assert loaded("sft", kto.tag) == loaded("sft", sft.tag) == members(sets("sft"))
    later = push(sets("sft", license="mit"), REPO, api=api)
    for file in files(sets("kto")):
        assert hub.read(REPO, f"kto/{file}") == (sets("kto") / file).read_bytes()
    assert loaded("kto", later.tag) == members(sets("kto"))
    assert loaded("sft", later.tag) == members(sets("sft"))
    assert b"[its card](kto/README.md)" in hub.read(REPO, "README.md")


@pytest.mark.parametrize("match", ["POST .*/repos/create", "POST .*/commit/main", "POST .*/tag/"])
def test_a_push_that_broke_off_is_finished_by_the_next(
    hub: Hub, api: HfApi, sets: Sets, match: str, loaded: Loaded
) -> None:
    hub.fail(match, 500)
    with pytest.raises(HubError, match=r"out of order now \(500\): later, run the push again"):
        push(sets("sft"), REPO, api=api)
    pushed = push(sets("sft"), REPO, api=api)
    [commit] = hub.commits(REPO)
    assert hub.store.repos[REPO].tags == {pushed.version: commit.oid}
    assert pushed.revision == commit.oid
    assert loaded("sft", pushed.tag) == members(sets("sft"))


def test_what_somebody_else_pushed_meanwhile_is_kept(hub: Hub, api: HfApi, sets: Sets) -> None:
    hub.before("POST .*/commit/main", lambda: hub.write(REPO, "LICENSE", b"hers"))
    pushed = push(sets("sft"), REPO, api=api)
    theirs, ours = hub.commits(REPO)
    assert ours.parent == theirs.oid
    assert ours.oid == pushed.revision
    assert hub.read(REPO, "LICENSE") == b"hers"


def test_who_always_comes_first_is_named(hub: Hub, api: HfApi, sets: Sets) -> None:
    for text in (b"one", b"two"):
        hub.before("POST .*/commit/main", partial(hub.write, REPO, "LICENSE", text))
    with pytest.raises(HubError, match=r"eve \('Upload LICENSE'\) pushed to mill/refunds"):
        push(sets("sft"), REPO, api=api)
    assert [commit.author for commit in hub.commits(REPO)] == ["eve", "eve"]


def test_two_pushers_of_one_version_make_one_commit(hub: Hub, api: HfApi, sets: Sets) -> None:
    other: list[Pushed] = []
    hub.before("POST .*/commit/main", lambda: other.append(in_between()))
    with ThreadPoolExecutor(1) as pool:

        def in_between() -> Pushed:
            """All of the other push, between the first one's look at the head and its commit."""
            return pool.submit(push, sets("sft"), REPO, api=api).result()

        mine = push(sets("sft"), REPO, api=api)
    [theirs] = other
    [commit] = hub.commits(REPO)
    assert (theirs.committed, mine.committed) == (True, False)
    assert mine.revision == theirs.revision == commit.oid
    assert hub.store.repos[REPO].tags == {mine.version: commit.oid}


def test_two_pushers_of_two_versions_leave_both_tags(
    hub: Hub, api: HfApi, sets: Sets, loaded: Loaded
) -> None:
    places = [sets("kto"), sets("kto", license="mit")]
    with ThreadPoolExecutor(2) as pool:
        pushed = [*pool.map(lambda place: push(place, REPO, api=api), places)]
    assert len(hub.commits(REPO)) == 2
    assert hub.store.repos[REPO].tags == {one.version: one.revision for one in pushed}
    for one in pushed:
        assert loaded("kto", one.tag) == members(places[0])


def test_a_pull_request_is_opened_once_and_tagged_when_merged(
    hub: Hub, api: HfApi, sets: Sets
) -> None:
    first = push(sets("sft"), REPO, pull=True, api=api)
    again = push(sets("sft"), REPO, pull=True, api=api)
    repo = hub.store.repos[REPO]
    assert (
        first.pull_request == again.pull_request == f"{hub.address}/datasets/{REPO}/discussions/1"
    )
    assert (first.committed, again.committed) == (True, False)
    assert (hub.commits(REPO), repo.tags) == ([], {})
    repo.branches["main"] = repo.branches["refs/pr/1"]
    merged = push(sets("sft"), REPO, api=api)
    assert (merged.committed, merged.tagged) == (False, True)
    assert repo.tags == {merged.version: repo.branches["main"]}


def test_a_tag_of_ones_own_names_the_version_and_never_moves(
    hub: Hub, api: HfApi, sets: Sets
) -> None:
    first = push(sets("sft"), REPO, tag="v1", api=api)
    assert hub.store.repos[REPO].tags == {"v1": first.revision}
    with pytest.raises(HubError, match="the tag 'v1' of mill/refunds names another version"):
        push(sets("sft", license="mit"), REPO, tag="v1", api=api)
    assert len(hub.commits(REPO)) == 1


def test_a_tag_that_somebody_else_gave_meanwhile_is_not_taken_for_ours(
    hub: Hub, api: HfApi, sets: Sets
) -> None:
    other = push(sets("sft"), REPO, api=api)
    repo = hub.store.repos[REPO]
    hub.before("POST .*/tag/", lambda: repo.tags.update(v2=other.revision))
    with pytest.raises(HubError, match="the tag 'v2' of mill/refunds names another version"):
        push(sets("sft", license="mit"), REPO, tag="v2", api=api)
    assert repo.tags["v2"] == other.revision


def test_what_does_not_come_back_as_it_was_sent_gets_no_tag(
    hub: Hub, api: HfApi, sets: Sets
) -> None:
    def spoil() -> None:
        """A file changes on the Hub's disk between the commit and the look at its rows."""
        tree = hub.store.repos[REPO].at("main").tree
        other = tree["data/test-00000-of-00001.parquet"]
        path = hub.store.path(tree["data/train-00000-of-00001.parquet"])
        path.write_bytes(hub.store.path(other).read_bytes())

    hub.before("GET .*/revision/.*", spoil)
    with pytest.raises(HubError, match="does not give the rows for train that were pushed"):
        push(sets("sft"), REPO, api=api)
    assert hub.store.repos[REPO].tags == {}


def test_traces_are_beside_the_rows_and_not_those_of_the_last_version(
    hub: Hub, api: HfApi, sets: Sets, loaded: Loaded
) -> None:
    bare = push(sets("sft"), REPO, api=api)
    with_traces = push(sets("sft"), REPO, traces=True, api=api)
    assert with_traces.committed and not with_traces.tagged
    assert hub.store.repos[REPO].tags == {bare.version: bare.revision}
    traces = {f"traces/{name}.jsonl" for name in ("A1", "A2", "A3", "A4")}
    tree = set(hub.commits(REPO)[-1].tree)
    assert {path for path in tree if path.startswith("traces/")} == traces
    assert loaded("sft", with_traces.revision) == members(sets("sft"))
    push(sets("sft", license="mit"), REPO, api=api)
    assert not any(path.startswith("traces/") for path in hub.commits(REPO)[-1].tree)


def test_a_second_look_that_finds_a_secret_stops_the_push_before_anything_is_sent(
    hub: Hub, api: HfApi, shop: Stock, tmp_path: Path, speak: Callable[[str, str], list[Any]]
) -> None:
    secret = "aB3dE6gH9jK2mN5pQ8sT1vW4xY7z"
    shop.episode("A7", messages=speak("A7", f"Use {secret} to get in"))
    built = dataset.build(shop.lake, "shop", "refunds", "sft", out=tmp_path / "out", now=NOW)
    with pytest.raises(NotPushed, match=r"episode A7 .* a secret \(random text\)") as refused:
        push(built.path, REPO, traces=True, api=api)
    assert secret not in str(refused.value)
    assert hub.asked == []


@pytest.mark.parametrize(
    ("token", "match", "status", "said"),
    [
        ("hf_wrong", "", 0, "the Hub does not know this token: run `hf auth login`"),
        ("hf_reads", "", 0, "may not write to mill/refunds .* set HF_TOKEN to it"),
        ("hf_writes", "POST .*/commit", 403, "may not write to mill/refunds"),
        ("hf_writes", "GET .*/refs", 404, "this token sees no repository mill/refunds"),
        ("hf_writes", "POST .*/commit", 429, "push again in some minutes"),
        ("hf_writes", "POST .*/commit", 503, r"out of order now \(503\)"),
        ("hf_writes", "POST .*/commit", 400, "refuses the push to mill/refunds .* injected"),
        ("hf_writes", "POST .*/validate-yaml", 400, "the Hub refuses the card"),
    ],
)
def test_what_the_hub_refuses_is_one_line_with_the_cure(
    hub: Hub, api: HfApi, sets: Sets, token: str, match: str, status: int, said: str
) -> None:
    hub.store.create(REPO, True, "ada")
    if match:
        hub.fail(match, status)
    with pytest.raises(HubError, match=said) as refused:
        push(sets("sft"), REPO, api=HfApi(endpoint=hub.address, token=token))
    assert "\n" not in str(refused.value)
    assert token not in str(refused.value)
    assert hub.commits(REPO) == []


def test_a_repository_that_is_gated_or_public_is_told_apart(
    hub: Hub, api: HfApi, sets: Sets
) -> None:
    repo = hub.store.create(REPO, False, "ada")
    with pytest.raises(NotPushed, match="is public: say so with --public"):
        push(sets("sft"), REPO, api=api)
    push(sets("sft"), REPO, public=True, api=api)
    repo.gated = True
    with pytest.raises(HubError, match="gated and not open to this account"):
        push(sets("sft"), REPO, public=True, api=HfApi(endpoint=hub.address, token="hf_reads"))
    repo.private = True
    with pytest.raises(NotPushed, match="is private already"):
        push(sets("sft"), REPO, public=True, api=api)


def test_without_a_network_the_address_is_named(sets: Sets) -> None:
    with pytest.raises(HubError, match=r"http://127\.0\.0\.1:9 cannot be reached"):
        push(sets("sft"), REPO, api=HfApi(endpoint="http://127.0.0.1:9", token="hf_writes"))


def test_a_folder_that_was_changed_is_not_pushed(
    hub: Hub, api: HfApi, shop: Stock, tmp_path: Path
) -> None:
    place = dataset.build(shop.lake, "shop", "r", "sft", out=tmp_path / "out", now=NOW).path
    (place / "README.md").write_text("mine")
    with pytest.raises(NotPushed, match=r"changed file: README\.md.* build it anew"):
        push(place, REPO, api=api)
    assert hub.asked == []


@pytest.mark.parametrize("name", ["refunds", "a/b/c", "/b", "a/"])
def test_what_names_no_repository_is_not_asked_for(
    hub: Hub, api: HfApi, sets: Sets, name: str
) -> None:
    with pytest.raises(NotPushed, match="write it like my-org/refunds"):
        push(sets("sft"), name, api=api)
    assert hub.asked == []


@pytest.mark.parametrize("tag", ["", "bad tag", "v1..", "../main", "-f", "a:b"])
def test_what_names_no_tag_is_refused_before_the_commit(
    hub: Hub, api: HfApi, sets: Sets, tag: str
) -> None:
    with pytest.raises(NotPushed, match="is no name of a tag: write it like v1"):
        push(sets("sft"), REPO, api=api, tag=tag)
    assert hub.asked == []


def test_what_others_keep_in_a_repository_is_left_alone(hub: Hub, api: HfApi, sets: Sets) -> None:
    hub.store.create(REPO, True, "eve")
    hub.write(REPO, "data/train.csv", b"a,b")
    with pytest.raises(NotPushed, match=r"holds data/train\.csv, which Headrace did not push"):
        push(sets("sft"), REPO, api=api)
    assert len(hub.commits(REPO)) == 1


def test_another_data_set_of_the_same_objective_is_not_overwritten(
    hub: Hub, api: HfApi, sets: Sets
) -> None:
    push(sets("sft"), REPO, api=api)
    with pytest.raises(NotPushed, match="holds 'refunds' of project 'shop' for sft"):
        push(sets("sft", name="support"), REPO, api=api)


def test_large_files_are_sent_one_by_one_and_it_is_told_how_far(
    hub: Hub, api: HfApi, sets: Sets, monkeypatch: pytest.MonkeyPatch, loaded: Loaded
) -> None:
    monkeypatch.setattr(repository, "_LARGE", 1)
    told: list[tuple[int, int]] = []

    def tell(what: str, done: int, of: int) -> None:
        if what == "uploading":
            told.append((done, of))

    pushed = push(sets("sft"), REPO, api=api, told=tell)
    sizes = [(sets("sft") / file).stat().st_size for file in folder.files(sets("sft"))]
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (sum(sizes), sum(sizes))
    assert sum("PUT /_lfs/" in asked for asked in hub.asked) == 2
    assert loaded("sft", pushed.tag) == members(sets("sft"))
