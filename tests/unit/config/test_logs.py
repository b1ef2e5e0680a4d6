"""The log file of a profile."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from app.config import logs
from app.config.logs import start_logging

if TYPE_CHECKING:
    import pytest

ours, theirs = logging.getLogger("app.here"), logging.getLogger("elsewhere")


def test_the_file_is_made_with_the_first_line(tmp_path: Path):
    stop = start_logging(tmp_path)
    assert list(tmp_path.iterdir()) == []
    ours.info("a grüne line")
    stop()
    line = (tmp_path / "lamplight.log").read_text("utf-8")
    assert line.endswith("INFO app.here [MainThread] a grüne line\n")


def test_of_others_only_what_matters_is_kept(tmp_path: Path):
    stop = start_logging(tmp_path)
    ours.debug("too fine")
    theirs.info("chatter")
    theirs.warning("careful")
    stop()
    text = (tmp_path / "lamplight.log").read_text()
    assert "careful" in text
    assert "chatter" not in text
    assert "too fine" not in text


def test_after_the_end_nothing_is_left(tmp_path: Path):
    handlers, level = logging.getLogger().handlers[:], logging.getLogger("app").level
    start_logging(tmp_path)()
    assert logging.getLogger().handlers == handlers
    assert logging.getLogger("app").level == level


def test_old_files_are_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logs, "LARGEST", 1_000)
    stop = start_logging(tmp_path)
    for number in range(100):
        ours.info("line %d %s", number, "x" * 100)
    stop()
    files = list(tmp_path.iterdir())
    assert len(files) == 1 + logs.KEPT
    assert all(file.stat().st_size <= 1_000 for file in files)


def test_a_log_that_cannot_be_written_disturbs_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    stop = start_logging(tmp_path / "missing")
    ours.info("lost")
    stop()
    assert capsys.readouterr().err == ""
