"""How the window was left, read with tolerance."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.window_state import WindowStateFile


def test_what_was_written_is_read(tmp_path: Path):
    file = WindowStateFile(tmp_path / "window.json")
    file.write({"geometry": "AAAA", "panels": {"left": [True, 260]}})
    assert file.read() == {"geometry": "AAAA", "panels": {"left": [True, 260]}}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_file_is_an_empty_one(tmp_path: Path, content: bytes):
    path = tmp_path / "window.json"
    path.write_bytes(content)
    assert WindowStateFile(path).read() == {}


def test_a_place_that_cannot_be_written_does_no_harm(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    file = WindowStateFile(tmp_path / "file" / "window.json")
    file.write({"a": 1})
    assert file.read() == {}
