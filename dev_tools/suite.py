"""Running the tests and the checks."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Iterable, NamedTuple, Sequence

from dev_tools.console import call, say
from dev_tools.environment import Environment

# pytest's exit status when no test was collected.
_NO_TESTS = 5

# Options of pytest that take the next argument as their value: that one is no path.
_TAKES_VALUE = frozenset(
    (
        "-k",
        "-m",
        "-p",
        "-c",
        "-o",
        "-W",
        "-n",
        "-r",
        "--maxfail",
        "--timeout",
        "--durations",
        "--tb",
    )
)


class _Part(NamedTuple):
    name: str
    folders: tuple[str, ...]
    options: tuple[str, ...]


_PARTS = (
    # Without pytest-qt and with Qt's imports refused: what passes here needs no PySide6.
    _Part("unit, without Qt", ("unit",), ("-p", "no:pytest-qt", "-p", "tests.helpers.no_qt")),
    _Part("window and whole application", ("gui", "e2e"), ()),
)


def run_tests(environment: Environment, arguments: Sequence[str]) -> int:
    """Run both parts of the suite, or of what was named of it, and return the worst status."""
    options, paths = _split(environment.root, arguments)
    outcomes: list[tuple[str, int, float]] = []
    for part in _PARTS:
        chosen = _paths_of(environment.root, part, paths)
        if not chosen:
            continue
        say(f"\n── {part.name} ──")
        start = time.monotonic()
        status = call(
            [environment.python, "-m", "pytest", *part.options, *options, *chosen],
            environment.root,
            _test_environment(),
        )
        outcomes.append((part.name, status, time.monotonic() - start))
        if status == 2:
            # Interrupted: the person wants to stop, not to see the next part.
            break
    return _verdict(outcomes)


def _split(root: Path, arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    options: list[str] = []
    paths: list[str] = []
    value_expected = False
    for argument in arguments:
        is_path = (root / argument.split("::")[0]).exists()
        if is_path and not value_expected and not argument.startswith("-"):
            paths.append(argument)
        else:
            options.append(argument)
        value_expected = argument in _TAKES_VALUE
    return options, paths


def _paths_of(root: Path, part: _Part, named: Iterable[str]) -> list[str]:
    folders = [root / "tests" / folder for folder in part.folders]
    named = list(named)
    if not named:
        return [str(folder.relative_to(root)) for folder in folders if folder.is_dir()]
    chosen: list[str] = []
    for name in named:
        path = (root / name.split("::")[0]).resolve()
        for folder in folders:
            if path == folder or folder in path.parents:
                chosen.append(name)
            elif path in folder.parents and folder.is_dir():
                chosen.append(str(folder.relative_to(root)))
    return chosen


def _test_environment() -> dict[str, str]:
    environment = dict(os.environ, QT_QPA_PLATFORM="offscreen")
    # No test may reach the person's own desktop; those that need a screen start one.
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "LAMPLIGHT_HOME"):
        environment.pop(name, None)
    return environment


def _verdict(outcomes: Sequence[tuple[str, int, float]]) -> int:
    if not outcomes:
        say("No tests there: name files or folders under tests/unit, tests/gui or tests/e2e.")
        return _NO_TESTS
    # With -k or a path one part may rightly have nothing to do; both having nothing is a failure.
    ran = [status for _, status, _ in outcomes if status != _NO_TESTS]
    worst = max(ran, default=_NO_TESTS)
    say("")
    for name, status, seconds in outcomes:
        word = {0: "passed", _NO_TESTS: "nothing to run"}.get(status, f"failed (status {status})")
        say(f"{name}: {word} ({seconds:.0f} s)")
    return worst


def run_checks(environment: Environment) -> int:
    """Run every checker, all of them even if one complains, and return 1 if any did."""
    failed = [
        name for name, command in _checks(environment) if _complains(environment, name, command)
    ]
    say("")
    say(f"Failed: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


def _checks(environment: Environment) -> list[tuple[str, list[object]]]:
    python = environment.python
    return [
        ("format", [python, "-m", "ruff", "format", "--check", "."]),
        ("lint", [python, "-m", "ruff", "check", "."]),
        ("types", [python, "-m", "pyright"]),
        ("imports", [environment.scripts / "lint-imports"]),
        (
            "architecture",
            [python, "-m", "pytest", "-q", *_PARTS[0].options, "tests/unit/test_architecture.py"],
        ),
    ]


def _complains(environment: Environment, name: str, command: Sequence[object]) -> bool:
    say(f"\n── {name} ──")
    return call(command, environment.root) != 0


def run_fixes(environment: Environment) -> int:
    """Let ruff put right what it can."""
    ruff = [environment.python, "-m", "ruff"]
    fixed = call([*ruff, "check", "--fix", "."], environment.root)
    formatted = call([*ruff, "format", "."], environment.root)
    return fixed or formatted
