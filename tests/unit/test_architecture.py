"""The house rules that tools can hold: import contracts, size caps, forbidden names, handlers.

Every rule is shown to be able to fail, on planted code.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers import architecture as rules
from tests.helpers.architecture import Complaint, Module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROOT = Path(__file__).resolve().parents[2]

# Place → why it may be longer than its cap.
LONG_WITH_REASON: dict[str, str] = {}

# Place → why it is a last resort: nothing above it could answer, and it tells what it caught.
LAST_RESORTS: dict[str, str] = {
    "app/engine/worker.py::Worker._load": "the thread goes on, and the load ends as failed",
    "app/engine/worker.py::Worker._begin_answer": "likewise for an answer",
    "app/engine/worker.py::Worker._go_on": "likewise for all answers that run together",
    "app/engine/counting.py::CountingThread._count": "likewise for a count",
    "app/engine/worker.py::Worker._begin_bench": "likewise for a measurement of speed",
    "app/engine/worker.py::Worker._measure_on": "likewise while it goes on",
    "app/engine/worker.py::_dry_run": "likewise for a measurement, whose asker hears of it",
    "app/engine/worker.py::_outcome": "likewise for whatever a host was started for",
    "app/hub/transfers/job.py::Job._run": "a download ends in a state that a person sees",
    "app/gui/app.py::WindowLife._bring_up": "the window stands already, and says what went wrong",
    "app/gui/app.py::WindowLife.live": "the window must close, whatever fails while it does",
}


def application() -> list[Module]:
    """The modules of the application."""
    return rules.modules_of(ROOT, "app")


def broken(
    rule: Callable[[Module], Iterator[Complaint]],
    modules: Iterable[Module],
    exceptions: Iterable[str] = (),
) -> list[str]:
    """What a rule complains about, without the listed exceptions."""
    listed = set(exceptions)
    return [
        str(complaint)
        for module in modules
        for complaint in rule(module)
        if complaint.place not in listed
    ]


# ------------------------------------------------------------------------------ the application


def test_modules_and_functions_keep_their_size() -> None:
    modules = [*application(), *rules.modules_of(ROOT, "dev.py", "dev_tools", "tests")]
    assert broken(rules.too_long, modules, LONG_WITH_REASON) == []


@pytest.mark.filterwarnings("always::UserWarning")
def test_what_is_getting_long_is_said() -> None:
    for complaint in broken(rules.getting_long, application(), LONG_WITH_REASON):
        warnings.warn(complaint, stacklevel=1)


def test_only_the_named_last_resorts_catch_everything() -> None:
    assert broken(rules.broad_handlers, application(), LAST_RESORTS) == []


@pytest.mark.parametrize(
    "rule", [rules.forbidden_names, rules.prints, rules.sleeps, rules.vague_name]
)
def test_rule_holds(rule: Callable[[Module], Iterator[Complaint]]) -> None:
    assert broken(rule, application()) == []


def test_every_listed_exception_is_still_needed() -> None:
    modules = [*application(), *rules.modules_of(ROOT, "dev.py", "dev_tools", "tests")]
    long = {complaint.place for module in modules for complaint in rules.too_long(module)}
    broad = {
        complaint.place for module in application() for complaint in rules.broad_handlers(module)
    }
    assert set(LONG_WITH_REASON) - long == set()
    assert set(LAST_RESORTS) - broad == set()


# ------------------------------------------------------------------- each rule is able to fail

_LONG_FUNCTION = "def f():\n" + "    x = 1\n" * rules.FUNCTION_LINES
_MAIN_WINDOW = "class Window(QtWidgets.QMainWindow):\n" + "    x = 1\n" * rules.MAIN_WINDOW_LINES


@pytest.mark.parametrize(
    ("rule", "path", "source", "place"),
    [
        (rules.too_long, "app/a.py", "x = 1\n" * 501, "app/a.py"),
        (rules.too_long, "app/a.py", _LONG_FUNCTION, "app/a.py::f"),
        (rules.too_long, "app/gui/window.py", _MAIN_WINDOW, "app/gui/window.py"),
        (rules.getting_long, "app/a.py", "x = 1\n" * 301, "app/a.py"),
        (rules.getting_long, "app/a.py", "def f():\n" + "    x = 1\n" * 40, "app/a.py::f"),
        (rules.broad_handlers, "app/a.py", "try: f()\nexcept Exception: pass", "app/a.py"),
        (rules.broad_handlers, "app/a.py", "try: f()\nexcept (OSError, Exception): x", "app/a.py"),
        (
            rules.broad_handlers,
            "app/a.py",
            "class C:\n def f(self):\n  try: g()\n  except: pass",
            "app/a.py::C.f",
        ),
        (rules.broad_handlers, "app/a.py", "with suppress(BaseException): f()", "app/a.py"),
        (rules.forbidden_names, "app/a.py", "QApplication.processEvents()", "app/a.py"),
        (rules.forbidden_names, "app/a.py", "from PySide6.QtCore import QThread", "app/a.py"),
        (rules.forbidden_names, "app/a.py", "class T(QtCore.QThread): pass", "app/a.py::T"),
        (rules.forbidden_names, "app/a.py", "@qasync.asyncSlot()\ndef f(): pass", "app/a.py::f"),
        (rules.prints, "app/store/a.py", "print('x')", "app/store/a.py"),
        (rules.sleeps, "app/gui/a.py", "time.sleep(1)", "app/gui/a.py"),
        (rules.vague_name, "app/gui/utils.py", "", "app/gui/utils.py"),
        (rules.vague_name, "app/common/a.py", "", "app/common/a.py"),
    ],
)
def test_rule_complains(
    rule: Callable[[Module], Iterator[Complaint]], path: str, source: str, place: str
) -> None:
    assert {complaint.place for complaint in rule(Module(path, source))} == {place}


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (rules.too_long, "app/a.py", "x = 1\n" * 500),
        (rules.broad_handlers, "app/a.py", "try: f()\nexcept (OSError, ValueError): pass"),
        (rules.broad_handlers, "app/a.py", "try: f()\nexcept BaseException: g(); raise"),
        (rules.prints, "app/cli/a.py", "print('x')"),
        (rules.sleeps, "app/engine/a.py", "time.sleep(1)"),
        (rules.sleeps, "app/gui/a.py", "await asyncio.sleep(1)"),
    ],
)
def test_rule_is_content(
    rule: Callable[[Module], Iterator[Complaint]], path: str, source: str
) -> None:
    assert list(rule(Module(path, source))) == []


# ------------------------------------------------------------------------------ import contracts

# Contract → a module and a line that break it.
_PLANTS = {
    "The star": ("app/domain/planted.py", "import app.flow"),
    "reach the adapters through services only": ("app/cli/planted.py", "import app.engine"),
    "nothing but the standard library": ("app/flow/planted.py", "import socket"),
    "only in engine": ("app/services/planted.py", "import llama_cpp"),
    "only in config.secrets": ("app/config/planted.py", "import keyring"),
    "only in gui": ("app/store/planted.py", "from PySide6 import QtCore"),
    "only in store": ("app/library/planted.py", "import sqlite3"),
    "only in hub": ("app/services/planted_too.py", "import httpx2"),
    "only in config": ("app/store/planted_too.py", "import tomlkit"),
}


def test_the_import_contracts_hold() -> None:
    status, said = lint_imports(ROOT)
    assert status == 0, said


def test_each_import_contract_breaks_on_a_planted_violation(tmp_path: Path) -> None:
    copy = copy_of_the_tree(tmp_path)
    for path, line in _PLANTS.values():
        # Inside a function: a late import is an import all the same.
        (copy / path).write_text(f"def late():\n    {line}\n", encoding="utf-8")
    status, said = lint_imports(copy)
    assert status == 1, said
    verdicts = dict(re.findall(r"^(.*?) (KEPT|BROKEN)\b", said, re.MULTILINE))
    assert set(verdicts.values()) == {"BROKEN"}, said
    assert len(verdicts) == len(_PLANTS)
    assert all(any(name in verdict for verdict in verdicts) for name in _PLANTS)


def test_a_new_package_needs_a_place_in_the_star(tmp_path: Path) -> None:
    copy = copy_of_the_tree(tmp_path)
    (copy / "app" / "planted").mkdir()
    (copy / "app" / "planted" / "__init__.py").touch()
    status, said = lint_imports(copy)
    assert status == 1
    assert "planted" in said


def copy_of_the_tree(folder: Path) -> Path:
    """Copy what import-linter reads into `folder`."""
    shutil.copytree(ROOT / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint_imports(folder: Path) -> tuple[int, str]:
    """Run import-linter on the tree in `folder`; return its status and all it said."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=folder,
        env=dict(environment, COLUMNS="300", PYTHONUTF8="1"),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
