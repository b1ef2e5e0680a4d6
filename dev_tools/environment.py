"""Making .venv: whole or not at all, and in a fifth of a second when there is nothing to do."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from dev_tools import native, system
from dev_tools.console import Stop, output_of, say, step
from dev_tools.files import only_one, read_json, write_json
from dev_tools.lockfile import APP, DEV, LOCK_NAME, STARTER, read_lock
from dev_tools.pythons import Python, find_python
from dev_tools.venv import Venv

_VENV = ".venv"
# The file that makes a .venv ours. `state` is "building" until all of it is there.
_STAMP = "lamplight-setup.json"
_BUILDING = "building"
_READY = "ready"

# Raised when the way of making the environment changes, so that old ones are made anew.
_RECIPE = 1

_IMPORT_CHECK = "import llama_cpp, PySide6.QtCore; print(llama_cpp.__version__)"


class Wishes(NamedTuple):
    """What the person asked for; None means: as it was, or automatic."""

    backend: str | None = None
    python: str | None = None


NO_WISHES = Wishes()


class Environment(Venv):
    """The virtual environment of the checkout at `root`."""

    def __init__(self, root: Path) -> None:
        super().__init__(root / _VENV, log=root / _VENV / "setup.log")
        self.root = root
        self._stamp = self.folder / _STAMP

    def ensure(self, wishes: Wishes = NO_WISHES, for_tests: bool = False) -> None:
        """Make the environment if it is missing, unfinished, or made from another lock."""
        if self._is_current(wishes, for_tests):
            return
        with only_one(self.root / f"{_VENV}.lock", "setting up this checkout"):
            stamp = read_json(self._stamp)
            if not self._is_made(stamp, wishes):
                stamp = self._make(stamp, wishes)
            self._provide_system(stamp, for_tests)

    def _is_current(self, wishes: Wishes, for_tests: bool) -> bool:
        stamp = read_json(self._stamp)
        provided = stamp.get("system", [])
        return (
            self._is_made(stamp, wishes)
            and "window" in provided
            and (not for_tests or "tests" in provided)
        )

    def _is_made(self, stamp: dict[str, Any], wishes: Wishes) -> bool:
        return (
            stamp.get("state") == _READY
            and stamp.get("inputs") == self._inputs()
            and wishes.backend in (None, stamp.get("asked"))
            and wishes.python in (None, stamp.get("python"))
            and self.python.exists()
        )

    def _inputs(self) -> str:
        lock = (self.root / LOCK_NAME).read_bytes()
        return hashlib.sha256(lock + b"recipe %d" % _RECIPE).hexdigest()

    def _make(self, old: dict[str, Any], wishes: Wishes) -> dict[str, Any]:
        asked = wishes.backend or old.get("asked") or "auto"
        python = find_python(wishes.python)
        backend = native.choose_backend(asked, python.platform)
        say(
            f"Setting up {self.folder} with Python {'.'.join(map(str, python.version))} and the "
            f"backend {backend}"
        )
        stamp = {"state": _BUILDING, "asked": asked, "backend": backend}
        self._clear()
        # The mark comes first: a setup that is interrupted from here on is seen, and made anew.
        self.folder.mkdir()
        write_json(self._stamp, stamp)
        self._install(python, backend)
        stamp.update(state=_READY, inputs=self._inputs(), python=wishes.python)
        write_json(self._stamp, stamp)
        return stamp

    def _clear(self) -> None:
        if not self.folder.exists():
            return
        if not self._stamp.exists() and any(self.folder.iterdir()):
            raise Stop(
                f"{self.folder} was not made by dev.py, so dev.py leaves it alone. "
                "Move it away or delete it, and start again."
            )
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise Stop(
                f"{self.folder} cannot be replaced ({error}). "
                "Close Lamplight and every program that uses it, and start again."
            ) from error

    def _install(self, python: Python, backend: str) -> None:
        lock = read_lock(self.root)
        with step("Making the environment") as running:
            self.create(python.path, running)
        wheel = native.built_wheel(lock, backend, self.python, python.platform)
        with step("Installing what Lamplight needs") as running:
            self.install(
                lock.section(APP, leaving_out=[native.PACKAGE])
                + lock.section(STARTER)
                + lock.section(DEV),
                running,
            )
            self.install_wheel(wheel, running)

    def _provide_system(self, stamp: dict[str, Any], for_tests: bool) -> None:
        provided = set(stamp.get("system", []))
        pyside = next(self.folder.glob("**/site-packages/PySide6"))
        if "window" not in provided and system.provide_qt_libraries(pyside):
            if output_of([self.python, "-c", _IMPORT_CHECK], timeout=120) is None:
                raise Stop(
                    "llama-cpp-python or PySide6 is installed and cannot be loaded. To see why: "
                    f'{self.python} -c "{_IMPORT_CHECK}"'
                )
            provided.add("window")
        if for_tests and "tests" not in provided and system.provide_test_tools():
            provided.add("tests")
        write_json(self._stamp, dict(stamp, system=sorted(provided)))
