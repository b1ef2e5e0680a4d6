"""Opening paths as models: what is told, and a sentence with a remedy for everything else."""

from __future__ import annotations

import math
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from app.domain.errors import (
    FileDamaged,
    FileMissing,
    FileUnreadable,
    GgufFormUnknown,
    ModelFileError,
    NotAChatModel,
    NotGguf,
    ShardMissing,
)
from app.domain.localmodel import LocalModel
from app.library.model_file import inspect_file
from tests.helpers.gguf_files import (
    LLAMA_ENTRIES,
    ONE_TENSOR,
    GgufFile,
    Tensor,
    Typed,
    starter_file,
    tiny_file,
)

TRUNCATIONS = 12


def opened(path: Path) -> LocalModel:
    """The model at a path."""
    return inspect_file(str(path))[0]


def refusal(path: Path | str, case: type[ModelFileError]) -> ModelFileError:
    """The error that opening gives; it must be of exactly this case, with a remedy."""
    with pytest.raises(ModelFileError) as caught:
        inspect_file(str(path))
    assert type(caught.value) is case, caught.value.detail
    assert caught.value.title
    assert caught.value.remedy
    return caught.value


# --------------------------------------------------------------------------------------- facts


def test_the_facts_of_the_starter_model() -> None:
    facts = opened(starter_file()).facts
    assert facts.architecture == "llama"
    assert facts.quantisation == "Q4_1"
    assert facts.trained_context == 8192
    assert facts.block_count == 30
    assert facts.embedding_length == 576
    assert facts.vocab_size == 49_152
    assert facts.tensor_count == 272
    assert facts.parameters == 134_515_008
    assert facts.file_bytes == starter_file().stat().st_size
    assert "<|im_start|>" in facts.chat_template


def test_a_header_that_says_little_gives_empty_facts(tmp_path: Path) -> None:
    entries = {"general.architecture": "llama"}
    facts = opened(GgufFile(entries).write(tmp_path / "plain.gguf")).facts
    assert facts.name == facts.chat_template == ""
    assert facts.trained_context == facts.block_count == facts.vocab_size == 0
    assert facts.quantisation == "F32", "told by the tensors"


def test_facts_of_wrong_types_are_ignored(tmp_path: Path) -> None:
    path = tiny_file(
        tmp_path / "odd.gguf",
        general__name=3,
        general__file_type="Q4_0",
        llama__context_length="long",
        llama__block_count=True,
        llama__embedding_length=Typed("i32", -5),
        tokenizer__chat_template=["a", "b"],
    )
    facts = opened(path).facts
    assert facts.name == facts.chat_template == ""
    assert facts.trained_context == facts.block_count == facts.embedding_length == 0


def test_the_recommended_sampling_is_read(tmp_path: Path) -> None:
    path = tiny_file(
        tmp_path / "advice.gguf",
        general__sampling__temp=Typed("f32", 0.6),
        general__sampling__top_k=Typed("i32", 20),
        general__sampling__top_p=Typed("f32", 7.0),
        general__sampling__min_p="much",
        general__sampling__penalty_repeat=Typed("f32", math.nan),
        general__sampling__mirostat=Typed("i32", 2),
    )
    advice = dict(opened(path).facts.sampling)
    assert advice == {"temperature": 0.6, "top_k": 20, "mirostat": 2}, "the rest is out of bounds"


@pytest.mark.parametrize(
    ("name", "quantisation"),
    [
        ("Llama-3.2-3B-Instruct-Q4_K_M.gguf", "Q4_K_M"),
        ("qwen.iq3_xxs.gguf", "IQ3_XXS"),
        ("gemma-UD-Q4_K_XL.gguf", "Q4_K_XL"),
        ("phi-bf16.gguf", "BF16"),
        ("Q8_0_things.gguf", "F32"),
        ("anything.gguf", "F32"),
    ],
)
def test_a_header_without_a_file_type_is_named_after_its_file(
    name: str, quantisation: str, tmp_path: Path
) -> None:
    path = tiny_file(tmp_path / name, general__file_type=None)
    assert opened(path).facts.quantisation == quantisation


def test_the_file_type_of_the_header_comes_before_the_name(tmp_path: Path) -> None:
    path = tiny_file(tmp_path / "m-Q8_0.gguf", general__file_type=17)
    assert opened(path).facts.quantisation == "Q5_K_M"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Mistral-7B-Q4_0.gguf", "Mistral-7B-Q4_0"),
        ("model.gguf", "Tiny"),
        ("ggml-model-q4_0.gguf", "Tiny"),
        ("sha256-b179c9523d0e6a0f.gguf", "Tiny"),
    ],
)
def test_the_label_is_the_files_name_unless_that_says_nothing(
    name: str, label: str, tmp_path: Path
) -> None:
    assert opened(tiny_file(tmp_path / name)).label == label


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny_file(tmp_path / "here.gguf")
    monkeypatch.chdir(tmp_path)
    assert opened(Path("here.gguf")).path == str(path)


