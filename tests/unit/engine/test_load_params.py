"""Load parameters with real llama.cpp: what they change, and that bad ones never reach it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.domain.errors import (
    FileMissing,
    LoadSettingsRefused,
    TemplateBroken,
    TemplateEndless,
)
from app.domain.generation import Failed
from app.domain.load_params import Adapter, LoadParams
from app.engine.supervisor import HostEngine
from app.engine.thread_engine import ThreadEngine
from tests.helpers.engine_rig import Rig
from tests.helpers.gguf_files import GgufFile, babbler, starter_adapter

QUESTION = "What is the capital of France? Answer in one sentence."


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """One host for all of this: it must survive everything."""
    made = Rig(HostEngine)
    made.run(made.engine.describe())
    yield made
    assert isinstance(made.engine, HostEngine)
    assert made.engine.host_pid == made.run(pid_of(made))
    made.close()


async def pid_of(made: Rig) -> int:
    engine = made.engine
    assert isinstance(engine, HostEngine)
    assert engine.host_pid is not None
    return engine.host_pid


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return starter_adapter(tmp_path_factory.mktemp("adapters") / "noise.gguf")


def answer(rig: Rig, model: Path, **params: Any) -> str:
    rig.load_well(model, **{"context_length": 512, "threads": 1, **params})
    return rig.ask(QUESTION, max_tokens=24).text


@pytest.fixture(scope="module")
def plain(rig: Rig, starter: Path) -> str:
    """The answer with everything as usual."""
    return answer(rig, starter)


def refused(rig: Rig, model: Path, **params: Any) -> Any:
    """The error of a load; nothing may have died of it."""
    before = rig.run(pid_of(rig))
    last = rig.load(model, **params).last
    assert isinstance(last, Failed), last
    assert rig.run(pid_of(rig)) == before
    assert psutil.pid_exists(before)
    return last.error


# --------------------------------------------------------------------------------- adapters


def test_an_adapter_changes_the_answer_by_its_strength(
    rig: Rig, starter: Path, adapter: Path, plain: str
) -> None:
    with_it = answer(rig, starter, adapters=(Adapter(str(adapter)),))
    assert with_it != plain
    assert answer(rig, starter, adapters=(Adapter(str(adapter), 0.0),)) == plain
    assert answer(rig, starter, adapters=(Adapter(str(adapter), 0.2),)) != with_it
    # Added and taken away again.
    both = (Adapter(str(adapter), 1.0), Adapter(str(adapter), -1.0))
    assert answer(rig, starter, adapters=both) == plain


def test_an_adapter_counts_in_the_memory(rig: Rig, starter: Path, adapter: Path) -> None:
    without = rig.load_well(starter, context_length=512).info.weights_bytes
    info = rig.load_well(starter, context_length=512, adapters=(Adapter(str(adapter)),)).info
    assert info.weights_bytes - without == pytest.approx(adapter.stat().st_size, rel=0.05)


def test_what_is_no_adapter_is_refused(rig: Rig, starter: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.gguf"
    text.write_text("no adapter")
    empty = tmp_path / "empty.gguf"
    empty.touch()
    for path in (starter, text, empty):
        error = refused(rig, starter, adapters=(Adapter(str(path)),))
        assert isinstance(error, LoadSettingsRefused)
        assert path.name in error.title
    missing = refused(rig, starter, adapters=(Adapter(str(tmp_path / "absent.gguf")),))
    assert isinstance(missing, FileMissing)


@pytest.mark.parametrize(
    "changes",
    [{"general.architecture": "qwen2"}, {"adapter.type": "dora"}, {"general.type": "model"}],
    ids=lambda changes: next(iter(changes)),
)
def test_an_adapter_of_another_kind_is_refused(
    rig: Rig, starter: Path, tmp_path: Path, changes: dict[str, str]
) -> None:
    other = starter_adapter(tmp_path / "other.gguf", changes)
    error = refused(rig, starter, adapters=(Adapter(str(other)),))
    assert isinstance(error, LoadSettingsRefused)


def test_an_adapter_of_another_size_or_cut_short_is_refused(
    rig: Rig, starter: Path, adapter: Path, tmp_path: Path
) -> None:
    wide = starter_adapter(tmp_path / "wide.gguf", width=640)
    short = tmp_path / "short.gguf"
    short.write_bytes(adapter.read_bytes()[:100_000])
    bare = GgufFile({"general.architecture": "llama", "general.type": "adapter",
                     "adapter.type": "lora"}, []).write(tmp_path / "bare.gguf")  # fmt: skip
    for path in (wide, short):
        error = refused(rig, starter, adapters=(Adapter(str(path)),))
        assert isinstance(error, LoadSettingsRefused), path
    # One that changes nothing is harmless.
    rig.load_well(starter, context_length=512, adapters=(Adapter(str(bare)),))


# ------------------------------------------------------------------------------- the cache


def test_smaller_types_take_less_and_still_answer(rig: Rig, starter: Path) -> None:
    sizes: list[int] = []
    for kind in ("f32", "f16", "q8_0", "q4_0"):
        info = rig.load_well(starter, context_length=512, key_type=kind, value_type=kind).info
        assert info.params.key_type == kind
        assert rig.ask(QUESTION, max_tokens=2).last.stats.answer_tokens
        sizes.append(info.context_bytes)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == pytest.approx(2 * sizes[1])


def test_types_that_the_heads_do_not_fill_are_refused(rig: Rig, tmp_path: Path) -> None:
    small = babbler(tmp_path / "small.gguf")
    error = refused(rig, small, key_type="q8_0")
    assert isinstance(error, LoadSettingsRefused)
    assert "automatic" in error.remedy


@pytest.mark.parametrize(
    "params",
    [
        {"key_type": "q9_9"},
        {"value_type": "q4_0", "flash_attention": "off"},
        {"flash_attention": "maybe"},
        {"rope_scaling": "longrope"},
    ],
    ids=str,
)
def test_what_llama_cpp_would_not_survive_is_refused_before(
    rig: Rig, starter: Path, params: dict[str, str]
) -> None:
    assert isinstance(refused(rig, starter, **params), LoadSettingsRefused)


# ------------------------------------------------------------------------------- the rest


def test_absurd_numbers_are_brought_within_bounds(rig: Rig, tmp_path: Path) -> None:
    small = babbler(tmp_path / "small.gguf")
    wild: dict[str, Any] = {
        "threads": 100_000, "prompt_threads": 100_000, "batch": 10**9, "micro_batch": 10**9,
        "rope_factor": float("nan"), "rope_base": float("inf"), "gpu_layers": 10**9,
        "tensor_split": (float("nan"), -5.0, 1e30), "main_device": 0,
    }  # fmt: skip
    info = rig.load_well(small, **wild).info
    assert info.threads <= (psutil.cpu_count() or 1)
    assert info.params.micro_batch == 8192
    assert rig.ask("Hello", max_tokens=3).last.stats.answer_tokens


def test_batches_of_another_size_give_the_same_answer(rig: Rig, starter: Path) -> None:
    long = QUESTION + " Think of rivers, hills and towns." * 20
    rig.load_well(starter, context_length=1024, threads=1)
    usual = rig.ask(long, max_tokens=12).text
    for batch, micro_batch in ((128, 128), (512, 128)):
        rig.load_well(starter, context_length=1024, threads=1, batch=batch, micro_batch=micro_batch)
        assert rig.ask(long, max_tokens=12).text == usual


def test_other_positions_give_another_answer(rig: Rig, starter: Path, plain: str) -> None:
    assert answer(rig, starter, rope_scaling="linear", rope_factor=4.0) != plain
    assert answer(rig, starter, rope_base=100.0) != plain


def test_a_file_that_is_not_mapped(rig: Rig, starter: Path, plain: str) -> None:
    assert answer(rig, starter, mmap=False) == plain
    assert rig.engine.loaded is not None
    assert rig.engine.loaded.mapped_bytes == 0
    assert answer(rig, starter, mlock=True) == plain


def test_a_template_in_place_of_the_files(rig: Rig, starter: Path) -> None:
    mine = "Count with me: one, two, three,{# {{ messages }} #}"
    said = answer(rig, starter, template=mine)
    assert "four" in said
    assert rig.engine.loaded is not None
    assert rig.engine.loaded.params.template == mine


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        ("{% for m in messages %}", TemplateBroken),
        ("{{ messages[9].content }}", TemplateBroken),
        ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
         TemplateEndless),
    ],
)  # fmt: skip
def test_a_bad_template_is_refused_before_anything_is_read(
    rig: Rig, starter: Path, template: str, kind: type[Exception]
) -> None:
    assert isinstance(refused(rig, starter, template=template), kind)
    assert rig.engine.loaded is None


def test_a_dry_run_follows_the_parameters(rig: Rig, starter: Path) -> None:
    params = LoadParams(context_length=2048, key_type="q8_0", value_type="q8_0", micro_batch=128)
    told = rig.run(rig.engine.dry_run(str(starter), params))
    info = rig.load_well(starter, **asdict(params)).info
    assert (told.context_bytes, told.compute_bytes) == (info.context_bytes, info.compute_bytes)
    with pytest.raises(LoadSettingsRefused):
        rig.run(rig.engine.dry_run(str(starter), LoadParams(key_type="q9_9")))


@pytest.mark.parametrize("make", [HostEngine, ThreadEngine], ids=["process", "thread"])
def test_devices_have_names_and_memory(make: type[HostEngine | ThreadEngine]) -> None:
    made = Rig(make)
    try:
        devices = made.run(made.engine.devices())
    finally:
        made.close()
    (processor,) = [device for device in devices if device.name == "CPU"]
    assert processor.description
    assert 0 < processor.free_bytes < processor.total_bytes
