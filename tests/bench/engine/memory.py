"""What the window and the engine host take of memory beside the model's own need.

A page that several processes share counts in parts (PSS) where the system tells that; elsewhere
only what a process has alone counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from app.engine.supervisor import HostEngine
from tests.bench.display import screen
from tests.bench.rows import Row, at_most, told
from tests.helpers.engine_rig import Rig

BAR_MB = 220

_ROOT = Path(__file__).parents[3]
_MB = 1_000_000


def rows() -> list[Row]:
    """Of the real application while it answers."""
    with screen() as environment, tempfile.TemporaryDirectory() as profile:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.memory_window", profile],
            env=environment,
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            need = _need(process)
            window = _taken(psutil.Process(process.pid))
            host = sum(map(_taken, psutil.Process(process.pid).children(recursive=True)))
        finally:
            process.terminate()
            process.communicate()
    bare = _bare_host()
    # The model may not have touched all that it asked for; what both take without it is the least.
    extra = max(window + host - need, window + bare)
    return [
        at_most("memory of window and host over the model's need", extra, BAR_MB, "MB"),
        told("  window", window, "MB"),
        told("  engine host", host, "MB"),
        told("  engine host before a model is loaded", bare, "MB"),
        told("  the model's need (weights, cache, buffers)", need, "MB"),
    ]


def _need(process: subprocess.Popen[str]) -> float:
    assert process.stdout is not None
    for line in process.stdout:
        match json.loads(line):
            case ["answering", int(size)]:
                return size / _MB
            case _:
                continue
    raise RuntimeError("the application ended before it answered")


def _bare_host() -> float:
    rig = Rig(HostEngine)
    try:
        rig.run(rig.engine.describe())
        assert isinstance(rig.engine, HostEngine)
        return _taken(psutil.Process(rig.engine.host_pid))
    finally:
        rig.close()


def _taken(process: psutil.Process) -> float:
    memory = process.memory_full_info()
    return getattr(memory, "pss", memory.uss) / _MB
