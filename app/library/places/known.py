"""Where other applications keep their models, on each system, and who reads which folder.

Sources: huggingface_hub constants.py; lmstudio.js findLMStudioHome.ts; ollama envconfig/config.go;
jan src-tauri/src/core/app/commands.rs; gpt4all mysettings.cpp with Qt's QStandardPaths and
QSettings (IniFormat); llama.cpp common.cpp, fs_get_cache_directory.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.domain.library import Origin
from app.library.places.huggingface import look_through_cache
from app.library.places.jan import look_through_jan
from app.library.places.lead import Breathe, Findings, Place
from app.library.places.llamacpp import look_through_llamacpp
from app.library.places.ollama import look_through_ollama
from app.library.places.walk import look_through

_LARGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What tells where applications keep their things."""

    system: str
    """As `sys.platform`."""
    home: str
    environment: Mapping[str, str]

    @staticmethod
    def here() -> Surroundings:
        """This computer and this person."""
        return Surroundings(sys.platform, os.path.expanduser("~"), os.environ)

    def folder(self, kind: str) -> str:
        """Where applications keep `data`, `local` data, `config` or `cache`."""
        variable, linux, mac, windows = _FOLDERS[kind]
        if self.system == "win32":
            return self.environment.get(windows) or os.path.join(self.home, *_WINDOWS[windows])
        if self.system == "darwin":
            return os.path.join(self.home, *mac)
        return self.environment.get(variable) or os.path.join(self.home, *linux)


_SUPPORT: Final = ("Library", "Application Support")
_FOLDERS: Final = {
    "data": ("XDG_DATA_HOME", (".local", "share"), _SUPPORT, "APPDATA"),
    "local": ("XDG_DATA_HOME", (".local", "share"), _SUPPORT, "LOCALAPPDATA"),
    "config": ("XDG_CONFIG_HOME", (".config",), (".config",), "APPDATA"),
    "cache": ("XDG_CACHE_HOME", (".cache",), ("Library", "Caches"), "LOCALAPPDATA"),
}
_WINDOWS: Final = {
    "APPDATA": ("AppData", "Roaming"),
    "LOCALAPPDATA": ("AppData", "Local"),
}


def application_places(around: Surroundings) -> list[Place]:
    """Each application's folder, whether it is there or not; Ollama's may be two."""
    found = [
        Place(Origin.HUGGING_FACE, _huggingface(around)),
        Place(Origin.LM_STUDIO, _lmstudio(around)),
        *(Place(Origin.OLLAMA, path) for path in _ollama(around)),
        Place(Origin.JAN, _jan(around)),
        Place(Origin.GPT4ALL, _gpt4all(around)),
        Place(Origin.LLAMA_CPP, _llamacpp(around)),
    ]
    unique: dict[str, Place] = {}
    for place in found:
        path = os.path.normpath(place.path)
        unique.setdefault(path, Place(place.origin, path))
    return list(unique.values())


def reader_of(origin: Origin) -> Callable[[Place, Breathe], Findings]:
    """What knows how to read a place of this origin."""
    return _READERS.get(origin, look_through)


def _published(place: Place, breathe: Breathe) -> Findings:
    return look_through(place, breathe, published=True)


_READERS: Final[dict[Origin, Callable[[Place, Breathe], Findings]]] = {
    Origin.OWN: _published,
    Origin.HUGGING_FACE: look_through_cache,
    Origin.LM_STUDIO: _published,
    Origin.OLLAMA: look_through_ollama,
    Origin.JAN: look_through_jan,
    Origin.LLAMA_CPP: look_through_llamacpp,
}


def _huggingface(around: Surroundings) -> str:
    given = around.environment
    named = given.get("HF_HUB_CACHE") or given.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return os.path.expanduser(named)
    home = given.get("HF_HOME")
    if home:
        return os.path.join(os.path.expanduser(home), "hub")
    # The same on every system, unlike other caches.
    cache = given.get("XDG_CACHE_HOME") or os.path.join(around.home, ".cache")
    return os.path.join(cache, "huggingface", "hub")


def _lmstudio(around: Surroundings) -> str:
    older = os.path.join(around.home, ".cache", "lm-studio")
    usual = older if os.path.isdir(older) else os.path.join(around.home, ".lmstudio")
    home = _text(os.path.join(around.home, ".lmstudio-home-pointer")).strip() or usual
    settings = os.path.join(home, "settings.json")
    older_settings = os.path.join(around.folder("config"), "LM Studio", "settings.json")
    if around.system == "darwin":
        older_settings = os.path.join(around.folder("data"), "LM Studio", "settings.json")
    moved = _json_text(settings, "downloadsFolder") or _json_text(older_settings, "downloadsFolder")
    return moved or os.path.join(home, "models")


def _ollama(around: Surroundings) -> list[str]:
    named = around.environment.get("OLLAMA_MODELS")
    if named:
        return [os.path.expanduser(named)]
    own = os.path.join(around.home, ".ollama", "models")
    # Where Ollama runs as a service; others often may not read there.
    service = "/usr/share/ollama/.ollama/models"
    return [own, service] if around.system == "linux" and os.path.isdir(service) else [own]


def _jan(around: Surroundings) -> str:
    named = around.environment.get("JAN_DATA_FOLDER")
    home = os.path.join(around.folder("data"), "Jan")
    older = os.path.join(around.folder("config"), "Jan", "settings.json")
    moved = _json_text(os.path.join(home, "settings.json"), "data_folder")
    return named or moved or _json_text(older, "data_folder") or os.path.join(home, "data")


def _gpt4all(around: Surroundings) -> str:
    ini = os.path.join(around.folder("config"), "nomic.ai", "GPT4All.ini")
    match = re.search(r"^modelPath=(.+)$", _text(ini), re.MULTILINE)
    if match:
        return match[1].strip().strip('"').replace("\\\\", "\\")
    return os.path.join(around.folder("local"), "nomic.ai", "GPT4All")


def _llamacpp(around: Surroundings) -> str:
    named = around.environment.get("LLAMA_CACHE")
    return named or os.path.join(around.folder("cache"), "llama.cpp")


def _text(path: str) -> str:
    """A small text file; empty where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""


def _json_text(path: str, key: str) -> str:
    """A text of a JSON object; empty where there is none."""
    try:
        found: Any = json.loads(_text(path) or "null")
        value = found[key]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
