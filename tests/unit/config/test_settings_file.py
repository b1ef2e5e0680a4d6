"""The settings file: read with care, written whole, and nobody's words in it are lost."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.config.settings_file import SettingsFile
from app.domain.errors import ConfigError, SettingsDamaged
from app.domain.settings import (
    AppearanceSettings,
    ChatSettings,
    EngineSettings,
    LibrarySettings,
    Settings,
)
from tests.unit.store.protected import read_only

CHANGED = Settings(
    appearance=AppearanceSettings("dark"),
    chat=ChatSettings('Say "hi"\nand \\ more ✓', 1.0, 0.5, 0.1, 7, 1.25, 99),
    engine=EngineSettings("thread", 3, False),
    library=LibrarySettings(("/a b.gguf", 'C:\\m\\"x".gguf'), "/a b.gguf"),
)


def made(path: Path, text: str | bytes = "") -> SettingsFile:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return SettingsFile(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_no_file_means_defaults_and_makes_none(path: Path):
    file = SettingsFile(path)
    assert (file.current, file.notices) == (Settings(), [])
    assert not path.exists()


def test_every_setting_is_kept(path: Path):
    SettingsFile(path).replace(CHANGED)
    again = SettingsFile(path)
    assert (again.current, again.notices) == (CHANGED, [])
    assert [p.name for p in path.parent.iterdir()] == ["settings.toml"]


def test_what_is_default_is_not_written(path: Path):
    SettingsFile(path).replace(replace(Settings(), appearance=AppearanceSettings("dark")))
    assert tomllib.loads(path.read_text()) == {
        "schema_version": 1,
        "appearance": {"theme": "dark"},
    }


def test_a_setting_can_go_back_to_its_default(path: Path):
    file = SettingsFile(path)
    file.replace(CHANGED)
    file.replace(Settings())
    assert SettingsFile(path).current == Settings()


def test_unknown_keys_comments_and_order_are_kept(path: Path):
    text = (
        "# mine\nschema_version = 7\nlater = [1, 2]\n\n"
        "[chat] # note\nnewer = 'x'\ntop_k = 5 # few\n\n[plugin.a]\nb = 2020-01-01\n"
    )
    file = made(path, text)
    assert (file.notices, file.current.chat.top_k) == ([], 5)
    file.replace(replace(file.current, chat=replace(file.current.chat, top_k=6)))
    assert path.read_text() == text.replace("top_k = 5", "top_k = 6")


def test_what_was_changed_by_hand_meanwhile_is_kept_where_it_is_not_ours(path: Path):
    file = made(path, "[chat]\ntop_k = 5\n")
    path.write_text("[chat]\ntop_k = 5\n[other]\na = 1\n")
    file.replace(CHANGED)
    assert tomllib.loads(path.read_text())["other"] == {"a": 1}


BAD = {
    "a number out of bounds": ("chat.temperature = 5.5", "5 or less"),
    "a number below": ("chat.top_k = -1", "0 or more"),
    "not a number": ("chat.temperature = nan", "a number"),
    "text for a number": ("chat.top_k = '5'", "a whole number"),
    "a fraction for a whole number": ("chat.top_k = 5.5", "a whole number"),
    "a truth for a number": ("chat.top_k = true", "a whole number"),
    "a truth for a fraction": ("chat.top_p = true", "a number"),
    "a number for a truth": ("engine.load_at_start = 1", "true or false"),
    "no choice": ("appearance.theme = 'pink'", "system, light, dark"),
    "a number for text": ("chat.system_prompt = 1", "text"),
    "a text for a list": ("library.model_files = 'a'", "a list of texts"),
    "a list of numbers": ("library.model_files = [1]", "a list of texts"),
    "no section": ("chat = 5", "a section"),
    "a list of sections": ("[[chat]]\ntop_k = 5", "a section"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_becomes_the_default_and_is_told(path: Path, name: str):
    line, must = BAD[name]
    file = made(path, line)
    assert file.current == Settings()
    (notice,) = file.notices
    assert isinstance(notice, SettingsDamaged)
    assert must in notice.remedy
    assert str(path) in notice.detail
    file.replace(replace(file.current, chat=replace(file.current.chat, max_tokens=9)))
    again = SettingsFile(path)
    assert (again.notices, again.current.chat.max_tokens) == ([], 9)


def test_a_bad_value_leaves_the_others_alone(path: Path):
    file = made(path, "[chat]\ntop_k = -4\ntop_p = 0.5\n[appearance]\ntheme = 'dark'\n")
    assert (file.current.chat.top_p, file.current.appearance.theme) == (0.5, "dark")
    assert len(file.notices) == 1
    assert "Top-k" in file.notices[0].title


def test_a_whole_number_does_for_a_fraction(path: Path):
    file = made(path, "[chat]\ntemperature = 2\n")
    assert isinstance(file.current.chat.temperature, float)
    assert (file.current.chat.temperature, file.notices) == (2.0, [])


@pytest.mark.parametrize(
    "content",
    [b"[chat\ntop_k = 5", b"top_k = ", b"\xff\xfe\x00", b"a = 1\na = 2", b"[" * 5000],
    ids=["open", "no value", "not text", "twice", "deep"],
)
def test_a_file_that_cannot_be_understood_is_kept_aside(path: Path, content: bytes):
    file = made(path, content)
    assert file.current == Settings()
    (notice,) = file.notices
    (kept,) = path.parent.iterdir()
    assert kept.name.startswith("settings-damaged-2")
    assert kept.name in notice.remedy
    assert kept.read_bytes() == content
    file.replace(CHANGED)
    assert SettingsFile(path).current == CHANGED
    assert kept.read_bytes() == content


def test_a_file_that_was_broken_meanwhile_is_kept_aside_too(path: Path):
    file = SettingsFile(path)
    path.write_text("[chat")
    file.replace(CHANGED)
    assert SettingsFile(path).current == CHANGED
    assert len(list(path.parent.glob("settings-damaged-*.toml"))) == 1


def test_a_file_that_cannot_be_read_is_not_overwritten(path: Path):
    path.mkdir()  # what even root cannot read
    file = SettingsFile(path)
    assert file.current == Settings()
    assert "can't be read" in file.notices[0].title
    with pytest.raises(ConfigError):
        file.replace(CHANGED)
    assert path.is_dir()


def test_what_cannot_be_saved_holds_until_the_end(path: Path):
    file = made(path, "[chat]\ntop_k = 5\n")
    with read_only(path.parent):
        with pytest.raises(ConfigError) as raised:
            file.replace(CHANGED)
        assert file.current == CHANGED
        assert SettingsFile(path).current.chat.top_k == 5
    assert raised.value.remedy


def test_a_damaged_file_in_a_protected_folder_stays_where_it_is(path: Path):
    path.write_text("[chat")
    with read_only(path.parent):
        file = SettingsFile(path)
    assert file.current == Settings()
    assert path.read_text() == "[chat"


def test_half_characters_do_not_stop_it(path: Path):
    chat = replace(CHANGED.chat, system_prompt="a\ud83d")
    SettingsFile(path).replace(replace(CHANGED, chat=chat))
    assert SettingsFile(path).current.chat.system_prompt == "a?"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.lists(st.text(), max_size=3), st.floats(0, 5))
def test_any_text_and_number_come_back(path: Path, text: str, files: list[str], number: float):
    chat = replace(CHANGED.chat, system_prompt=text, temperature=number)
    wanted = replace(CHANGED, chat=chat, library=LibrarySettings(tuple(files), text))
    SettingsFile(path).replace(wanted)
    again = SettingsFile(path)
    assert (again.current, again.notices) == (wanted, [])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


KEYS = [
    (section.name, setting.name)
    for section in fields(Settings)
    for setting in fields(getattr(Settings(), section.name))
]


@given(VALUES, st.sampled_from(KEYS))
def test_a_value_is_taken_or_told(value: Any, key: tuple[str, str]):
    section, name = key
    file = SettingsFile(Path("nowhere"))
    read = getattr(getattr(file._usable({section: {name: value}}), section), name)
    if file.notices:
        assert read == getattr(getattr(Settings(), section), name)
    else:
        assert list(read) == value if isinstance(read, tuple) else read == value


def test_reading_needs_no_tomlkit(path: Path):
    path.write_text("[chat]\ntop_k = 5\n")
    code = (
        "import sys, pathlib; from app.config.settings_file import SettingsFile; "
        f"SettingsFile(pathlib.Path({str(path)!r})); "
        "sys.exit('tomlkit' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
