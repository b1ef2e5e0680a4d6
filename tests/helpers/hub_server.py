"""A hub on loopback that speaks the documented protocol, with a storage at another address.

Lists with `Link` paging, details with blobs, cards, `resolve` with a redirect to signed addresses
of the storage, ranges, ETags, gated repositories, tokens, rate limits; and every fault that a test
asks for. Shapes after huggingface.js (packages/hub/src/types/api) and huggingface_hub's tests.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from app.domain.hub import RepoFile
from app.domain.transfer import TransferRequest

TOKEN = "hf_a_token_for_tests"
ACCOUNT = "ada"
"""The name that the token belongs to."""
COMMIT = "c0ffee" + "0" * 34
_BLOCK = 1 << 16


@dataclass
class FakeRepo:
    """What the hub knows of a repository."""

    repo_id: str
    files: dict[str, bytes] = field(default_factory=dict)
    card: str | None = None
    gated: bool | str = False
    private: bool = False
    commit: str = COMMIT
    said: dict[str, Any] = field(default_factory=dict)
    """Fields of the hub's answer, in the place of those made here."""


@dataclass
class Fault:
    """What happens to one request instead of an answer, or in the midst of it."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    after: int = 0
    """Bytes of the true body before the end."""
    end: str = ""
    """`close`, `reset`, `stall` (until the server is closed) or `trickle` (a byte now and then)."""
    raw: bytes = b""
    """Written in the place of everything."""


@dataclass(frozen=True)
class Seen:
    """A request that came."""

    origin: str
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]

    @property
    def span(self) -> tuple[int, int] | None:
        """The range asked for: first byte and last."""
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        return (int(match[1]), int(match[2])) if match else None


class HubServer:
    """Two servers: the hub and its storage. Use as a context."""

    def __init__(self, context: ssl.SSLContext | None = None, ports: tuple[int, int] = (0, 0)):
        """With `context` both are encrypted; `ports` are those of an earlier one."""
        self._scheme = "https" if context else "http"
        self.repos: dict[str, FakeRepo] = {}
        self.seen: list[Seen] = []
        self.hub_faults: deque[Fault] = deque()
        self.storage_faults: deque[Fault] = deque()
        self.storage_fault_always: Fault | None = None
        self.ignore_ranges = False
        self.no_storage = False
        self.no_accounts = False
        """The hub gives files itself, without a redirect."""
        self.no_head = False
        self.announced: dict[str, str] = {}
        """Other headers of `resolve`; an empty one is left out."""
        self.stored: dict[str, bytes] = {}
        """Content, by path, that the storage gives in the place of the true one."""
        self.bytes_per_second = 0
        """Of each connection to the storage."""
        self.signature = 1
        self.sent = 0
        """Bytes of files that were handed to the system."""
        self.closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._servers = [
            _server(self, origin, port, context)
            for origin, port in zip(("hub", "storage"), ports, strict=True)
        ]
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.02,), name="hub-server")
            for server in self._servers
        ]

    def __enter__(self) -> HubServer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """All connections end, and nobody listens any more; once more does nothing."""
        if self.closing.is_set():
            return
        self.closing.set()
        for server in self._servers:
            server.shutdown()
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for server in self._servers:
            server.server_close()
        for thread in self._threads:
            thread.join()

    @property
    def ports(self) -> tuple[int, int]:
        """Of the hub and its storage."""
        hub, storage = (server.server_address[1] for server in self._servers)
        return hub, storage

    @property
    def address(self) -> str:
        """Of the hub."""
        return f"{self._scheme}://127.0.0.1:{self.ports[0]}"

    @property
    def storage_address(self) -> str:
        """Of the storage: another origin."""
        return f"{self._scheme}://127.0.0.1:{self.ports[1]}"

    def add(self, repo: FakeRepo) -> FakeRepo:
        """Offer a repository."""
        self.repos[repo.repo_id] = repo
        return repo

    def expire_links(self) -> None:
        """Addresses of the storage given out so far are refused from now on."""
        self.signature += 1

    def storage_requests(self) -> list[Seen]:
        """What the storage was asked for."""
        return [request for request in self.seen if request.origin == "storage"]

    def connected(self, connection: socket.socket, *, now: bool) -> None:
        """A handler tells that its connection lives (or has ended)."""
        (self._connections.add if now else self._connections.discard)(connection)


def request_for(repo: FakeRepo, *paths: str, title: str = "A model") -> TransferRequest:
    """What a download of these files (of all, without `paths`) asks for."""
    files = tuple(
        RepoFile(path, len(content), hashlib.sha256(content).hexdigest())
        for path, content in repo.files.items()
        if not paths or path in paths
    )
    return TransferRequest(repo.repo_id, repo.commit, title, files)


def _server(
    hub: HubServer, origin: str, port: int, context: ssl.SSLContext | None
) -> ThreadingHTTPServer:
    class Handler(_Handler):
        pass

    Handler.hub, Handler.origin = hub, origin
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    if context is not None:
        # A client takes part in the greeting, so that it belongs into the client's own thread.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    server.daemon_threads = False
    # A client that hangs up in the middle is what is tested here, and no news.
    server.handle_error = lambda request, client_address: None
    return server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer
    origin: str

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.hub.connected(self.connection, now=True)

    def finish(self) -> None:
        self.hub.connected(self.connection, now=False)
        with suppress(OSError):
            super().finish()

    def do_HEAD(self) -> None:
        if self.hub.no_head:
            self._plain(405, b"")
        else:
            self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = parse_qs(parts.query)
        path = unquote(parts.path)
        self.hub.seen.append(Seen(self.origin, self.command, path, query, headers))
        if self.origin == "storage":
            self._storage(path, query)
        else:
            self._hub(path, query)

    # ------------------------------------------------------------------------------ the hub

    def _hub(self, path: str, query: dict[str, list[str]]) -> None:
        if self.hub.hub_faults:
            self._fail(self.hub.hub_faults.popleft(), b"")
        elif path == "/api/models":
            self._list(query)
        elif path == "/api/whoami-v2" and not self.hub.no_accounts:
            known = self.headers.get("authorization") == f"Bearer {TOKEN}"
            if known:
                self._json({"type": "user", "name": ACCOUNT})
            else:
                self._plain(401, b"Invalid user token.")
        elif path.startswith("/api/models/"):
            repo = self._permitted(path.removeprefix("/api/models/"), reading=False)
            if repo is not None:
                self._json(_details(repo))
        elif "/resolve/" in path:
            repo_id, _, rest = path[1:].partition("/resolve/")
            commit, _, name = rest.partition("/")
            self._resolve(repo_id, commit, name)
        else:
            self._plain(404, b"Not found")

    def _list(self, query: dict[str, list[str]]) -> None:
        wanted = query.get("search", [""])[0].lower()
        rows = [
            _details(repo)
            for repo in self.hub.repos.values()
            if wanted in repo.repo_id.lower() and not repo.private
        ]
        sort = query.get("sort", ["trendingScore"])[0]
        rows.sort(key=lambda row: row.get(sort) or 0, reverse=True)
        start, count = int(query.get("cursor", ["0"])[0]), int(query.get("limit", ["50"])[0])
        headers: dict[str, str] = {}
        if start + count < len(rows):
            where = f"{self.hub.address}/api/models?cursor={start + count}&limit={count}"
            where += f"&sort={sort}&search={quote(wanted)}"
            headers["Link"] = f'<{where}>; rel="next"'
        for row in rows:
            row.pop("siblings", None)
        self._json(rows[start : start + count], headers)

    def _permitted(self, repo_id: str, *, reading: bool) -> FakeRepo | None:
        """The repository, or None after a refusal was sent."""
        repo = self.hub.repos.get(repo_id)
        given = self.headers.get("authorization")
        known = given == f"Bearer {TOKEN}"
        if given is not None and not known:
            self._plain(401, b"Invalid credentials in Authorization header")
        elif repo is None or (repo.private and not known):
            self._plain(*((404, b"") if known else (401, b"Invalid username or password.")))
        elif repo.gated and reading and not known:
            self._plain(401, b"Access is restricted", {"X-Error-Code": "GatedRepo"})
        elif repo.gated == "manual" and reading:
            self._plain(403, b"Awaiting review", {"X-Error-Code": "GatedRepo"})
        else:
            return repo
        return None

    def _resolve(self, repo_id: str, commit: str, name: str) -> None:
        repo = self._permitted(repo_id, reading=True)
        if repo is None:
            return
        if commit != repo.commit:
            self._plain(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif name == "README.md" and repo.card is not None:
            self._plain(200, repo.card.encode(), {"ETag": '"a git object"'})
        elif name not in repo.files:
            self._plain(404, b"Entry not found", {"X-Error-Code": "EntryNotFound"})
        else:
            self._found(repo, name)

    def _found(self, repo: FakeRepo, name: str) -> None:
        content = repo.files[name]
        headers = {
            "X-Repo-Commit": repo.commit,
            "X-Linked-Size": str(len(content)),
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
            **self.hub.announced,
        }
        headers = {key: value for key, value in headers.items() if value}
        if self.hub.no_storage:
            self._file(name, content, headers)
            return
        signed = f"{self.hub.storage_address}/{quote(repo.repo_id)}/{quote(name)}"
        headers["Location"] = f"{signed}?Signature={self.hub.signature}"
        self._plain(302, b"Found", headers)

    # --------------------------------------------------------------------------- the storage

    def _storage(self, path: str, query: dict[str, list[str]]) -> None:
        repo_id, name = "/".join(path.split("/")[1:3]), "/".join(path.split("/")[3:])
        if query.get("Signature") != [str(self.hub.signature)]:
            self._plain(403, b"Expired")
            return
        content = self.hub.stored.get(name, self.hub.repos[repo_id].files[name])
        self._file(name, content, {"ETag": '"of the storage"'})

    def _file(self, name: str, content: bytes, headers: dict[str, str]) -> None:
        match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range") or "")
        span = (int(match[1]), int(match[2])) if match and not self.hub.ignore_ranges else None
        status, body = 200, content
        if span is not None:
            if span[0] >= len(content):
                self._plain(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            body = content[span[0] : span[1] + 1]
            last = span[0] + len(body) - 1
            headers = {**headers, "Content-Range": f"bytes {span[0]}-{last}/{len(content)}"}
            status = 206
        fault = self.hub.storage_fault_always
        if self.hub.storage_faults and self.command == "GET":
            fault = self.hub.storage_faults.popleft()
        if fault is not None and (fault.status or fault.raw):
            self._fail(fault, body)
            return
        self._head(status, len(body), {"Accept-Ranges": "bytes", **headers})
        if self.command == "GET":
            if fault is None:
                self._send(body)
            else:
                self._fail(fault, body)

    def _send(self, body: bytes) -> None:
        rate, began = self.hub.bytes_per_second, time.monotonic()
        view = memoryview(body)
        block = min(_BLOCK, max(1, rate // 20)) if rate else _BLOCK
        for at in range(0, len(view), block):
            self.wfile.write(view[at : at + block])
            self.hub.sent += len(view[at : at + block])
            if rate and self.hub.closing.wait(
                max(0, (at + block) / rate - time.monotonic() + began)
            ):
                return

    # ------------------------------------------------------------------------------- answers

    def _fail(self, fault: Fault, body: bytes) -> None:
        if fault.raw:
            self.wfile.write(fault.raw)
            self.close_connection = True
            return
        if fault.status:
            self._plain(fault.status, fault.body, fault.headers)
            return
        self._send(body[: fault.after])
        self.close_connection = True
        if fault.end == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        elif fault.end == "stall":
            self.hub.closing.wait()
        elif fault.end == "trickle":
            for at in range(fault.after, len(body)):
                self._send(body[at : at + 1])
                if self.hub.closing.wait(0.02):
                    return

    def _json(self, answer: object, headers: dict[str, str] | None = None) -> None:
        headers = {"Content-Type": "application/json", **(headers or {})}
        self._plain(200, json.dumps(answer).encode(), headers)

    def _plain(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self._head(status, len(body), headers or {})
        if self.command == "GET":
            self.wfile.write(body)

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(length))
        self.end_headers()


def _details(repo: FakeRepo) -> dict[str, Any]:
    return {
        "_id": "0123",
        "id": repo.repo_id,
        "author": repo.repo_id.partition("/")[0],
        "sha": repo.commit,
        "private": repo.private,
        "gated": repo.gated,
        "disabled": False,
        "downloads": 1000,
        "likes": 10,
        "trendingScore": 1,
        "lastModified": "2026-03-12T10:30:05.000Z",
        "createdAt": "2026-03-01T08:00:00.000Z",
        "pipeline_tag": "text-generation",
        "tags": ["gguf", "license:apache-2.0", "en"],
        "siblings": [_sibling(path, content) for path, content in repo.files.items()],
        **repo.said,
    }


def _sibling(path: str, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    lfs = {"sha256": digest, "size": len(content), "pointerSize": 134}
    return {"rfilename": path, "size": len(content), "blobId": digest[:40], "lfs": lfs}
