"""llama.cpp's own benchmark, built from the source of the installed llama-cpp-python release.

Built once for each release and machine (a few minutes), with CMake and a compiler from the PATH,
and kept beside pip's cache. The source distribution comes through pip, as the person has set it up.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

_PACKAGE = "llama-cpp-python"
_RECIPE = 1
"""Raised when the way of building changes."""

_OPTIONS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=OFF",
    "-DGGML_NATIVE=ON",
    "-DLLAMA_CURL=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_SERVER=OFF",
    "-DLLAMA_BUILD_APP=OFF",
)
_NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
"""GCC before 12.4 breaks ggml's AMX code (see app/engine/native/system.py), and the engine does
without AMX as well."""

NICENESS = 5
"""That of the engine host: both give way alike to whatever else the machine does."""


def rate(path: Path, threads: int, *, prompt: int = 0, answer: int = 0, depth: int = 0) -> float:
    """Tokens a second for reading `prompt` tokens, or for writing `answer` tokens.

    `depth` tokens are in the context before: attention costs more the further a text has come (on
    the starter model a token takes a fifth longer after 50 tokens than at the start).
    """
    arguments = ["-m", str(path), "-t", str(threads), "-p", str(prompt), "-n", str(answer)]
    arguments += ["-d", str(depth)]
    command = [str(program()), *arguments, "-r", "1", "-fa", "1", "-o", "json"]
    if os.name == "posix":
        command = ["nice", "-n", str(NICENESS), *command]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)[0]["avg_ts"])


def program() -> Path:
    """The program; built now if there is none for this machine yet."""
    version = importlib.metadata.version(_PACKAGE)
    key = f"llama-bench-{version}-{_RECIPE}-{platform.system()}-{platform.machine()}-{_cpu()}"
    file = _cache() / key / ("llama-bench.exe" if os.name == "nt" else "llama-bench")
    if not file.exists():
        _build(version, file)
    return file


def _cache() -> Path:
    told = subprocess.run(
        [sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=True
    )
    return Path(told.stdout.strip()) / "lamplight" / "bench"


def _cpu() -> str:
    """The processor's kind: a native build for one may not run on another."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor().replace(" ", "-") or "cpu"
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return hashlib.sha256(flags.encode()).hexdigest()[:8]


def _build(version: str, file: Path) -> None:
    if shutil.which("cmake") is None:
        raise RuntimeError("CMake is needed to build llama-bench; pip install cmake ninja")
    print(f"Building llama-bench of {_PACKAGE} {version}; this takes some minutes.")
    with tempfile.TemporaryDirectory() as folder:
        source = _source(version, Path(folder))
        build = Path(folder) / "build"
        _quietly(
            ["cmake", "-S", str(source), "-B", str(build), *_OPTIONS, *_generator(), *_flags()]
        )
        cores = str(os.cpu_count() or 1)
        target = ["--target", "llama-bench", "--config", "Release", "-j", cores]
        _quietly(["cmake", "--build", str(build), *target])
        made = next(path for path in build.rglob(file.name) if path.is_file())
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_suffix(".part")
        shutil.copy2(made, half)
        half.replace(file)


def _source(version: str, folder: Path) -> Path:
    # Only this package from source: pip reads its metadata with a build tool that may be a wheel.
    fetch = ["-m", "pip", "download", "--no-deps", "--no-binary", _PACKAGE]
    wanted = f"{_PACKAGE}=={version}"
    told = subprocess.run(
        [sys.executable, *fetch, "-d", str(folder), wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    archives = list(folder.glob("*.tar.gz"))
    if not archives:
        raise RuntimeError(f"pip could not fetch {wanted}:\n{told.stdout}{told.stderr}")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.glob("llama_cpp_python-*/vendor/llama.cpp"))


def _generator() -> list[str]:
    return ["-G", "Ninja"] if shutil.which("ninja") else []


def _flags() -> list[str]:
    if platform.machine() not in ("x86_64", "AMD64") or os.name == "nt":
        return []
    return [f"-DCMAKE_C_FLAGS={_NO_AMX}", f"-DCMAKE_CXX_FLAGS={_NO_AMX}"]


def _quietly(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError("\n".join((done.stdout + done.stderr).splitlines()[-30:]))
