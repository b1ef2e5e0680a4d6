"""Finding a Python that Lamplight runs on."""

from __future__ import annotations

import glob
import os
import shutil
import sys
from pathlib import Path
from typing import Iterator, NamedTuple

from dev_tools.console import Stop, output_of

# In this order, after the interpreter that dev.py was started with.
SUPPORTED = ((3, 13), (3, 12), (3, 11))

# Where installers put interpreters without putting them on PATH.
_SPOTS_POSIX = (
    "~/.pyenv/versions/{v}.*/bin/python3",
    "~/.local/share/uv/python/cpython-{v}.*/bin/python3",
    "~/.local/share/mise/installs/python/{v}.*/bin/python3",
    "~/.asdf/installs/python/{v}.*/bin/python3",
    "/opt/homebrew/opt/python@{v}/bin/python{v}",
    "/usr/local/opt/python@{v}/bin/python{v}",
    "/Library/Frameworks/Python.framework/Versions/{v}/bin/python3",
)
_SPOTS_WINDOWS = (
    "~/AppData/Local/Programs/Python/Python{nodot}/python.exe",
    "~/AppData/Roaming/uv/python/cpython-{v}.*/python.exe",
    "~/.pyenv/pyenv-win/versions/{v}.*/python.exe",
    "C:/Program Files/Python{nodot}/python.exe",
)

# ensurepip is a package of its own on Debian, and without it no environment can be made. The base
# executable matters when dev.py is started from inside another environment.
_PROBE = (
    "import sys, sysconfig\n"
    "ensurepip = True\n"
    "try: import venv, ensurepip\n"
    "except ImportError: ensurepip = False\n"
    "print(sys.version_info[0], sys.version_info[1], bool(ensurepip), sys.implementation.name,\n"
    "      sysconfig.get_platform(), getattr(sys, '_base_executable', sys.executable), sep='|')"
)


class Python(NamedTuple):
    """An interpreter that can make Lamplight's environment."""

    path: Path
    version: tuple[int, int]
    platform: str


def find_python(asked: str | None = None) -> Python:
    """Return the interpreter asked for, or the first usable one.

    Raises Stop with what to install if there is none.
    """
    lacking_venv: tuple[int, int] | None = None
    for candidate in [asked] if asked else _candidates():
        found = _probe(candidate)
        if found is None:
            continue
        python, has_ensurepip = found
        if python.version in SUPPORTED and has_ensurepip:
            return python
        if python.version in SUPPORTED:
            lacking_venv = python.version
        elif asked:
            raise Stop(
                f"{asked} is Python {_dotted(python.version)}; Lamplight needs 3.11 to 3.13."
            )
    if asked and lacking_venv is None:
        raise Stop(f"{asked} is not a Python that can be started.")
    if lacking_venv is not None:
        raise Stop(
            f"Python {_dotted(lacking_venv)} is here, but its venv module is not complete. "
            f"On Debian and Ubuntu: sudo apt-get install python{_dotted(lacking_venv)}-venv"
        )
    raise Stop(
        f"Lamplight needs Python 3.11, 3.12 or 3.13, and none was found. {_how_to_install()}"
    )


def _candidates() -> Iterator[str]:
    yield sys.executable
    for version in SUPPORTED:
        found = shutil.which(f"python{_dotted(version)}")
        if found:
            yield found
    if sys.platform == "win32":
        for version in SUPPORTED:
            listed = output_of(
                ["py", f"-{_dotted(version)}", "-c", "import sys; print(sys.executable)"]
            )
            if listed:
                yield listed.strip()
    for version in SUPPORTED:
        for spot in _SPOTS_WINDOWS if sys.platform == "win32" else _SPOTS_POSIX:
            pattern = spot.format(v=_dotted(version), nodot=_dotted(version).replace(".", ""))
            yield from sorted(glob.glob(os.path.expanduser(pattern)), reverse=True)


def _probe(path: str) -> tuple[Python, bool] | None:
    said = output_of([path, "-I", "-c", _PROBE])
    if said is None:
        return None
    major, minor, ensurepip, implementation, platform, base = said.strip().split("|")
    if implementation != "cpython":
        return None
    return Python(Path(base), (int(major), int(minor)), platform), ensurepip == "True"


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _how_to_install() -> str:
    if sys.platform == "darwin":
        return "Install it with: brew install python@3.13"
    if sys.platform == "win32":
        return "Install it with: winget install Python.Python.3.13"
    if shutil.which("apt-get"):
        return "Install it with: sudo apt-get install python3 python3-venv"
    if shutil.which("dnf"):
        return "Install it with: sudo dnf install python3.13"
    return "Install it with your system's package manager, or with pyenv or uv."
