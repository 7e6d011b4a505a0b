"""A data set's repository on the Hub: the few things that are asked of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from huggingface_hub import (
    CommitInfo,
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    get_token,
)
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError
from huggingface_hub.hf_api import RepoFile

from headrace.exporters import manifest
from headrace.exporters.hub.head import CARD, Head, Held, manifests

KIND = "dataset"
_LARGE = 5_000_000  # bytes from which a file is sent before the commit, by itself

Operation = CommitOperationAdd | CommitOperationDelete


class Stale(Exception):
    """Somebody committed since the head was read."""


class Repository:
    """One repository, with the token of the usual environment unless `api` brings another."""

    def __init__(self, name: str, api: HfApi | None = None) -> None:
        self.name, self.api = name, api or HfApi(library_name="headrace")

    @property
    def endpoint(self) -> str:
        return self.api.endpoint

    @property
    def token(self) -> str | None:
        """Of the environment or of who is logged in here, unless `api` has its own."""
        return self.api.token if isinstance(self.api.token, str) else get_token()

    def ensure(self, *, private: bool) -> None:
        """Make it where it is not there."""
        self.api.create_repo(self.name, repo_type=KIND, private=private, exist_ok=True)

    def head(self) -> Head:
        """What the newest commit left."""
        info = self.api.dataset_info(self.name)
        paths = frozenset(file.rfilename for file in info.siblings or [])
        sha = info.sha or ""
        found = {
            folder: Held.read(self.read(file, sha))
            for folder, file in manifests().items()
            if file in paths
        }
        return Head(
            repo=self.name,
            sha=sha,
            private=bool(info.private),
            paths=paths,
            sets={folder: held for folder, held in found.items() if held is not None},
            card=self.read(CARD, sha).decode("utf-8", "replace") if CARD in paths else "",
        )

    def read(self, file: str, revision: str) -> bytes:
        """The content of a file, which leaves nothing in the cache of this machine."""
        with TemporaryDirectory() as place:
            got = self.api.hf_hub_download(
                self.name, file, repo_type=KIND, revision=revision, local_dir=place
            )
            return Path(got).read_bytes()

    def held(self, folder: str, revision: str) -> Held | None:
        """The data set that a folder held at a commit, if one."""
        try:
            return Held.read(self.read(folder + manifest.NAME, revision))
        except EntryNotFoundError:
            return None

    def files(self, revision: str) -> dict[str, str]:
        """Path -> its sha256 where it is a large file, else its name in git."""
        tree = self.api.list_repo_tree(self.name, repo_type=KIND, revision=revision, recursive=True)
        return {
            item.path: item.lfs.sha256 if item.lfs else item.blob_id
            for item in tree
            if isinstance(item, RepoFile)
        }

    def tags(self) -> dict[str, str]:
        """Tag -> the commit that it names."""
        refs = self.api.list_repo_refs(self.name, repo_type=KIND)
        return {tag.name: tag.target_commit for tag in refs.tags}

    def tag(self, name: str, revision: str) -> None:
        """Name a commit. Nothing happens where the tag was there a moment before."""
        self.api.create_tag(self.name, tag=name, revision=revision, repo_type=KIND, exist_ok=True)

    def commit(
        self,
        operations: Sequence[Operation],
        *,
        parent: str,
        title: str,
        pull: bool,
        told: Callable[[int, int], None],
    ) -> CommitInfo:
        """All operations at once. Raises Stale where `parent` is not the head any more."""
        self._send_large(operations, told)
        try:
            return self.api.create_commit(
                self.name,
                operations,
                commit_message=title,
                repo_type=KIND,
                parent_commit=parent,
                create_pr=pull,
            )
        except HfHubHTTPError as error:
            if error.response.status_code in (409, 412):
                raise Stale from error
            raise

    def _send_large(
        self, operations: Sequence[Operation], told: Callable[[int, int], None]
    ) -> None:
        """Large files one after another, so that it can be told how far it is."""
        adds = [each for each in operations if isinstance(each, CommitOperationAdd)]
        done, whole = 0, sum(each.upload_info.size for each in adds)
        for each in adds:
            if each.upload_info.size >= _LARGE:
                self.api.preupload_lfs_files(self.name, [each], repo_type=KIND, free_memory=False)
            done += each.upload_info.size
            told(done, whole)

    def pull_request(self, title: str) -> str | None:
        """The address of the open pull request of this title."""
        for each in self.api.get_repo_discussions(
            self.name,
            repo_type=KIND,
            discussion_type="pull_request",
            discussion_status="open",
        ):
            if each.title == title:
                return each.url
        return None

    def last(self) -> str:
        """Who committed last, and what."""
        newest = self.api.list_repo_commits(self.name, repo_type=KIND)[0]
        return f"{', '.join(newest.authors) or 'somebody'} ({newest.title!r})"
