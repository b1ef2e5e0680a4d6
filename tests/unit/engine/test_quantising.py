"""Making models smaller for real: sizes beforehand, the result, and what ends it."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain import errors, library_errors
from app.domain.quantise import TARGETS, QuantiseSizes, QuantiseWork
from app.engine.quantising import QuantisingHosts
from app.library.gguf_types import FILE_TYPES
from app.library.local_library import LocalLibrary
from tests.helpers.engine_rig import Rig
from tests.helpers.gguf_files import babbler, babbler_shards, tiny_file

Heard = Callable[[float], None]


def quantised(
    source: Path, result: Path, target: str, heard: Heard = lambda _: None, **more: bool
) -> int:
    """Do it, by hosts of its own; the bytes."""
    again, replace = more.get("again", False), more.get("replace", False)
    work = QuantiseWork(str(source), str(result), target, again=again)

    async def go() -> int:
        return await QuantisingHosts().quantise(work, 1000, heard, replace=replace)

    return asyncio.run(go())


def sizes(path: Path) -> QuantiseSizes:
    return asyncio.run(QuantisingHosts().sizes(str(path)))


def quantisation(path: Path) -> str:
    async def go() -> str:
        library = LocalLibrary()
        model = await library.inspect(str(path))
        await library.close()
        return model.facts.quantisation

    return asyncio.run(go())


def suffixes(folder: Path) -> list[str]:
    return [path.suffix for path in folder.iterdir()]


@pytest.fixture(scope="module")
def full(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter model in 16 bits: what it lost is lost, but its form is that of a full one."""
    path = tmp_path_factory.mktemp("full") / "full-F16.gguf"
    quantised(starter, path, "F16", again=True)
    return path


@pytest.fixture(scope="module")
def small(full: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[float]]:
    """The same as Q8_0, and the fractions that were told."""
    path, told = tmp_path_factory.mktemp("small") / "small.gguf", list[float]()
    quantised(full, path, "Q8_0", told.append)
    return path, told


def test_the_types_are_llama_cpps() -> None:
    assert {FILE_TYPES[number]: number for number in TARGETS.values()} == dict(TARGETS)


def test_the_sizes_told_beforehand_are_those_of_the_files(
    full: Path, small: tuple[Path, list[float]]
) -> None:
    told = sizes(full)
    header = full.stat().st_size - told.source_bytes
    assert 0 < header < 3_000_000
    assert told.targets["Q8_0"] + header == pytest.approx(small[0].stat().st_size, rel=0.001)
    assert told.targets["F16"] == told.source_bytes
    assert not told.is_quantised


def test_a_result_is_a_model_that_answers(small: tuple[Path, list[float]], hosted: Rig) -> None:
    assert quantisation(small[0]) == "Q8_0"
    hosted.load_well(small[0], context_length=512)
    answer = hosted.ask("What is the capital of France? Answer with one word.", max_tokens=8)
    assert "Paris" in answer.text


def test_it_tells_how_far_it_has_come(small: tuple[Path, list[float]]) -> None:
    told = small[1]
    assert len(told) > 200
    assert told == sorted(told)
    assert 0 < told[0] < 0.5
    assert told[-1] == pytest.approx(1, abs=0.001)


def test_the_source_stays_as_it_was_and_nothing_else_is_left(full: Path, tmp_path: Path) -> None:
    before = hashlib.sha256(full.read_bytes()).hexdigest()
    quantised(full, tmp_path / "made.gguf", "Q8_0")
    assert hashlib.sha256(full.read_bytes()).hexdigest() == before
    assert [path.name for path in tmp_path.iterdir()] == ["made.gguf"]


def test_what_was_made_smaller_before_must_be_asked_for(starter: Path, tmp_path: Path) -> None:
    assert sizes(starter).is_quantised
    with pytest.raises(library_errors.QuantiseRefused, match="cannot be made into this type"):
        quantised(starter, tmp_path / "made.gguf", "Q2_K")
    assert list(tmp_path.iterdir()) == []
    quantised(starter, tmp_path / "made.gguf", "Q2_K", again=True)
    assert quantisation(tmp_path / "made.gguf") == "Q2_K"


def test_a_full_model_of_odd_width_becomes_what_its_rows_allow(tmp_path: Path) -> None:
    # 32 wide: blocks of 256 do not fit, so llama.cpp takes types with blocks of 32.
    source = babbler(tmp_path / "odd.gguf")
    told = sizes(source)
    quantised(source, tmp_path / "made.gguf", "Q4_K_M")
    header = source.stat().st_size - told.source_bytes
    made = (tmp_path / "made.gguf").stat().st_size
    assert made == pytest.approx(told.targets["Q4_K_M"] + header, rel=0.03)
    assert made < source.stat().st_size


