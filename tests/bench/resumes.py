"""A download in three shards that is killed (SIGKILL) again and again, at random moments.

The checkpoints are those of the tests (every 0.1 s) rather than those of the application (every 3 s
or 128 MB), so that it gets ahead between two kills that follow each other within a second.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app.hub.transfers.journal import FileRecord, JobRecord, Journal, encoded, read_all
from tests.bench.rows import Row, at_most, told
from tests.helpers.hub_server import FakeRepo, HubServer, request_for

KILLS = 50
SHARD = 340_000_000
_SPEED = 4_500_000
"""Bytes per second of each of four connections, so that it is not done too soon."""
_PIECE_MB = 32
"""MB that a connection asks for at a time; four are on the way."""


def run(seed: int = 4) -> list[Row]:
    """Takes about two minutes."""
    chance = random.Random(seed)
    names = [f"m-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    files = {name: _content(chance) for name in names}
    wrong = refetched = 0.0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, HubServer() as server:
        models = Path(folder)
        repo = server.add(FakeRepo("author/model", files))
        request = request_for(repo)
        record = JobRecord("abc", request, 1, files=[FileRecord(file) for file in request.files])
        Journal(models, "abc").write(encoded(record))
        server.bytes_per_second = _SPEED
        for _ in range(KILLS):
            known, sent = _known(models), server.sent
            process = _begun(server, models)
            time.sleep(chance.uniform(0.05, 2.6))
            process.kill()
            process.communicate()
            refetched = max(refetched, server.sent - sent - (_known(models) - known))
            wrong += bool(list((models / "author").rglob("*.gguf")))
        left = 3 * SHARD - _known(models)
        server.bytes_per_second = 0
        said, _ = _begun(server, models).communicate()
        finals = [models / "author" / "model" / name for name in names]
        wrong += said != "finished\n"
        wrong += sum(not _is(final, files[final.name]) for final in finals)
        sent = server.sent
    return [
        told("kills", KILLS),
        told("left after the last", left / 1e6, "MB"),
        at_most("half or wrong files seen", wrong, 0),
        at_most("lost by one kill, most", refetched / 1e6, 4 * _PIECE_MB, "MB"),
        told("lost by all together", (sent - 3 * SHARD) / 1e6, "MB"),
        told("seconds", time.monotonic() - began, "s"),
    ]


def _content(chance: random.Random) -> bytes:
    # `randbytes` gives at most 256 MB.
    return b"".join(chance.randbytes(SHARD // 10) for _ in range(10))


def _begun(server: HubServer, models: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.helpers.transfer_driver", server.address, str(models)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def _known(models: Path) -> int:
    """Bytes that the journal knows to be there."""
    (record,) = read_all(models)
    return sum(
        kept.file.size_bytes if kept.verified else sum(end - start for start, end in kept.spans)
        for kept in record.files
    )


def _is(path: Path, content: bytes) -> bool:
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").digest()
    return found == hashlib.sha256(content).digest()
