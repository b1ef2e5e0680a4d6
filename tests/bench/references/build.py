"""llama.cpp's own programs, built from the source of the installed llama-cpp-python release.

Built once for each release and machine (some minutes), with CMake and a compiler from the PATH, and
kept beside pip's cache. The source distribution comes through pip, as the person has set it up.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PROGRAMS = ("llama-bench", "llama-batched-bench", "llama-server")

_PACKAGE = "llama-cpp-python"
_RECIPE = 2
"""Raised when the way of building changes."""

_OPTIONS = (
    "-DCMAKE_BUILD_TYPE=Release",
    # One file for each program; measured to be no slower or faster than with shared libraries.
    "-DBUILD_SHARED_LIBS=OFF",
    "-DGGML_NATIVE=ON",
    "-DLLAMA_CURL=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_SERVER=ON",
    # The server's page would be fetched from elsewhere.
    "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",
    "-DLLAMA_BUILD_APP=OFF",
)
_NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
"""GCC before 12.4 breaks ggml's AMX code (see app/engine/native/system.py), and the engine does
without AMX as well."""

NICENESS = 5
"""That of the engine host: all give way alike to whatever else the machine does."""


def program(name: str) -> Path:
    """One of `PROGRAMS`; all are built now if there are none for this machine yet."""
    version = importlib.metadata.version(_PACKAGE)
    key = f"llama.cpp-{version}-{_RECIPE}-{platform.system()}-{platform.machine()}-{_cpu()}"
    folder = cache_folder() / key
    if not folder.exists():
        _build(version, folder)
    return folder / _file_name(name)


def cache_folder() -> Path:
    """Where what is made for measurements is kept, out of the checkout."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=True
    )
    return Path(told.stdout.strip()) / "lamplight" / "bench"


def gently(command: list[str]) -> list[str]:
    """The same, as nice as the engine host."""
    return ["nice", "-n", str(NICENESS), *command] if os.name == "posix" else command


def _file_name(name: str) -> str:
    return f"{name}.exe" if os.name == "nt" else name


def _cpu() -> str:
    """The processor's kind: a native build for one may not run on another."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor().replace(" ", "-") or "cpu"
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return hashlib.sha256(flags.encode()).hexdigest()[:8]


def _build(version: str, folder: Path) -> None:
    if shutil.which("cmake") is None:
        raise RuntimeError("CMake is needed to build llama.cpp's programs: pip install cmake ninja")
    print(f"Building {', '.join(PROGRAMS)} of {_PACKAGE} {version}; this takes some minutes.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its final place, so that the last move is a rename on one volume.
    with tempfile.TemporaryDirectory(prefix="build-", dir=folder.parent) as work:
        source = _source(version, Path(work))
        build = Path(work) / "build"
        _quietly(
            ["cmake", "-S", str(source), "-B", str(build), *_OPTIONS, *_generator(), *_flags()]
        )
        cores = str(os.cpu_count() or 1)
        kind = ["--config", "Release", "-j", cores]
        _quietly(["cmake", "--build", str(build), "--target", *PROGRAMS, *kind])
        whole = Path(work) / "programs"
        whole.mkdir()
        for name in map(_file_name, PROGRAMS):
            made = next(path for path in build.rglob(name) if path.is_file())
            shutil.copy2(made, whole / name)
        whole.replace(folder)


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
