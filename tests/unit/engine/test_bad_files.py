"""Files that are no chat model, or no model at all: each has its own error and remedy.

The library's header reader catches most of these first; here the engine must do without it.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest

from app.domain import errors
from app.domain.generation import Loaded
from app.engine.supervisor import HostEngine
from tests.helpers.engine_rig import Rig
from tests.helpers.gguf_files import GgufFile, starter_copy, starter_shell, tiny_file

pytestmark = pytest.mark.native_model


def refused(rig: Rig, path: Path, **params: Any) -> errors.AppError:
    error = rig.load(path, **params).error
    assert error.title.endswith(".")
    assert error.remedy.endswith(".")
    assert rig.engine.loaded is None
    return error


def test_an_empty_file(shared_host: Rig, tmp_path: Path) -> None:
    path = tmp_path / "empty.gguf"
    path.touch()
    assert isinstance(refused(shared_host, path), errors.ModelFileError)


def test_a_text_file(shared_host: Rig, tmp_path: Path) -> None:
    path = tmp_path / "text.gguf"
    path.write_text("This is only text. " * 100)
    assert isinstance(refused(shared_host, path), errors.NotGguf)


def test_a_folder(shared_host: Rig, tmp_path: Path) -> None:
    assert isinstance(refused(shared_host, tmp_path), errors.FileUnreadable)


def test_nothing_there(shared_host: Rig, tmp_path: Path) -> None:
    assert isinstance(refused(shared_host, tmp_path / "none.gguf"), errors.FileMissing)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(shared_host: Rig, tmp_path: Path) -> None:
    path = starter_shell(tmp_path / "secret.gguf")
    path.chmod(0)
    assert isinstance(refused(shared_host, path), errors.FileUnreadable)


@pytest.mark.parametrize("part", range(12))
def test_a_file_cut_short_at_twelve_places(
    shared_host: Rig, starter: Path, tmp_path: Path, part: int
) -> None:
    size = starter.stat().st_size
    header = 1_800_000
    lengths = [5, 20, 100, 5_000, 300_000, header // 2, header - 100]
    lengths += [header + 100_000, size // 3, size // 2, size - 1_000_000, size - 1]
    path = tmp_path / "cut.gguf"
    with starter.open("rb") as source:
        path.write_bytes(source.read(min(lengths[part], 2 * header)))
    os.truncate(path, lengths[part])
    assert isinstance(refused(shared_host, path), errors.FileDamaged | errors.NotGguf)


def test_a_vocabulary(shared_host: Rig, tmp_path: Path) -> None:
    path = GgufFile(tensors=()).write(tmp_path / "vocab.gguf")
    assert isinstance(refused(shared_host, path), errors.NotAChatModel)


def test_an_unknown_architecture(shared_host: Rig, tmp_path: Path) -> None:
    path = tiny_file(tmp_path / "nova.gguf", general__architecture="nova")
    error = refused(shared_host, path)
    assert isinstance(error, errors.ArchitectureUnknown)
    assert "nova" in error.detail


@pytest.mark.parametrize(
    "changes",
    [
        {"general__architecture": "clip", "general__type": "mmproj"},
        {"general__architecture": "clip"},
        {"general__type": "adapter"},
    ],
    ids=["mmproj", "clip", "adapter"],
)
def test_another_kind_of_file(shared_host: Rig, tmp_path: Path, changes: dict[str, Any]) -> None:
    error = refused(shared_host, tiny_file(tmp_path / "other.gguf", **changes))
    assert isinstance(error, errors.NotAChatModel)


@pytest.mark.parametrize(
    "changes",
    [{"llama.pooling_type": 1}, {"llama.attention.causal": False}],
    ids=["pooling", "not causal"],
)
def test_an_embedding_model(shared_host: Rig, tmp_path: Path, changes: dict[str, Any]) -> None:
    path = starter_shell(tmp_path / "embedding.gguf", changes)
    error = refused(shared_host, path)
    assert isinstance(error, errors.NotAChatModel)
    assert "embedding" in error.detail


def test_a_missing_second_shard(shared_host: Rig, tmp_path: Path) -> None:
    changes = {"split.count": 2, "split.no": 0, "split.tensors.count": 2}
    path = starter_shell(tmp_path / "big-00001-of-00002.gguf", _typed_split(changes))
    assert isinstance(refused(shared_host, path), errors.ShardMissing)


def _typed_split(changes: dict[str, int]) -> dict[str, Any]:
    from tests.helpers.gguf_files import Typed

    kinds = {"split.count": "u16", "split.no": "u16", "split.tensors.count": "i32"}
    return {key: Typed(kinds[key], value) for key, value in changes.items()}


def test_weights_that_were_never_written(shared_host: Rig, tmp_path: Path) -> None:
    """The room of a download is taken at its beginning."""
    shared_host.load_well(starter_shell(tmp_path / "zero.gguf"), context_length=512)
    error = shared_host.ask("Hello", max_tokens=3).error
    assert isinstance(error, errors.ModelBroken)


def test_weights_that_are_no_numbers(shared_host: Rig, starter: Path, tmp_path: Path) -> None:
    path = starter_copy(tmp_path / "nan.gguf")
    with path.open("r+b") as file:
        file.seek(-4_000_000, os.SEEK_END)
        start = file.tell()
        file.write(struct.pack("<e", float("nan")) * ((path.stat().st_size - start) // 2))
    shared_host.load_well(path, context_length=512)
    error = shared_host.ask("Hello", max_tokens=3).error
    assert isinstance(error, errors.ModelBroken)


def test_a_file_deleted_after_it_was_loaded(hosted: Rig, tmp_path: Path) -> None:
    path = starter_copy(tmp_path / "gone.gguf")
    hosted.load_well(path, context_length=512)
    path.unlink()
    assert hosted.ask("Hello", max_tokens=3).text


# ----------------------------------------------------------------------------------- templates


def load_with_template(rig: Rig, path: Path, template: str) -> Loaded:
    starter_copy(path, {"tokenizer.chat_template": template})
    return rig.load_well(path, context_length=512)


def test_a_template_with_a_mistake(shared_host: Rig, tmp_path: Path) -> None:
    loaded = load_with_template(shared_host, tmp_path / "t.gguf", "{% if %}")
    assert "mistake" in loaded.info.template_note
    error = shared_host.ask("Hello").error
    assert isinstance(error, errors.TemplateBroken)
    assert "Line 1" in error.detail
    assert error.remedy


def test_a_template_that_never_ends(shared_host: Rig, tmp_path: Path) -> None:
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    load_with_template(shared_host, tmp_path / "t.gguf", endless)
    assert isinstance(shared_host.ask("Hello").error, errors.TemplateEndless)


def test_a_template_that_says_nothing(shared_host: Rig, tmp_path: Path) -> None:
    load_with_template(shared_host, tmp_path / "t.gguf", " ")
    assert shared_host.ask("Hello", max_tokens=2).all


def test_a_model_without_a_template(shared_host: Rig, tmp_path: Path) -> None:
    path = starter_copy(tmp_path / "t.gguf", remove=["tokenizer.chat_template"])
    info = shared_host.load_well(path, context_length=512).info
    assert (info.has_template, info.template_note) == (False, "")
    assert shared_host.ask("Hello", max_tokens=5).text


def test_reasoning_opened_by_the_template(shared_host: Rig, tmp_path: Path) -> None:
    template = "{{ messages[0].content }}\n<think>\n"
    load_with_template(shared_host, tmp_path / "t.gguf", template)
    events = shared_host.ask("Say </think> now.", max_tokens=8)
    assert not events.text
    assert events.all


# -------------------------------------------------------------------------------------- memory


def test_a_context_that_cannot_fit_is_refused_before_it_is_made(
    tmp_path: Path, starter: Path
) -> None:
    path = starter_shell(tmp_path / "long.gguf", {"llama.context_length": 9_000_000})
    rig = Rig(HostEngine)
    error = refused(rig, path, context_length=9_000_000)
    rig.close()
    assert isinstance(error, errors.OutOfMemory)
    assert "GiB" in error.detail
