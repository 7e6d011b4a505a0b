"""A data set on the Hugging Face Hub: one commit and one tag for each version.

What breaks off is taken up again by the same push: a commit is there whole or not at all, and what
comes after it is done where it is missing.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from huggingface_hub import HfApi
from huggingface_hub.utils import (  # type: ignore[attr-defined]
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from headrace.exporters import manifest, validation
from headrace.exporters.errors import HubError, NotPushed
from headrace.exporters.hub import proof, refusal, session
from headrace.exporters.hub.head import Head
from headrace.exporters.hub.plan import Plan
from headrace.exporters.hub.repository import Repository, Stale
from headrace.exporters.manifest import Manifest

# what is being done, how much of it is done, and of how much
Told = Callable[[str, int, int], None]
_TAG = re.compile(r"\w+(?:(?:[./]|-+)\w+)*")  # narrower than what Git takes, and never an option


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """Where a version stands on the Hub after a push."""

    project: str
    name: str
    version: str
    repo: str
    config: str
    tag: str
    revision: str  # the commit that holds it
    committed: bool  # False: it was there
    tagged: bool
    pull_request: str | None = None  # its address; there is no tag before it is merged
    url: str = ""


class _Release(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be pushed, and how."""

    made: Manifest
    files: dict[str, Path]
    tag: str
    pull: bool

    @property
    def title(self) -> str:
        return f"{self.made.name} {self.made.version} ({self.made.objective})"


def push(
    directory: Path | str,
    repo: str,
    *,
    public: bool = False,
    pull: bool = False,
    traces: bool = False,
    tag: str | None = None,
    api: HfApi | None = None,
    told: Told = lambda what, done, of: None,
) -> Pushed:
    """Put the data set of a folder into a repository, private unless it is to be public.

    Raises NotADataset, NotPushed, HubError.
    """
    place, hub = Path(directory), Repository(repo, api)
    made = _whole(place, told)
    if repo.count("/") != 1 or not all(repo.split("/")):
        raise NotPushed(f"{repo!r} is no name of a repository: write it like my-org/refunds")
    if tag is not None and not _TAG.fullmatch(tag):
        raise NotPushed(f"{tag!r} is no name of a tag: write it like v1, without spaces")
    with TemporaryDirectory() as extra, _telling(hub):
        files = {path: place / path for path in [*made.files, manifest.NAME]}
        if traces:
            told("looking for secrets", 0, 1)
            files |= {path: Path(extra, path) for path in session.write(place, made, Path(extra))}
        release = _Release(made=made, files=files, tag=tag or made.version, pull=pull)
        hub.ensure(private=not public)
        return _released(hub, release, public, told)


def _whole(place: Path, told: Told) -> Manifest:
    """The manifest of a folder that is what it says. Raises NotADataset, NotPushed."""
    told("comparing files with the manifest", 0, 1)
    found = validation.validate(place)
    if not found.ok:
        raise NotPushed(
            f"{place} is not what its manifest says ({found.faults[0]}"
            f"{f' and {len(found.faults) - 1} more' if len(found.faults) > 1 else ''}), and is "
            "not pushed: build it anew"
        )
    return Manifest.load(place)


def _released(hub: Repository, release: _Release, public: bool, told: Told) -> Pushed:
    """Commit and tag, each where it is missing; somebody else's push is tolerated once."""
    for _ in range(2):
        head = hub.head()
        _check_open(head, public)
        plan = Plan.of(head, release.made, release.files)
        named = _named(hub, release, plan.folder)
        if plan.settled:
            return _tagged(hub, release, plan, head.sha, named, told)
        if release.pull and (url := hub.pull_request(release.title)):
            return _pushed(hub, release, head.sha, pull_request=url)
        try:
            return _commit(hub, release, head, plan, named, told)
        except Stale:
            told("reading what somebody else has pushed", 0, 1)
    raise HubError(
        f"{hub.last()} pushed to {hub.name} while this push ran, and another before: run it again "
        "when the others are done"
    )


def _commit(
    hub: Repository, release: _Release, head: Head, plan: Plan, named: str | None, told: Told
) -> Pushed:
    """Raises Stale, HubError."""
    made = hub.commit(
        plan.operations,
        parent=head.sha,
        title=release.title,
        pull=release.pull,
        told=lambda done, of: told("uploading", done, of),
    )
    told("reading it back", 0, 1)
    proof.check_files(hub, made.oid, plan.adds)
    if not release.pull:
        return _tagged(hub, release, plan, made.oid, named, told, committed=True)
    proof.check_rows(hub, made.oid, release.made)
    return _pushed(hub, release, made.oid, committed=True, pull_request=made.pr_url)


def _tagged(
    hub: Repository,
    release: _Release,
    plan: Plan,
    sha: str,
    named: str | None,
    told: Told,
    *,
    committed: bool = False,
) -> Pushed:
    """The tag where it is missing; only what readers get as it was sent is given one."""
    if committed or named is None:
        told("reading it back", 0, 1)
        proof.check_rows(hub, sha, release.made)
    if named is None:
        hub.tag(release.tag, sha)
        _named(hub, release, plan.folder)  # somebody else may have been faster with it
    revision = sha if committed or named is None else named
    return _pushed(hub, release, revision, committed=committed, tagged=named is None)


def _named(hub: Repository, release: _Release, folder: str) -> str | None:
    """The commit that the tag names already. Raises HubError where that is another version."""
    commit = hub.tags().get(release.tag)
    if commit is None:
        return None
    held = hub.held(folder, commit)
    if held is None or held.version != release.made.version:
        raise HubError(
            f"the tag {release.tag!r} of {hub.name} names another version, and tags never move: "
            "give another one with --tag, or none, for the version itself"
        )
    return commit


def _check_open(head: Head, public: bool) -> None:
    """Nobody publishes by mistake. Raises NotPushed."""
    if not head.private and not public:
        raise NotPushed(
            f"{head.repo} is public: say so with --public, or push to a private repository"
        )
    if head.private and public:
        raise NotPushed(
            f"{head.repo} is private already: push without --public, or open it in its settings"
        )


def _pushed(
    hub: Repository,
    release: _Release,
    revision: str,
    *,
    committed: bool = False,
    tagged: bool = False,
    pull_request: str | None = None,
) -> Pushed:
    made = release.made
    return Pushed(
        project=made.project,
        name=made.name,
        version=made.version,
        repo=hub.name,
        config=made.objective,
        tag=release.tag,
        revision=revision,
        committed=committed,
        tagged=tagged,
        pull_request=pull_request,
        url=f"{hub.endpoint}/datasets/{hub.name}/tree/{revision}",
    )


@contextmanager
def _telling(hub: Repository) -> Iterator[None]:
    """What goes wrong is one sentence, and no bars but those of the command are drawn."""
    with refusal.told(hub.name, hub.endpoint, hub.token), _bars_off():
        yield


@contextmanager
def _bars_off() -> Iterator[None]:
    """The client draws bars of its own, across those of the command."""
    drawn = not are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if drawn:
            enable_progress_bars()