def test_the_name_need_not_end_in_gguf(tmp_path: Path) -> None:
    assert opened(tiny_file(tmp_path / "blob")).facts.architecture == "llama"


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text there")
def test_a_name_that_is_no_text_gives_a_label_that_is(tmp_path: Path) -> None:
    path = tiny_file(Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xff.gguf")))
    assert opened(path).label == "m?"
    path.write_text("no")
    assert "“m?.gguf”" in refusal(path, NotGguf).title


# ----------------------------------------------------------------------------- no readable file


def test_nothing_there(tmp_path: Path) -> None:
    error = refusal(tmp_path / "gone.gguf", FileMissing)
    assert "gone.gguf" in error.title


def test_a_path_below_a_file(tmp_path: Path) -> None:
    refusal(tiny_file(tmp_path / "file.gguf") / "below.gguf", FileMissing)


def test_a_path_that_no_file_system_can_hold() -> None:
    refusal("a\0b.gguf", FileMissing)


def test_a_folder(tmp_path: Path) -> None:
    assert "folder" in refusal(tmp_path, FileUnreadable).title


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in the file system")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    refusal(tmp_path / "pipe.gguf", FileUnreadable)


@pytest.mark.skipif(sys.platform == "win32", reason="no sockets in the file system")
def test_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.gguf")
        refusal(tmp_path / "s.gguf", FileUnreadable)


@pytest.mark.skipif(sys.platform == "win32", reason="rights are not bits there")
def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny_file(tmp_path / "mine.gguf")
    path.chmod(0)
    if os.access(path, os.R_OK):
        # The superuser may read everything, so the system's answer is acted.
        def refuse(*_: Any, **__: Any) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("builtins.open", refuse)
    assert "not allowed" in refusal(path, FileUnreadable).title


def test_a_drive_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny_file(tmp_path / "bad.gguf")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("builtins.open", fail)
    error = refusal(path, FileUnreadable)
    assert error.detail == "Input/output error"
    assert "5" not in error.title + error.detail


# ------------------------------------------------------------------------------- other formats


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Dear diary, today", "text"),
        ("Grüße, 漢字\n".encode(), "text"),
        (("é" * 600).encode(), "text"),
        (b"<!DOCTYPE html><html>404", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"\x40\x00\x00\x00\x00\x00\x00\x00" + b'{"a":1}', "safetensors"),
        (b"tjgg\x03\x00\x00\x00", "old format"),
        (bytes(4096), "zeros"),
        (b"\x7fELF\x02\x01\x01\x00", "some other kind"),
    ],
)
def test_other_files_are_named(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "named.gguf"
    path.write_bytes(content)
    assert words in refusal(path, NotGguf).detail


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.gguf").touch()
    assert "is empty" in refusal(tmp_path / "empty.gguf", NotGguf).title


def test_a_big_endian_magic(tmp_path: Path) -> None:
    (tmp_path / "big.gguf").write_bytes(b"FUGG" + bytes(100))
    assert "processor" in refusal(tmp_path / "big.gguf", GgufFormUnknown).title


@pytest.mark.parametrize("length", [1, 3, 4, 12, 23])
def test_a_file_cut_in_its_first_bytes(length: int, tmp_path: Path) -> None:
    path = tmp_path / "stub.gguf"
    path.write_bytes(GgufFile().to_bytes()[:length])
    assert "incomplete" in refusal(path, FileDamaged).title


# ------------------------------------------------------------------------- damaged, cut short


def test_a_model_cut_anywhere_is_incomplete(tmp_path: Path) -> None:
    """12 places, from within the header to one byte before the end."""
    whole = starter_file().read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(whole)
    lengths = [len(whole) * step // TRUNCATIONS for step in range(1, TRUNCATIONS)] + [1_000_000]
    for length in [len(whole) - 1, *sorted(lengths, reverse=True)]:
        os.truncate(path, length)
        error = refusal(path, FileDamaged)
        assert f"{length:,} of" in error.detail
        if length > 2_000_000:
            assert f"{length:,} of {len(whole):,} bytes" in error.detail


def test_a_header_without_architecture_is_damaged(tmp_path: Path) -> None:
    refusal(tiny_file(tmp_path / "x.gguf", general__architecture=None), FileDamaged)


def test_more_weights_than_bytes_is_damage(tmp_path: Path) -> None:
    tensors = [Tensor("t", (1 << 32, 1 << 10), type_id=999, nbytes=64)]
    path = GgufFile(LLAMA_ENTRIES, tensors).write(tmp_path / "x.gguf")
    assert "more than fit" in refusal(path, FileDamaged).detail


# -------------------------------------------------------------------------- not a chat model


NOT_CHAT: dict[str, tuple[dict[str, Any], str]] = {
    "projector by architecture": ({"general__architecture": "clip"}, "see or hear"),
    "projector by type": ({"general__type": "mmproj"}, "see or hear"),
    "adapter": ({"general__type": "adapter"}, "adapter"),
    "control vector": ({"general__architecture": "controlvector"}, "adapter"),
    "embedding by architecture": ({"general__architecture": "nomic-bert"}, "searching"),
    "embedding by pooling": ({"llama__pooling_type": 3}, "searching"),
    "embedding by attention": ({"llama__attention__causal": False}, "searching"),
    "voice": ({"general__architecture": "wavtokenizer-dec"}, "writes text"),
}


@pytest.mark.parametrize("case", NOT_CHAT)
def test_other_kinds_are_not_for_chat(case: str, tmp_path: Path) -> None:
    changes, words = NOT_CHAT[case]
    assert words in refusal(tiny_file(tmp_path / "x.gguf", **changes), NotAChatModel).title


def test_a_vocabulary_is_not_for_chat(tmp_path: Path) -> None:
    path = GgufFile(LLAMA_ENTRIES, []).write(tmp_path / "vocab.gguf")
    assert "vocabulary" in refusal(path, NotAChatModel).title


@pytest.mark.parametrize(
    "changes", [{"llama__pooling_type": 0}, {"llama__attention__causal": True}]
)
def test_what_says_that_it_is_ordinary_can_chat(changes: dict[str, Any], tmp_path: Path) -> None:
    assert opened(tiny_file(tmp_path / "x.gguf", **changes))


def test_an_unknown_architecture_is_for_the_engine_to_refuse(tmp_path: Path) -> None:
    path = tiny_file(tmp_path / "new.gguf", general__architecture="from-the-future")
    assert opened(path).facts.architecture == "from-the-future"


# ---------------------------------------------------------------------------------- shards


def shard(folder: Path, number: int, total: int = 3, *, tensors: int = 1, **split: int) -> Path:
    """Write one part of a split model."""
    entries = dict(LLAMA_ENTRIES) if number == 0 else {}
    entries["split.no"] = Typed("u16", split.get("no", number))
    entries["split.count"] = Typed("u16", total)
    entries["split.tensors.count"] = Typed("i32", split.get("told", total))
    held = [Tensor(f"t{number}.{index}") for index in range(tensors)]
    path = folder / f"big-{number + 1:05d}-of-{total:05d}.gguf"
    return GgufFile(entries, held).write(path)


def test_a_split_model_is_one(tmp_path: Path) -> None:
    paths = [shard(tmp_path, number) for number in range(3)]
    for path in paths:
        found, stamps = inspect_file(str(path))
        assert found.path == str(paths[0])
        assert found.label == "big"
        assert found.facts.shards == len(stamps) == 3
        assert found.facts.tensor_count == 3
        assert found.facts.file_bytes == sum(path.stat().st_size for path in paths)


def test_a_first_shard_may_have_no_weights(tmp_path: Path) -> None:
    paths = [shard(tmp_path, 0, 2, tensors=0, told=1), shard(tmp_path, 1, 2)]
    assert opened(paths[0]).facts.tensor_count == 1


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_missing_shard_is_named(absent: int, tmp_path: Path) -> None:
    paths = [shard(tmp_path, number) for number in range(3)]
    paths[absent].unlink()
    error = refusal(paths[absent - 1], ShardMissing)
    assert paths[absent].name in error.detail


def test_a_renamed_shard_cannot_find_the_others(tmp_path: Path) -> None:
    path = shard(tmp_path, 0).rename(tmp_path / "renamed.gguf")
    assert "of “renamed.gguf” cannot be found" in refusal(path, ShardMissing).title


def test_a_shard_that_is_cut_short_is_named(tmp_path: Path) -> None:
    paths = [shard(tmp_path, number) for number in range(3)]
    os.truncate(paths[2], paths[2].stat().st_size - 1)
    assert paths[2].name in refusal(paths[0], FileDamaged).title


def test_a_shard_in_the_wrong_place_is_named(tmp_path: Path) -> None:
    paths = [shard(tmp_path, 0), shard(tmp_path, 1, no=2), shard(tmp_path, 2)]
    assert paths[1].name in refusal(paths[0], FileDamaged).title


def test_a_shard_past_the_last_is_damaged(tmp_path: Path) -> None:
    refusal(shard(tmp_path, 0, no=9), FileDamaged)


def test_shards_that_lack_tensors_are_damaged(tmp_path: Path) -> None:
    paths = [shard(tmp_path, number, told=7) for number in range(3)]
    assert "3 of 7 tensors" in refusal(paths[0], FileDamaged).detail


def test_a_header_claims_more_shards_than_there_can_be(tmp_path: Path) -> None:
    """65,535 shards are looked for in one listing, not one by one."""
    entries = {**LLAMA_ENTRIES, "split.count": Typed("u16", 65_535), "split.no": Typed("u16", 0)}
    path = GgufFile(entries, ONE_TENSOR).write(tmp_path / "m-00001-of-65535.gguf")
    refusal(path, ShardMissing)
