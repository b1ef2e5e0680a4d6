"""What tells the next start that a load did not end."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.load_mark import LoadMarkFile
from app.domain.errors import ConfigError


def test_it_outlives_whoever_wrote_it(tmp_path: Path) -> None:
    LoadMarkFile(tmp_path / "loading").write("ä model\n5")
    assert LoadMarkFile(tmp_path / "loading").read() == "ä model\n5"


def test_nothing_is_loaded(tmp_path: Path) -> None:
    mark = LoadMarkFile(tmp_path / "loading")
    assert mark.read() == ""
    mark.write("m")
    mark.write("")
    mark.write("")
    assert mark.read() == ""
    assert list(tmp_path.iterdir()) == []


def test_rubbish_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "loading").write_bytes(b"\xff\xfe")
    assert LoadMarkFile(tmp_path / "loading").read() == ""


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        LoadMarkFile(tmp_path / "gone" / "loading").write("m")
