"""Running pytest on planted tests, in a process of its own, with Lamplight's guards."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_VERDICT = re.compile(r"^(PASSED|FAILED|ERROR) \S+::(\w+)", re.MULTILINE)
_WORDS = {"PASSED": "passes", "FAILED": "fails", "ERROR": "errors"}


def outcomes_of(tests: str, folder: Path, *options: str) -> dict[str, str]:
    """Run the planted tests and return for each its outcome: passes, fails or errors.

    An error is a failure in a fixture, which is where the guards speak. Where a test both passes
    and errors, it errors.
    """
    (folder / "conftest.py").write_text('pytest_plugins = ["tests.helpers.guards"]\n')
    (folder / "test_planted.py").write_text(tests, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = gui: a test of the window\n")
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-rA", "-p", "no:randomly", "-p", "no:cacheprovider",
            *options, "test_planted.py",
        ],
        cwd=folder,
        env=dict(os.environ, PYTHONPATH=str(_ROOT), QT_QPA_PLATFORM="offscreen"),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )  # fmt: skip
    outcomes: dict[str, str] = {}
    for verdict, name in _VERDICT.findall(done.stdout):
        if outcomes.get(name) not in ("fails", "errors"):
            outcomes[name] = _WORDS[verdict]
    assert outcomes, done.stdout + done.stderr
    return outcomes
