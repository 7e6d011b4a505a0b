"""A stand-in for the Hugging Face Hub on loopback, to which its real clients talk.

Served is what pushing and loading a data set asks for. Storage over xet is not: clients must have
`HF_HUB_DISABLE_XET`. A user named `ro:...` may only read.
"""

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from tests.hub_store import LARGE, Commit, File, Json, Refusal, Repo, Store

TOKENS: Mapping[str, str] = {"hf_writes": "ada", "hf_reads": "ro:bob"}
_HEADER = re.compile(r"---\r?\n(.*?)\r?\n---", re.S)
_WHEN = "2026-03-02T10:00:00.000Z"


class Hub:
    """The stand-in, and what a test asks of it."""

    def __init__(self, root: Path) -> None:
        self.store = Store(root)
        self.address = ""
        self.asked: list[str] = []  # method and path of every request
        self._before: list[tuple[str, Callable[[], object]]] = []

    def before(self, match: str, do: Callable[[], object]) -> None:
        """Once, just before the first request that matches is answered."""
        self._before.append((match, do))

    def fail(self, match: str, status: int, message: str = "injected failure") -> None:
        """The next request that matches fails."""

        def refuse() -> None:
            raise Refusal(status, message)

        self.before(match, refuse)

    def commits(self, name: str) -> list[Commit]:
        """The history of the main branch, oldest first, without the one of its making."""
        repo = self.store.repos[name]
        oid, found = repo.branches["main"], []
        while (commit := repo.commits[oid]).parent:
            found.append(commit)
            oid = commit.parent
        return found[::-1]

    def read(self, name: str, path: str, revision: str = "main") -> bytes:
        """A file as it stands there."""
        return self.store.path(self.store.repos[name].at(revision).tree[path]).read_bytes()

    def write(self, name: str, path: str, content: bytes, by: str = "eve") -> str:
        """Somebody else's commit."""
        added = {path: self.store.put(content)}
        return self.store.commit(self.store.repos[name], "main", f"Upload {path}", added, [], by)

    def reached(self, asked: str) -> None:
        self.asked.append(asked)
        for at, (match, do) in enumerate(self._before):
            if re.search(match, asked):
                del self._before[at]
                do()
                return


