"""A process that is killed in the middle has lost little, and believes nothing that is not so."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.transfer import TransferRequest
from app.hub.transfers.journal import FileRecord, JobRecord, Journal, encoded, read_all
from tests.helpers.hub_server import FakeRepo, HubServer, request_for
from tests.helpers.transfer_rig import Rig, contents, drive

KILLS = 8
SHARD = 16_000_000


def queued(models: Path, request: TransferRequest) -> None:
    """As if an earlier run had been asked for it."""
    record = JobRecord("abc", request, 1, files=[FileRecord(file) for file in request.files])
    Journal(models, "abc").write(encoded(record))


def run_of_the_application(server: HubServer, models: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.helpers.transfer_driver", server.address, str(models)]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def believed(models: Path, files: dict[str, bytes]) -> int:
    """How many bytes the journal claims; each of them is looked at."""
    (record,) = read_all(models)
    journal = Journal(models, record.transfer_id)
    for number, kept in enumerate(record.files):
        for start, end in kept.spans:
            with open(journal.part(number), "rb") as part:
                part.seek(start)
                assert part.read(end - start) == files[kept.file.path][start:end]
    return sum(end - start for kept in record.files for start, end in kept.spans)


@pytest.mark.timeout(120)
def test_killed_again_and_again_it_still_ends_with_the_right_files(tmp_path: Path):
    chance = random.Random(4)
    names = [f"m-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    files = {name: contents(SHARD, seed) for seed, name in enumerate(names)}
    with HubServer() as server:
        repo = server.add(FakeRepo("author/model", files))
        queued(tmp_path, request_for(repo))
        server.bytes_per_second = 1_500_000
        claimed = 0
        for _ in range(KILLS):
            process = run_of_the_application(server, tmp_path)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.2, 1.2))
            process.kill()
            process.communicate()
            now = believed(tmp_path, files)
            assert now >= claimed
            claimed = now
            assert not list(tmp_path.rglob("*.gguf"))
        assert claimed > 1_000_000
        server.bytes_per_second = 0
        said, _ = run_of_the_application(server, tmp_path).communicate()
        assert said == "finished\n"
        assert server.sent < 3 * SHARD + KILLS * 8_000_000
    for name in names:
        assert (tmp_path / "author" / "model" / name).read_bytes() == files[name]
    assert not list((tmp_path / ".downloads").iterdir())


def test_a_span_is_in_the_journal_only_after_its_bytes_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What a loss of power would take away is what was written after the last fsync."""
    from app.hub.transfers import part_file

    written: set[tuple[int, int]] = set()
    safe: set[tuple[int, int]] = set()
    write, sync, note = part_file._write_at, os.fsync, Journal.write

    def write_at(descriptor: int, data: memoryview, at: int) -> int:
        count = write(descriptor, data, at)
        written.add((at, at + count))
        return count

    def fsync(descriptor: int) -> None:
        before = set(written)
        sync(descriptor)
        if os.fstat(descriptor).st_size == SHARD:
            safe.update(before)

    claimed: list[int] = []

    def journal_write(self: Journal, entry: bytes) -> None:
        note(self, entry)
        for record in read_all(tmp_path):
            kept = record.files[0]
            for start, end in ((0, SHARD),) if kept.verified else kept.spans:
                on_disk = sum(min(e, end) - max(s, start) for s, e in safe if s < end and e > start)
                assert on_disk == end - start
                claimed.append(end - start)

    monkeypatch.setattr(part_file, "_write_at", write_at)
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Journal, "write", journal_write)

    async def steps(rig: Rig):
        rig.server.bytes_per_second = 4_000_000
        done = await rig.download(rig.repo(m=contents(SHARD)))
        assert done.error is None
        assert done.paths

    drive(tmp_path, steps)
    assert max(claimed) == SHARD
