"""A running Ollama, asked through its own interface to fetch a model and where it keeps it.

`POST /api/pull` answers with a line of JSON for each step, and an error is a line too, after a
status of 200; `POST /api/show` tells the files (docs/api.md of ollama). Ollama keeps what has come
when the connection is closed. Nothing is fetched from its registry by ourselves: what it serves
changes with Ollama, and much of it only Ollama can run.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from app.domain.errors import OllamaError, OllamaOnly, UsageError
from app.domain.network import Purpose
from app.domain.network_ports import NetworkGate
from app.domain.ollama import OllamaPart, OllamaProgress
from app.flow.loop_thread import LoopThread
from app.flow.stream import BatchStream
from app.hub.endpoint import is_loopback
from app.hub.name_lookup import look_up_apart
from app.hub.ollama_refusals import broken, cut_short, not_running, of_words
from app.hub.transfers.pace import Speedometer

if TYPE_CHECKING:
    import httpx2

_PORT = 11434
_REGISTRY = "ollama.com, through Ollama"
"""Where it fetches from, as the gate is told."""
_CONNECT = 5.0
_SHOW = 30.0
"""Seconds. A pull may be silent for longer: Ollama checks a large file without a word."""
_LONGEST_LINE = 1 << 20
_LONGEST_SHOWN = 64 << 20
"""What `show` tells holds the model's vocabulary."""
_FROM = re.compile(r"^FROM\s+(?P<path>.+?)\s*$", re.MULTILINE)
_MOST_PARTS = 1000


class Ollama:
    """The adapter for `OllamaServer`. Belongs to one event loop; speaks in a thread of its own."""

    def __init__(self, host: str, gate: NetworkGate) -> None:
        """`host` is as OLLAMA_HOST is written; a bad one raises `UsageError` with each call."""
        self._host = host
        self._gate = gate
        self._thread = LoopThread("ollama", look_up_apart)

    async def pull(self, name: str) -> AsyncGenerator[OllamaProgress]:
        """Each step until all is there; raises `OllamaError` cases and `NetworkOff`."""
        self._gate.ask(Purpose.DOWNLOAD, _REGISTRY)
        stream: BatchStream[OllamaProgress | None] = BatchStream(asyncio.get_running_loop())

        async def pulled() -> None:
            try:
                async for progress in self._pulled(name):
                    stream.put(progress)
            finally:
                stream.finish(None)

        pulling = asyncio.ensure_future(self._thread.call(pulled))
        try:
            async for batch in stream:
                steps = [step for step in batch if step is not None]
                if steps:
                    yield steps[-1]
            await pulling
        finally:
            # Closing the connection is how Ollama is told to stop.
            pulling.cancel()

    async def files(self, name: str) -> tuple[str, ...]:
        """Where the weights are on this computer, then the projector's; raises `OllamaError`."""
        return await self._thread.call(lambda: self._files(name))

    async def close(self) -> None:
        """Close the connections and end the thread."""
        await self._thread.close()

    # ------------------------------------------------------------------------- in the thread

    async def _pulled(self, name: str) -> AsyncGenerator[OllamaProgress]:
        parts: dict[str, OllamaPart] = {}
        speed = Speedometer()
        async with self._asked("/api/pull", name, silent_for=None) as response:
            async for line in _lines(response):
                step = _object(line)
                if "error" in step:
                    raise of_words(str(step["error"]), name)
                doing = str(step.get("status", ""))
                if doing == "success":
                    return
                part = _part(step)
                if part is not None and (part.digest in parts or len(parts) < _MOST_PARTS):
                    # What Ollama had before, it tells with the first line about a part.
                    before = parts.get(part.digest, part).done_bytes
                    speed.add(max(0, part.done_bytes - before))
                    parts[part.digest] = part
                yield OllamaProgress(doing, tuple(parts.values()), speed.speed())
        raise cut_short(name, "the answer ended without its last line")

    async def _files(self, name: str) -> tuple[str, ...]:
        async with self._asked("/api/show", name, silent_for=_SHOW) as response:
            told = _object(await _body(response, _LONGEST_SHOWN))
        if told.get("remote_host"):
            raise OllamaOnly(
                f"“{name}” runs on other people's computers, not on this one.",
                f"at {told['remote_host']}",
                "Choose a model whose name does not end in “cloud”.",
            )
        modelfile = str(told.get("modelfile", ""))
        return tuple(found["path"].strip('"') for found in _FROM.finditer(modelfile))

    @asynccontextmanager
    async def _asked(
        self, path: str, name: str, *, silent_for: float | None
    ) -> AsyncGenerator[httpx2.Response]:
        """An answer about a model, whose body is still to be read. `silent_for` is how many seconds
        it may take for a part of it; None: as many as it wants."""
        import httpx2

        address = ollama_address(self._host)
        host = urlsplit(address).hostname or ""
        if not is_loopback(host):
            self._gate.ask(Purpose.BROWSE, host)
        try:
            async with (
                _client(host, silent_for) as client,
                client.stream("POST", address + path, json={"model": name}) as response,
            ):
                if response.status_code >= 300:
                    raise await _refusal(response, name)
                yield response
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise not_running(address, str(error)) from error
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise cut_short(name, str(error) or type(error).__name__) from error
        except _NotOllama as error:
            raise broken(address, str(error)) from error


