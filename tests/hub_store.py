"""What the stand-in of a Hugging Face Hub keeps: files by content, commits, branches, tags."""

import base64
import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import msgspec

Json = dict[str, Any]
LARGE = (".parquet", ".arrow", ".zst", ".gz", ".png")  # kept as git-lfs objects at any size


class Refusal(Exception):
    """An answer that the Hub would give: clients decide by its status and its code."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class File(msgspec.Struct, frozen=True):
    """A file of a commit: its git name, its size, its sha256 where it is large."""

    oid: str
    size: int
    lfs: str | None = None


class Commit(msgspec.Struct, frozen=True):
    """A commit with its whole tree."""

    oid: str
    parent: str | None
    title: str
    author: str
    tree: dict[str, File]


class Repo(msgspec.Struct):
    """A repository of a data set; a pull request is a branch named `refs/pr/<number>`."""

    name: str
    private: bool = True
    gated: bool = False
    commits: dict[str, Commit] = {}
    branches: dict[str, str] = {}
    tags: dict[str, str] = {}

    def resolve(self, revision: str) -> str:
        """The commit that a branch, a tag or a beginning of its name stands for."""
        for names in (self.branches, self.tags):
            if revision in names:
                return names[revision]
        found = [oid for oid in self.commits if oid.startswith(revision)]
        if len(found) != 1:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return found[0]

    def at(self, revision: str) -> Commit:
        return self.commits[self.resolve(revision)]


class Store:
    """Repositories and the content of their files below a folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.lock = root, threading.RLock()
        self.repos: dict[str, Repo] = {}
        (root / "files").mkdir(parents=True)

    def path(self, file: File) -> Path:
        return self.root / "files" / (file.lfs or file.oid)

    def put(self, content: bytes) -> File:
        """A small file, named as git names it."""
        file = File(hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(), len(content))
        self.path(file).write_bytes(content)
        return file

    def put_large(self, sha256: str, content: bytes) -> None:
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Refusal(400, "sha256 mismatch")
        (self.root / "files" / sha256).write_bytes(content)

    def large(self, sha256: str) -> File:
        """A large file that was put before."""
        path = self.root / "files" / sha256
        if not path.exists():
            raise Refusal(400, f"LFS object {sha256} was not uploaded")
        size = path.stat().st_size
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
        oid = hashlib.sha1(b"blob %d\0" % len(pointer) + pointer.encode()).hexdigest()
        return File(oid, size, sha256)

    def create(self, name: str, private: bool, author: str) -> Repo:
        with self.lock:
            if name in self.repos:
                raise Refusal(409, "You already created this dataset repo")
            repo = self.repos[name] = Repo(name, private)
            first = {".gitattributes": self.put(b"*.parquet filter=lfs\n")}
            self.commit(repo, "main", "initial commit", first, [], author)
        return repo

    def commit(
        self, repo: Repo, branch: str, title: str, added: dict[str, File], gone: list[str], by: str
    ) -> str:
        """The new head of a branch; the old one where nothing changed."""
        parent = repo.branches.get(branch)
        before = repo.commits[parent].tree if parent else {}
        tree = {path: file for path, file in before.items() if path not in gone} | added
        if parent and tree == before:
            return parent
        held = sorted((path, file.oid) for path, file in tree.items())
        seed = json.dumps([repo.name, len(repo.commits), parent, title, held])
        oid = hashlib.sha1(seed.encode()).hexdigest()
        repo.commits[oid] = Commit(oid, parent, title, by, tree)
        repo.branches[branch] = oid
        return oid

    def apply(self, name: str, branch: str, body: bytes, author: str, pull: bool) -> Json:
        """A commit as clients send it: a header, then a file a line."""
        header, added, gone = self._operations(body)
        repo = self.repos[name]
        with self.lock:
            head = repo.resolve(branch)
            if not head.startswith(header.get("parentCommit") or ""):
                raise Refusal(412, "A commit has happened since. Please refresh and try again.")
            if missing := [path for path in gone if path not in repo.commits[head].tree]:
                raise Refusal(400, f"deleted path not found: {missing}")
            number = sum(each.startswith("refs/pr/") for each in repo.branches) + 1
            if pull:
                branch = f"refs/pr/{number}"
                repo.branches[branch] = head
            oid = self.commit(repo, branch, header["summary"], added, gone, author)
        return {"commitOid": oid} | ({"pull": number} if pull else {})

    def _operations(self, body: bytes) -> tuple[Json, dict[str, File], list[str]]:
        header: Json = {}
        added: dict[str, File] = {}
        gone: list[str] = []
        for line in filter(bytes.strip, body.split(b"\n")):
            operation = json.loads(line)
            value = operation["value"]
            match operation["key"]:
                case "header":
                    header = value
                case "file":
                    added[value["path"]] = self.put(base64.b64decode(value["content"]))
                case "lfsFile":
                    added[value["path"]] = self.large(value["oid"])
                case "deletedFile":
                    gone.append(value["path"])
        return header, added, gone
