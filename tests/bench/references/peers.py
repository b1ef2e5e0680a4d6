"""Packages that answer as Lamplight does, each installed in an environment of its own.

The environments lie beside pip's cache; nothing of them is pinned, so a row names the version it
was measured with. A peer that cannot be installed or started is told as such.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from app.domain.generation import Turn
from tests.bench.references.build import cache_folder, gently
from tests.bench.references.chat import Said, as_question
from tests.bench.rows import Row, missing
from tests.helpers.gguf_files import starter_copy, starter_file

NAMES = ("xllamacpp", "gpt4all")

_SECONDS = 300.0
"""For a start or an answer."""


def start_peers(
    stack: ExitStack, path: Path, threads: int, context: int
) -> tuple[list[Peer], list[Row]]:
    """Those that can be had, which end with the stack; a row for each of the others."""
    peers: list[Peer] = []
    absent: list[Row] = []
    for name in NAMES:
        try:
            peers.append(stack.enter_context(closing(Peer(name, path, threads, context))))
        except PeerMissing as why:
            absent.append(missing(f"the peer {name}", str(why)))
    return peers, absent


class PeerMissing(Exception):
    """It cannot be installed, started or asked; the reason."""


class Peer:
    """One of `NAMES` in a child process, with a model."""

    def __init__(self, package: str, path: Path, threads: int, context: int) -> None:
        """Install it if it is not yet, and start it; raises `PeerMissing`."""
        python = _python_with(package)
        script = Path(__file__).with_name(f"{package}_child.py")
        file = _known_to(package, path)
        command = [str(python), str(script), str(file), str(threads), str(context)]
        self._process = subprocess.Popen(
            gently(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.name = package
        self.name = f"{package} {self._hear()['version']}"

    def ask(self, turns: Sequence[Turn], max_tokens: int, seed: int = 1) -> Said:
        """See `Chat`; raises `PeerMissing`."""
        assert self._process.stdin is not None
        try:
            print(json.dumps(as_question(turns, max_tokens, seed)), file=self._process.stdin)
            self._process.stdin.flush()
        except OSError as error:
            raise PeerMissing("it has ended") from error
        return Said(**self._hear())

    def close(self) -> None:
        """See `Chat`."""
        self._process.kill()
        self._process.communicate()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        overdue = threading.Timer(_SECONDS, self._process.kill)
        overdue.start()
        line = self._process.stdout.readline()
        overdue.cancel()
        if not line:
            raise PeerMissing(f"it ended with status {self._process.wait()}")
        return json.loads(line)


def _known_to(package: str, path: Path) -> Path:
    """The file, or a copy that the package can read.

    The last gpt4all is older than the starter model's kind of tokeniser, and refuses the file; of
    another kind, it cuts some words otherwise, which is no matter here.
    """
    if package != "gpt4all" or path != starter_file():
        return path
    copy = _folder(package) / "starter.gguf"
    if not copy.exists():
        starter_copy(copy, {"tokenizer.ggml.pre": "gpt-2"})
    return copy


def _folder(package: str) -> Path:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return cache_folder() / f"peer-{package}-python{version}"


def _python_with(package: str) -> Path:
    """The Python of an environment that has the package."""
    folder = _folder(package)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (folder / "whole").exists():
        print(f"Installing {package} to measure against it.")
        shutil.rmtree(folder, ignore_errors=True)
        _must([sys.executable, "-m", "venv", str(folder)])
        try:
            _must([str(python), "-m", "pip", "install", "--quiet", package])
        except PeerMissing:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        (folder / "whole").touch()
    return python


def _must(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise PeerMissing(said[-1] if said else f"status {done.returncode}")
