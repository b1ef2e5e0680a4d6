"""Measuring a load without doing it: the same in both engines, and never a danger."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.domain import errors
from app.domain.load_params import LoadParams
from app.engine.supervisor import HostEngine
from tests.helpers.engine_rig import Rig, collect
from tests.helpers.gguf_files import babbler, starter_shell
from tests.helpers.known_models import LLAMA_70B


def test_it_tells_what_the_load_then_takes(fresh: Rig, starter: Path) -> None:
    told = fresh.run(fresh.engine.dry_run(str(starter), LoadParams(context_length=2048)))
    info = fresh.load_well(starter, context_length=2048).info
    assert told.context_length == info.context_length
    assert told.weights_bytes == info.weights_bytes
    assert told.context_bytes == info.context_bytes == 30 * 2 * 3 * 64 * 2 * 2048
    assert told.compute_bytes == info.compute_bytes > 0
    # Where the file is mapped, its pages are most of what the weights take.
    assert 0 <= info.mapped_bytes <= info.weights_bytes + 10_000


def test_a_header_alone_is_enough_for_the_largest_model(fresh: Rig, tmp_path: Path) -> None:
    path = LLAMA_70B.write(tmp_path)
    told = fresh.run(fresh.engine.dry_run(str(path), LoadParams(context_length=32_768)))
    assert told.weights_bytes == pytest.approx(42.7e9, rel=0.01)
    assert told.context_bytes == 80 * 2 * 1024 * 2 * 32_768
    assert path.stat().st_blocks * 512 < 10_000_000 < path.stat().st_size


def test_the_context_is_chosen_as_for_a_load(fresh: Rig, starter: Path) -> None:
    assert fresh.run(fresh.engine.dry_run(str(starter), LoadParams())).context_length == 8192
    with pytest.raises(errors.ContextLengthRefused):
        fresh.run(fresh.engine.dry_run(str(starter), LoadParams(context_length=10_000_000)))


def test_what_is_no_model_is_refused_as_by_a_load(fresh: Rig, tmp_path: Path) -> None:
    with pytest.raises(errors.FileMissing):
        fresh.run(fresh.engine.dry_run(str(tmp_path / "none.gguf"), LoadParams()))
    text = tmp_path / "text.gguf"
    text.write_text("no model")
    with pytest.raises(errors.NotGguf):
        fresh.run(fresh.engine.dry_run(str(text), LoadParams()))


def test_the_loaded_model_stays_loaded(fresh: Rig, tmp_path: Path) -> None:
    small = babbler(tmp_path / "small.gguf")
    fresh.load_well(small)
    fresh.run(fresh.engine.dry_run(str(small), LoadParams(context_length=256)))
    assert fresh.engine.loaded is not None
    assert fresh.ask("Hello", max_tokens=2).last.stats.answer_tokens


def test_a_file_that_ends_the_host_is_an_error_and_no_loss(hosted: Rig, tmp_path: Path) -> None:
    hosted.load_well(babbler(tmp_path / "small.gguf"))
    pid = hosted.engine.host_pid  # type: ignore[union-attr]
    fatal = starter_shell(tmp_path / "fatal.gguf", {"llama.block_count": 0})
    with pytest.raises(errors.EngineCrashed, match="could not be measured") as raised:
        hosted.run(hosted.engine.dry_run(str(fatal), LoadParams()))
    assert "fatal.gguf" in raised.value.title
    assert hosted.ask("Hello", max_tokens=2).last.stats.answer_tokens
    assert hosted.engine.host_pid == pid  # type: ignore[union-attr]


def test_it_need_not_wait_for_an_answer(hosted: Rig, starter: Path) -> None:
    hosted.load_well(starter, context_length=2048)

    async def go() -> str:
        asked = hosted.generate("Tell a story.", "story", max_tokens=1500)
        answer = asyncio.ensure_future(collect(asked))
        await hosted.engine.dry_run(str(starter), LoadParams())
        first = "measured" if not answer.done() else "answered"
        hosted.engine.cancel("story")
        await answer
        return first

    assert hosted.run(go()) == "measured"


def test_closing_ends_a_measurement(starter: Path) -> None:
    async def go() -> object:
        engine = HostEngine()
        measuring = asyncio.ensure_future(engine.dry_run(str(starter), LoadParams()))
        await asyncio.sleep(0.01)
        await engine.close()
        return (await asyncio.gather(measuring, return_exceptions=True))[0]

    assert isinstance(asyncio.run(go()), errors.EngineError)


def test_after_closing_nothing_is_begun(starter: Path) -> None:
    async def go() -> None:
        engine = HostEngine()
        await engine.close()
        await engine.dry_run(str(starter), LoadParams())

    with pytest.raises(errors.EngineError, match="Nothing was measured"):
        asyncio.run(go())
