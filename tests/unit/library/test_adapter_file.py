"""Opening paths as LoRA adapters."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.errors import FileMissing, LoadSettingsRefused, NotGguf
from app.library.adapter_file import require_adapter
from tests.helpers.gguf_files import starter_adapter, starter_file, tiny_file


def test_an_adapter_for_this_family(tmp_path: Path) -> None:
    require_adapter(str(starter_adapter(tmp_path / "noise.gguf")), "llama")


def test_an_adapter_for_another_family_names_both(tmp_path: Path) -> None:
    adapter = starter_adapter(tmp_path / "noise.gguf")
    with pytest.raises(LoadSettingsRefused, match="another model") as raised:
        require_adapter(str(adapter), "qwen2")
    assert "“llama”" in raised.value.detail
    assert "“qwen2”" in raised.value.detail
    assert raised.value.remedy


@pytest.mark.parametrize("kind", ["dora", ""])
def test_another_kind_of_adapter(tmp_path: Path, kind: str) -> None:
    adapter = starter_adapter(tmp_path / "noise.gguf", {"adapter.type": kind})
    with pytest.raises(LoadSettingsRefused, match="is not a LoRA adapter"):
        require_adapter(str(adapter), "llama")


def test_a_model_is_no_adapter(tmp_path: Path) -> None:
    for path in (starter_file(), tiny_file(tmp_path / "tiny.gguf")):
        with pytest.raises(LoadSettingsRefused, match="is not a LoRA adapter"):
            require_adapter(str(path), "llama")


def test_what_is_not_there_or_no_gguf(tmp_path: Path) -> None:
    text = tmp_path / "notes.gguf"
    text.write_text("no adapter")
    with pytest.raises(NotGguf):
        require_adapter(str(text), "llama")
    with pytest.raises(FileMissing):
        require_adapter(str(tmp_path / "absent.gguf"), "llama")
