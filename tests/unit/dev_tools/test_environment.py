"""When .venv is made anew, and when it is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dev_tools import environment, files
from dev_tools.console import Stop
from dev_tools.environment import Environment, Wishes

ROOT = Path(__file__).resolve().parents[3]


class Setup(Environment):
    """An environment whose installation only makes the interpreter's file, and is counted."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.installed: list[str] = []
        self.interrupted = False

    def _install(self, python: object, backend: str) -> None:
        self.installed.append(backend)
        if self.interrupted:
            raise KeyboardInterrupt
        self.scripts.mkdir(parents=True)
        self.python.touch()

    def _provide_system(self, stamp: dict[str, object], for_tests: bool) -> None:
        files.write_json(self._stamp, dict(stamp, system=["window", "tests"]))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    """A fresh clone on a machine where the automatic choice is the processor."""
    monkeypatch.setattr(
        environment.native, "choose_backend", lambda asked, _: asked.replace("auto", "cpu")
    )
    (tmp_path / "requirements.lock").write_text("# one\n", encoding="utf-8")
    return Setup(tmp_path)


def test_it_is_made_once(checkout: Setup) -> None:
    checkout.ensure()
    checkout.ensure()
    checkout.ensure(for_tests=True)
    assert checkout.installed == ["cpu"]


def test_a_changed_lock_makes_it_anew(checkout: Setup) -> None:
    checkout.ensure()
    (checkout.root / "requirements.lock").write_text("# two\n", encoding="utf-8")
    checkout.ensure()
    assert checkout.installed == ["cpu", "cpu"]


def test_a_wished_backend_is_remembered(checkout: Setup) -> None:
    checkout.ensure()
    checkout.ensure(Wishes(backend="vulkan"))
    checkout.ensure()
    (checkout.root / "requirements.lock").write_text("# two\n", encoding="utf-8")
    checkout.ensure()
    assert checkout.installed == ["cpu", "vulkan", "vulkan"]


def test_an_interrupted_setup_is_made_anew(checkout: Setup) -> None:
    checkout.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        checkout.ensure()
    checkout.interrupted = False
    left_over = checkout.folder / "half-installed"
    left_over.touch()
    checkout.ensure()
    assert not left_over.exists()
    assert checkout.installed == ["cpu", "cpu"]


def test_an_environment_made_by_hand_is_left_alone(checkout: Setup) -> None:
    theirs = checkout.folder / "pyvenv.cfg"
    checkout.folder.mkdir()
    theirs.touch()
    with pytest.raises(Stop, match=r"was not made by dev\.py"):
        checkout.ensure()
    assert theirs.exists()


def test_two_at_once_make_it_once(checkout: Setup) -> None:
    second = Setup(checkout.root)
    with files.only_one(checkout.root / ".venv.lock", "setting up"):
        threads = [threading.Thread(target=one.ensure) for one in (checkout, second)]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    assert len(checkout.installed + second.installed) == 1


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_names_every_command(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "dev.py"), *arguments],
        capture_output=True,
        encoding="utf-8",
        env=dict(os.environ, PYTHONUTF8="1"),
        check=True,
    )
    for command in ("run", "test", "check", "fix", "bench", "setup", "lock"):
        assert f"\n  {command} " in done.stdout


def test_an_unknown_command_is_a_usage_error() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "dev.py"), "nonsense"], capture_output=True, check=False
    )
    assert done.returncode == 2
