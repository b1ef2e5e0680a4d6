"""What is known of a transfer on disk, and what is made of a journal that is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.domain.errors import HubBusy
from app.domain.hub import RepoFile
from app.domain.transfer import TransferRequest
from app.hub.transfers.journal import FileRecord, JobRecord, Journal, encoded, read_all

FILES = (RepoFile("a/m.gguf", 100, "ab" * 32), RepoFile("mmproj.gguf", 7))


def record(transfer_id: str = "abc", rank: int = 1) -> JobRecord:
    request = TransferRequest("author/model", "c" * 40, "A model", FILES)
    files = [FileRecord(FILES[0], ((0, 10), (50, 100)), "etag"), FileRecord(FILES[1], (), "", True)]
    return JobRecord(transfer_id, request, rank, True, HubBusy("Busy.", "429", "Wait."), files)


def keep(models: Path, kept: JobRecord) -> Path:
    journal = Journal(models, kept.transfer_id)
    journal.write(encoded(kept))
    return journal.folder / "journal.json"


def test_what_is_written_is_read(tmp_path: Path):
    keep(tmp_path, record())
    (found,) = read_all(tmp_path)
    assert found.error is not None
    assert found.error.to_dict() == {
        "kind": "hub.busy",
        "title": "Busy.",
        "detail": "429",
        "remedy": "Wait.",
    }
    expected = record()
    found.error = expected.error = None
    assert found == expected


def test_they_come_in_the_order_of_the_line(tmp_path: Path):
    for transfer_id, rank in (("a", 3), ("b", 1), ("c", 2)):
        keep(tmp_path, record(transfer_id, rank))
    assert [found.transfer_id for found in read_all(tmp_path)] == ["b", "c", "a"]


def test_where_there_is_nothing_nothing_is_found(tmp_path: Path):
    assert read_all(tmp_path / "absent") == []
    (tmp_path / ".downloads" / "empty").mkdir(parents=True)
    assert read_all(tmp_path) == []


def test_removing_takes_everything(tmp_path: Path):
    path = keep(tmp_path, record())
    journal = Journal(tmp_path, "abc")
    journal.part(0).write_bytes(b"part")
    journal.remove()
    journal.remove()
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "broken",
    [
        {"version": 2},
        {"repo_id": "../../evil"},
        {"files": []},
        {
            "files": [
                {
                    "path": "../m",
                    "size": 1,
                    "sha256": None,
                    "identity": "",
                    "verified": 0,
                    "spans": [],
                }
            ]
        },
        {
            "files": [
                {
                    "path": "m",
                    "size": 5,
                    "sha256": None,
                    "identity": "",
                    "verified": 0,
                    "spans": [[0, 6]],
                }
            ]
        },
        {"files": None},
        {"rank": None},
    ],
)
def test_what_this_version_did_not_write_is_left_alone(tmp_path: Path, broken: dict, expected_logs):
    expected_logs.expect("cannot be taken up again")
    path = keep(tmp_path, record())
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **broken}))
    assert read_all(tmp_path) == []
    assert path.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"null"])
def test_what_is_no_journal_is_left_alone(tmp_path: Path, content: bytes, expected_logs):
    expected_logs.expect("cannot be taken up again")
    path = keep(tmp_path, record())
    path.write_bytes(content)
    assert read_all(tmp_path) == []
