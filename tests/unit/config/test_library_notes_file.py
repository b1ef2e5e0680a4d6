"""What is remembered of models, on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.library_notes_file import LibraryNotesFile
from app.domain.errors import ConfigError
from app.domain.library import ModelNote
from tests.helpers.guards import ExpectedLogs
from tests.unit.store.protected import read_only

NOTE = ModelNote("/m/a.gguf", 7, "Mine", True, 5, ("ab" * 32,), "the hub", 6)


def test_what_was_written_is_read_again(tmp_path: Path):
    file = LibraryNotesFile(tmp_path / "library.json")
    assert file.read() == {}
    file.write({"k": NOTE, "empty": ModelNote()})
    assert LibraryNotesFile(tmp_path / "library.json").read() == {"k": NOTE, "empty": ModelNote()}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 2}', b'{"version": 1}'])
def test_a_file_that_cannot_be_read_is_set_aside(
    tmp_path: Path, content: bytes, expected_logs: ExpectedLogs
):
    expected_logs.expect("could not be read")
    path = tmp_path / "library.json"
    path.write_bytes(content)
    assert LibraryNotesFile(path).read() == {}
    (kept,) = tmp_path.iterdir()
    assert "damaged" in kept.name
    assert kept.read_bytes() == content


def test_a_note_of_another_form_is_left_out(tmp_path: Path):
    path = tmp_path / "library.json"
    path.write_text('{"version": 1, "models": {"a": {"name": 3}, "b": {"name": "B", "x": 1}}}')
    assert LibraryNotesFile(path).read() == {"b": ModelNote(name="B")}


def test_without_a_path_nothing_is_written(tmp_path: Path):
    path = tmp_path / "library.json"
    LibraryNotesFile(path).write({"k": NOTE})
    file = LibraryNotesFile(None, read_from=path)
    assert file.read() == {"k": NOTE}
    file.write({})
    assert LibraryNotesFile(path).read() == {"k": NOTE}


def test_that_it_cannot_be_written_is_said(tmp_path: Path):
    with read_only(tmp_path), pytest.raises(ConfigError, match="can't be saved"):
        LibraryNotesFile(tmp_path / "library.json").write({"k": NOTE})
