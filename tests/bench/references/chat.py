"""What another program says of one answer, and llama-server asked for answers."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Protocol

from app.domain.fit import SEQUENCES
from app.domain.generation import Turn
from app.domain.sampling import Sampling
from tests.bench.references.build import gently, program

_START_SECONDS = 60.0
_ANSWER_SECONDS = 300.0


@dataclass(frozen=True)
class Said:
    """An answer, measured."""

    text: str
    first_seconds: float
    """From the question to the first text, as the one who asks sees it."""
    decode_rate: float
    """Tokens a second after the first one, as the one who answers tells."""


class Chat(Protocol):
    """A program that answers conversations."""

    name: str

    def ask(self, turns: Sequence[Turn], max_tokens: int, seed: int = 1) -> Said:
        """Answer, drawing as `Sampling()` does."""
        ...

    def close(self) -> None:
        """End the program."""
        ...


def as_question(turns: Sequence[Turn], max_tokens: int, seed: int) -> dict[str, Any]:
    """The body of a chat completion, drawn as `Sampling()` draws."""
    usual = Sampling()
    return {
        "messages": [{"role": turn.role.value, "content": turn.text} for turn in turns],
        "max_tokens": max_tokens,
        "stream": True,
        "temperature": usual.temperature,
        "top_k": usual.top_k,
        "top_p": usual.top_p,
        "min_p": usual.min_p,
        "seed": seed,
    }


class LlamaServer:
    """llama-server with a model."""

    name = "llama-server"

    def __init__(self, path: Path, threads: int, context: int) -> None:
        """Start it and wait until it answers; with as many slots as the engine has."""
        self._port = _free_port()
        command = [str(program("llama-server")), "-m", str(path), "-c", str(context)]
        command += ["-t", str(threads), "-tb", str(threads), "-np", str(SEQUENCES), "-kvu"]
        command += ["-fa", "on", "-ngl", "0", "-fit", "off", "--offline", "--no-ui"]
        command += ["--host", "127.0.0.1", "--port", str(self._port)]
        self._process = subprocess.Popen(
            gently(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._await()

    def ask(self, turns: Sequence[Turn], max_tokens: int, seed: int = 1) -> Said:
        """See `Chat`."""
        pieces: list[str] = []
        first: float | None = None
        rate = 0.0
        began = time.perf_counter()
        for chunk in self._stream(as_question(turns, max_tokens, seed)):
            text = text_of(chunk)
            if text and first is None:
                first = time.perf_counter() - began
            pieces.append(text)
            rate = chunk.get("timings", {}).get("predicted_per_second", rate)
        assert first is not None, "llama-server said nothing"
        return Said("".join(pieces), first, rate)

    def close(self) -> None:
        """See `Chat`."""
        self._process.terminate()
        self._process.wait()

    def _stream(self, question: dict[str, Any]) -> Iterator[dict[str, Any]]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_SECONDS)
        try:
            body = json.dumps(question)
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/v1/chat/completions", body, headers)
            response = connection.getresponse()
            if response.status != 200:
                raise RuntimeError(f"llama-server refused: {response.read(400)!r}")
            for line in response:
                if line.startswith(b"data: {"):
                    yield json.loads(line[6:])
        finally:
            connection.close()

    def _await(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_well():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise RuntimeError("llama-server did not start")
            time.sleep(0.05)

    def _is_well(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def text_of(chunk: dict[str, Any]) -> str:
    """The new text of a piece of a streamed chat completion."""
    choices = chunk.get("choices") or [{}]
    return choices[0].get("delta", {}).get("content") or ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