class Door:
    """The handlers: each takes the request and the groups of its route."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.store = hub, hub.store

    def user(self, request: Request) -> str | None:
        return TOKENS.get(request.headers.get("authorization", "").removeprefix("Bearer "))

    def writer(self, request: Request) -> str:
        user = self.user(request)
        if user is None:
            raise Refusal(401, "Invalid username or password.")
        if user.startswith("ro:"):
            raise Refusal(403, "You don't have the rights to create/modify this repo")
        return user

    def repo(self, request: Request, name: str, content: bool = False) -> Repo:
        repo, user = self.store.repos.get(name), self.user(request)
        if repo is None or (repo.private and user is None):
            raise Refusal(404 if user else 401, "Repository not found", "RepoNotFound")
        if content and repo.gated and user != "ada":
            raise Refusal(403, "Access to this dataset is restricted.", "GatedRepo")
        return repo

    async def create(self, request: Request) -> Response:
        user, body = self.writer(request), await request.json()
        name = f"{body.get('organization') or user}/{body['name']}"
        private = body.get("visibility") == "private" or bool(body.get("private"))
        answer = {"url": f"{self.hub.address}/datasets/{name}", "name": name}
        try:
            self.store.create(name, private, user)
        except Refusal as refusal:
            return JSONResponse({**answer, "error": refusal.message}, refusal.status)
        return JSONResponse(answer)

    async def info(self, request: Request, name: str, revision: str = "main") -> Json:
        repo = self.repo(request, name)
        commit = repo.at(revision)
        return {
            "_id": "1",
            "id": name,
            "sha": commit.oid,
            "lastModified": _WHEN,
            "private": repo.private,
            "gated": "manual" if repo.gated else False,
            "disabled": False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "siblings": [{"rfilename": path} for path in sorted(commit.tree)],
        }

    async def validate_yaml(self, request: Request) -> Response:
        found = _HEADER.match((await request.json())["content"])
        errors = card_errors(found.group(1)) if found else []
        answer = {"errors": [{"message": each} for each in errors], "warnings": []}
        return JSONResponse(answer, 400 if errors else 200)

    async def refs(self, request: Request, name: str) -> Json:
        repo = self.repo(request, name)
        tags = [
            {"name": t, "ref": f"refs/tags/{t}", "targetCommit": o} for t, o in repo.tags.items()
        ]
        return {"branches": [], "converts": [], "tags": tags}

    async def commits(self, request: Request, name: str, revision: str) -> list[Json]:
        repo = self.repo(request, name)
        oid: str | None = repo.resolve(revision)
        found = []
        while oid:
            commit = repo.commits[oid]
            by = [{"user": commit.author}]
            one = {"id": oid, "title": commit.title, "message": "", "date": _WHEN, "authors": by}
            found.append(one)
            oid = commit.parent
        return found

    async def tree(
        self, request: Request, name: str, revision: str, folder: str | None = None
    ) -> list[Json]:
        tree = self.repo(request, name, content=True).at(revision).tree
        stem = f"{folder.strip('/')}/" if folder else ""
        deep = request.query_params.get("recursive", "").lower() == "true"
        found = [
            item(path, file)
            for path, file in sorted(tree.items())
            if path.startswith(stem) and (deep or "/" not in path[len(stem) :])
        ]
        below = {path[len(stem) :].split("/")[0] for path in tree if path.startswith(stem)}
        folders = sorted(stem + each for each in below if stem + each not in tree)
        return [
            *({"type": "directory", "oid": "0" * 40, "size": 0, "path": f} for f in folders),
            *found,
        ]

    async def paths_info(self, request: Request, name: str, revision: str) -> list[Json]:
        tree = self.repo(request, name, content=True).at(revision).tree
        asked = await request.body()
        paths = (json.loads(asked) if asked[:1] == b"{" else parse_qs(asked.decode()))["paths"]
        folders = [path for path in paths if any(each.startswith(f"{path}/") for each in tree)]
        return [
            *(item(path, tree[path]) for path in paths if path in tree),
            *({"type": "directory", "oid": "0" * 40, "size": 0, "path": path} for path in folders),
        ]

    async def resolve(self, request: Request, name: str, revision: str, path: str) -> Response:
        commit = self.repo(request, name, content=True).at(revision)
        if path not in commit.tree:
            raise Refusal(404, "Entry not found", "EntryNotFound")
        file = commit.tree[path]
        headers = {"X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        if file.lfs:
            headers |= {"X-Linked-Etag": f'"{file.lfs}"', "X-Linked-Size": str(file.size)}
        answer = FileResponse(self.store.path(file), headers=headers)
        answer.headers["etag"] = f'"{file.lfs or file.oid}"'
        return answer

    async def preupload(self, request: Request, name: str, revision: str) -> Json:
        self.writer(request)
        tree = self.repo(request, name).at(revision).tree
        files = (await request.json())["files"]
        return {"files": [upload_mode(each, tree.get(each["path"])) for each in files]}

    async def commit(self, request: Request, name: str, revision: str) -> Json:
        user = self.writer(request)
        self.repo(request, name)
        pull = bool(request.query_params.get("create_pr"))
        made = self.store.apply(name, revision, await request.body(), user, pull)
        base = f"{self.hub.address}/datasets/{name}"
        answer = {"success": True, "hookOutput": "", "commitOid": made["commitOid"]}
        answer["commitUrl"] = f"{base}/commit/{made['commitOid']}"
        return answer | ({"pullRequestUrl": f"{base}/discussions/{made['pull']}"} if pull else {})

    async def add_tag(self, request: Request, name: str, revision: str) -> Response:
        self.writer(request)
        repo, tag = self.repo(request, name), (await request.json())["tag"]
        if tag in repo.tags:
            raise Refusal(409, "tag already exists")
        repo.tags[tag] = repo.resolve(revision)
        return JSONResponse({}, 201)

    async def discussions(self, request: Request, name: str) -> Json:
        repo = self.repo(request, name)
        pulls = [branch for branch in repo.branches if branch.startswith("refs/pr/")]
        found = [discussion(repo, int(branch.rpartition("/")[2])) for branch in pulls]
        return {"discussions": found, "count": len(found), "start": 0}

    async def large_batch(self, request: Request) -> Json:
        self.writer(request)
        objects = []
        for each in (await request.json())["objects"]:
            found = {"oid": each["oid"], "size": each["size"]}
            if not (self.store.root / "files" / each["oid"]).exists():
                actions = {"upload": {"href": f"{self.hub.address}/_lfs/{each['oid']}"}}
                found["actions"] = actions
            objects.append(found)
        return {"transfer": "basic", "objects": objects}

    async def large_put(self, request: Request, oid: str) -> Response:
        self.store.put_large(oid, await request.body())
        return Response()


def discussion(repo: Repo, number: int) -> Json:
    """A pull request as the Hub lists it."""
    commit = repo.at(f"refs/pr/{number}")
    merged = repo.branches["main"] == commit.oid
    return {
        "num": number,
        "title": commit.title,
        "status": "merged" if merged else "open",
        "author": {"name": commit.author},
        "isPullRequest": True,
        "createdAt": _WHEN,
        "repo": {"name": repo.name, "type": "dataset"},
        "repoOwner": {"name": repo.name.partition("/")[0], "isParticipating": False, "type": "org"},
    }


def item(path: str, file: File) -> Json:
    made: Json = {"type": "file", "oid": file.oid, "size": file.size, "path": path}
    large = {"oid": file.lfs, "size": file.size, "pointerSize": 134}
    return made | ({"lfs": large} if file.lfs else {})


def upload_mode(asked: Json, there: File | None) -> Json:
    large = asked["path"].endswith(LARGE) and asked["size"]
    mode = {"path": asked["path"], "uploadMode": "lfs" if large else "regular"}
    mode["shouldIgnore"] = False
    return mode | ({"oid": there.lfs or there.oid} if there else {})


def card_errors(text: str) -> list[str]:
    try:
        card = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return [f"YAML: {error}"]
    configs = card.get("configs") or []
    return [] if all("config_name" in one for one in configs) else ["config_name is required"]


Handler = Callable[..., Awaitable[Any]]
_REPO = r"api/datasets/([^/]+/[^/]+)"
ROUTES: list[tuple[str, str, Handler]] = [
    ("POST", r"api/validate-yaml", Door.validate_yaml),
    ("POST", r"api/repos/create", Door.create),
    ("GET", _REPO, Door.info),
    ("GET", _REPO + r"/revision/(.+)", Door.info),
    ("GET", _REPO + r"/refs", Door.refs),
    ("GET", _REPO + r"/commits/([^/]+)", Door.commits),
    ("GET", _REPO + r"/tree/([^/]+)(?:/(.*))?", Door.tree),
    ("POST", _REPO + r"/paths-info/(.+)", Door.paths_info),
    ("POST", _REPO + r"/preupload/(.+)", Door.preupload),
    ("POST", _REPO + r"/commit/(.+)", Door.commit),
    ("POST", _REPO + r"/tag/(.+)", Door.add_tag),
    ("GET", _REPO + r"/discussions", Door.discussions),
    ("POST", r".+\.git/info/lfs/objects/batch", Door.large_batch),
    ("PUT", r"_lfs/([0-9a-f]{64})", Door.large_put),
    ("GET", r"datasets/([^/]+/[^/]+)/(?:resolve|raw)/([^/]+)/(.+)", Door.resolve),
]


def find(method: str, path: str) -> tuple[Handler, list[str | None]]:
    """Matched before it is decoded: a revision may be `refs%2Fpr%2F1`."""
    for verb, pattern, handler in ROUTES:
        found = re.fullmatch(pattern, path)
        if found and verb == ("GET" if method == "HEAD" else method):
            return handler, [each and unquote(each) for each in found.groups()]
    raise Refusal(404, f"not served by the stand-in: {method} /{path}")


def app(hub: Hub) -> Starlette:
    door = Door(hub)

    async def everything(request: Request) -> Response:
        path = request.scope["raw_path"].decode().split("?")[0].lstrip("/")
        try:
            await asyncio.to_thread(hub.reached, f"{request.method} /{path}")
            handler, groups = find(request.method, path)
            made = await handler(door, request, *groups)
        except Refusal as refusal:
            headers = {"X-Error-Message": refusal.message}
            headers |= {"X-Error-Code": refusal.code} if refusal.code else {}
            return JSONResponse({"error": refusal.message}, refusal.status, headers=headers)
        return made if isinstance(made, Response) else JSONResponse(made)

    methods = ["GET", "HEAD", "POST", "PUT"]
    return Starlette(routes=[Route("/{path:path}", everything, methods=methods)])


@contextmanager
def serving(root: Path) -> Iterator[Hub]:
    """The stand-in on a free port, in a thread."""
    hub, ready = Hub(root), threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            ready.set()

    server = Server(uvicorn.Config(app(hub), port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(30), "the stand-in did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    hub.address = f"http://127.0.0.1:{port}"
    try:
        yield hub
    finally:
        server.should_exit = True
        thread.join()
