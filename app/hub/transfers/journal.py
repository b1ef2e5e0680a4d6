"""What is known of a transfer on disk: enough to go on after any kind of end.

One folder for each transfer, `MODELS/.downloads/ID/`, with `journal.json` and a part file for each
file (`0.part`, …). A span stands in the journal only after its bytes are on disk (fsync), and the
journal is replaced whole, so that it is right at every moment, or a little behind.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from app.domain.errors import AppError
from app.domain.hub import RepoFile
from app.domain.transfer import TransferRequest
from app.hub.answers import is_safe_path
from app.hub.huggingface import is_repo_id
from app.hub.transfers.coverage import Span
from app.hub.transfers.disk import sync_folder
from app.hub.transfers.staging import STAGING

VERSION = 1
_NAME = "journal.json"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class FileRecord:
    """One file of a transfer."""

    file: RepoFile
    spans: tuple[Span, ...] = ()
    identity: str = ""
    """What the hub called this content (its ETag) when the first of it came."""
    verified: bool = False
    """All there, on disk, and what its checksum promises."""


@dataclass(slots=True)
class JobRecord:
    """One transfer."""

    transfer_id: str
    request: TransferRequest
    rank: int
    """Its place in the queue."""
    paused: bool = False
    error: AppError | None = None
    files: list[FileRecord] = field(default_factory=list[FileRecord])


class Journal:
    """The folder of one transfer."""

    def __init__(self, models: Path, transfer_id: str) -> None:
        self.folder = models / STAGING / transfer_id

    def part(self, number: int) -> Path:
        """Where the bytes of a file are gathered."""
        return self.folder / f"{number}.part"

    def write(self, entry: bytes) -> None:
        """Replace what is kept with what `encoded` gave; on disk on return.

        Raises `OSError`; then the old one stands.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / f"{_NAME}.part"
        with open(unfinished, "wb") as file:
            file.write(entry)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, self.folder / _NAME)
        sync_folder(self.folder)

    def remove(self) -> None:
        """Take the folder away, the journal last: a half removal is a transfer still."""
        if not self.folder.is_dir():
            return
        names = sorted(os.listdir(self.folder), key=lambda name: name == _NAME)
        for name in names:
            (self.folder / name).unlink(missing_ok=True)
        self.folder.rmdir()


def read_all(models: Path) -> list[JobRecord]:
    """Every transfer that was not finished, in the order of the queue."""
    try:
        names = sorted(os.listdir(models / STAGING))
    except OSError:
        return []
    found = (_read(models / STAGING / name / _NAME, name) for name in names)
    return sorted((record for record in found if record is not None), key=lambda job: job.rank)


def _read(path: Path, transfer_id: str) -> JobRecord | None:
    try:
        return _from_json(json.loads(path.read_bytes()), transfer_id)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        # It stays where it is: perhaps a newer Lamplight wrote it.
        log.warning("a download cannot be taken up again: %s", type(error).__name__)
        return None


def encoded(record: JobRecord) -> bytes:
    """The journal's content."""
    content = {
        "version": VERSION,
        "repo_id": record.request.repo_id,
        "commit": record.request.commit,
        "title": record.request.title,
        "rank": record.rank,
        "paused": record.paused,
        "error": record.error.to_dict() if record.error else None,
        "files": [
            {
                "path": kept.file.path,
                "size": kept.file.size_bytes,
                "sha256": kept.file.sha256,
                "identity": kept.identity,
                "verified": kept.verified,
                "spans": [list(span) for span in kept.spans],
            }
            for kept in record.files
        ],
    }
    return json.dumps(content).encode()


def _from_json(data: Any, transfer_id: str) -> JobRecord:
    """Raises `ValueError`, `TypeError` or `KeyError` for what this version did not write."""
    if data["version"] != VERSION:
        raise ValueError("another version")
    files = [_file_from_json(entry) for entry in data["files"]]
    repo_id, commit = str(data["repo_id"]), str(data["commit"])
    if not is_repo_id(repo_id) or not files:
        raise ValueError("no repository")
    request = TransferRequest(
        repo_id, commit, str(data["title"]), tuple(kept.file for kept in files)
    )
    error = AppError.from_dict(data["error"]) if data["error"] else None
    return JobRecord(transfer_id, request, int(data["rank"]), bool(data["paused"]), error, files)


def _file_from_json(entry: dict[str, Any]) -> FileRecord:
    path, size, digest = str(entry["path"]), int(entry["size"]), entry["sha256"]
    spans = tuple((int(start), int(end)) for start, end in cast("list[list[int]]", entry["spans"]))
    if not is_safe_path(path) or any(not 0 <= start < end <= size for start, end in spans):
        raise ValueError("a file that cannot be")
    file = RepoFile(path, size, None if digest is None else str(digest))
    return FileRecord(file, spans, str(entry["identity"]), bool(entry["verified"]))