def test_nothing_is_written_over_unless_it_is_asked(full: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.gguf"
    made.write_text("precious")
    with pytest.raises(library_errors.ResultExists):
        quantised(full, made, "Q8_0")
    assert made.read_text() == "precious"
    quantised(full, made, "Q8_0", replace=True)
    assert quantisation(made) == "Q8_0"


def test_the_source_is_never_the_result(full: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked.gguf"
    linked.symlink_to(full)
    before = full.stat()
    with pytest.raises(library_errors.QuantiseRefused, match="take the place"):
        quantised(full, linked, "Q8_0", replace=True)
    assert full.stat() == before


def test_a_cancel_ends_the_process_and_removes_its_part(full: Path, tmp_path: Path) -> None:
    async def go() -> None:
        hosts, begun = QuantisingHosts(), asyncio.Event()
        work = QuantiseWork(str(full), str(tmp_path / "made.gguf"), "Q4_K_M", 1)
        job = asyncio.ensure_future(hosts.quantise(work, 1000, lambda _: begun.set()))
        await begun.wait()
        assert suffixes(tmp_path) == [".part"]
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job

    asyncio.run(go())
    assert list(tmp_path.iterdir()) == []


def test_closing_ends_it_too(full: Path, tmp_path: Path) -> None:
    async def go() -> object:
        hosts, begun = QuantisingHosts(), asyncio.Event()
        work = QuantiseWork(str(full), str(tmp_path / "made.gguf"), "Q4_K_M", 1)
        job = asyncio.ensure_future(hosts.quantise(work, 1000, lambda _: begun.set()))
        await begun.wait()
        await hosts.close()
        assert suffixes(tmp_path) == []
        with pytest.raises(errors.EngineError, match="Nothing was done"):
            await hosts.sizes(str(full))
        return (await asyncio.gather(job, return_exceptions=True))[0]

    assert isinstance(asyncio.run(go()), errors.EngineCrashed)


def test_a_disk_that_is_full_midway_is_said(full: Path, tmp_path: Path) -> None:
    os.symlink("/dev/full", tmp_path / "full")
    with pytest.raises(library_errors.ResultUnwritable):
        asyncio.run(_into_a_full_device(full, tmp_path / "full"))


async def _into_a_full_device(source: Path, device: Path) -> None:
    from app.engine.errand import Errand
    from app.engine.supervisor import host_command, host_folder

    work = {"source": str(source), "result": str(device), "target": "Q8_0"}
    asked = {"do": "quantise", "work": work}
    async with Errand(host_command(), host_folder(), asked) as errand:
        while (frame := await errand.frame()) is not None:
            if frame["is"] == "refused":
                raise errors.AppError.from_dict(frame["error"])


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.gguf"
    text.write_text("no model")
    with pytest.raises(errors.NotGguf):
        sizes(text)
    with pytest.raises(errors.FileMissing):
        sizes(tmp_path / "none.gguf")


def test_a_file_that_llama_cpp_cannot_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(errors.AppError):
        sizes(tiny_file(tmp_path / "tiny.gguf"))


def test_a_split_model_becomes_one_file(tmp_path: Path) -> None:
    first, second = babbler_shards(tmp_path)
    quantised(first, tmp_path / "joined.gguf", "Q8_0")
    assert quantisation(tmp_path / "joined.gguf") == "Q8_0"
    both = first.stat().st_size + second.stat().st_size
    assert both / 5 < (tmp_path / "joined.gguf").stat().st_size < both / 2


def test_a_killed_run_leaves_a_part_that_the_next_one_removes(full: Path, tmp_path: Path) -> None:
    gone = tmp_path / ".lamplight-999999999-1.part"
    mine = tmp_path / f".lamplight-{os.getpid()}-77777.part"
    for path in (gone, mine):
        path.write_text("half")
    quantised(full, tmp_path / "made.gguf", "Q8_0")
    assert not gone.exists()
    assert mine.exists()


def test_without_room_nothing_is_begun(full: Path, tmp_path: Path) -> None:
    work = QuantiseWork(str(full), str(tmp_path / "made.gguf"), "Q8_0")

    async def go() -> None:
        await QuantisingHosts().quantise(work, 10**18, lambda _: None)

    with pytest.raises(library_errors.ResultUnwritable, match="no room"):
        asyncio.run(go())
    assert list(tmp_path.iterdir()) == []