class _NotOllama(Exception):
    """What came is none of Ollama's answers."""


def _client(host: str, silent_for: float | None) -> httpx2.AsyncClient:
    import httpx2

    from app.hub.refusals import proxy_unusable

    try:
        return httpx2.AsyncClient(
            timeout=httpx2.Timeout(silent_for, connect=_CONNECT),
            # A proxy has no business between this computer and itself.
            trust_env=not is_loopback(host),
        )
    except (ValueError, httpx2.InvalidURL) as error:
        raise proxy_unusable(error) from error


def ollama_address(host: str) -> str:
    """The address that OLLAMA_HOST means (envconfig/config.go of ollama); raises `UsageError`."""
    text = host.strip().strip("\"'")
    scheme, marked, rest = text.partition("://")
    if not marked:
        scheme, rest = "http", text
    scheme = scheme.lower()
    default = {"http": 80, "https": 443}.get(scheme, 0) if marked else _PORT
    try:
        parts = urlsplit(f"//{_bracketed(rest)}")
        port = parts.port or default
    except ValueError:
        port, parts = 0, urlsplit("")
    if scheme not in ("http", "https") or not port:
        raise UsageError(
            f"“{host}” is not the address of an Ollama.",
            "OLLAMA_HOST",
            f"Write it like 127.0.0.1:{_PORT}, or leave OLLAMA_HOST empty.",
        )
    name = parts.hostname or "127.0.0.1"
    # Where Ollama listens everywhere, it is asked here.
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)
    shown = f"[{name}]" if ":" in name else name
    return f"{scheme}://{shown}:{port}{parts.path.rstrip('/')}"


def _bracketed(rest: str) -> str:
    """IPv6 addresses are written without brackets too."""
    try:
        return f"[{rest}]" if ipaddress.ip_address(rest).version == 6 else rest
    except ValueError:
        return rest


async def _lines(response: httpx2.Response) -> AsyncGenerator[bytes]:
    """Lines that are not empty, of a bounded length."""
    left = bytearray()
    async for block in response.aiter_bytes():
        *whole, rest = (bytes(left) + block).split(b"\n")
        left = bytearray(rest[: _LONGEST_LINE + 1])
        for line in whole:
            if line.strip():
                yield line
        if len(left) > _LONGEST_LINE:
            raise _NotOllama("a line without an end")
    if left.strip():
        yield bytes(left)


async def _body(response: httpx2.Response, limit: int) -> bytes:
    body = bytearray()
    async for block in response.aiter_bytes():
        body += block
        if len(body) > limit:
            raise _NotOllama(f"more than {limit:,} bytes")
    return bytes(body)


def _object(line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _NotOllama(f"not JSON: {error}") from error
    if not isinstance(told, dict):
        raise _NotOllama("not a JSON object")
    return cast("dict[str, Any]", told)


def _part(step: dict[str, Any]) -> OllamaPart | None:
    """The part that a line is about, if it is about one."""
    digest, total, done = step.get("digest"), step.get("total"), step.get("completed", 0)
    if not (isinstance(digest, str) and isinstance(total, int) and isinstance(done, int)):
        return None
    return OllamaPart(digest, min(max(done, 0), total), total) if total > 0 else None


async def _refusal(response: httpx2.Response, name: str) -> OllamaError:
    """For an answer that is no success."""
    words = _object(await _body(response, _LONGEST_LINE)).get("error")
    if not isinstance(words, str):
        raise _NotOllama(f"status {response.status_code}")
    return of_words(words, name)
