"""Models in other applications' folders: listed and answering where they lie, left as they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.commands import DONE, FAILED
from tests.helpers.gguf_files import babbler
from tests.helpers.model_folders import Home, all_six, gguf, put, state_of

ROOT = Path(__file__).parents[2]
PATIENCE = 50
"""Seconds; a start takes one on an idle machine."""
_VARIABLES = (
    "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE",
    "JAN_DATA_FOLDER", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME",
)  # fmt: skip

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="folders as Linux has them")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def lamplight(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as the person whose home that is."""
    environment = {name: value for name, value in os.environ.items() if name not in _VARIABLES}
    environment |= {"HOME": str(home.path), "LAMPLIGHT_HOME": str(home.path / "profile")}
    return subprocess.run(
        [sys.executable, "-m", "app", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def listed(home: Home) -> dict[str, str]:
    """The path of the first model of each origin."""
    done = lamplight(home, "models", "list", "--json")
    assert done.returncode == DONE, done.stderr
    return {entry["origin"]: entry["path"] for entry in json.loads(done.stdout)["models"]}


def theirs(home: Home) -> dict[str, tuple[str, int, int]]:
    """All that is in the home but the profile."""
    found = state_of(home.path)
    return {name: state for name, state in found.items() if not name.startswith("profile")}


@pytest.mark.native_model
@pytest.mark.timeout(300)
def test_models_of_all_six_answer_where_they_lie_and_nothing_changes(home: Home, tmp_path: Path):
    model = babbler(tmp_path / "babbler.gguf").read_bytes()
    all_six(home, model)
    before = theirs(home)
    paths = listed(home)
    # The same content everywhere is one entry, as far as the folders tell its hash.
    assert {"lmstudio", "gpt4all", "jan"} <= paths.keys()
    assert paths.keys() & {"huggingface", "ollama", "llamacpp"}
    files = all_paths(home)
    for origin in ("huggingface", "ollama"):
        done = lamplight(home, "chat", "--model", files[origin], "--max-tokens", "4", "Hello")
        assert done.returncode == DONE, done.stderr
    for origin in ("lmstudio", "ollama"):
        assert lamplight(home, "models", "remove", files[origin]).returncode == FAILED
    assert lamplight(home, "models", "verify", files["ollama"]).returncode == DONE
    assert theirs(home) == before


def all_paths(home: Home) -> dict[str, str]:
    """Where the model of each application lies, by the folders themselves."""
    return {
        "huggingface": str(next((home.hub).rglob("snapshots/*/*.gguf"))),
        "ollama": str(next((home.ollama / "blobs").iterdir())),
        "lmstudio": str(next(home.lmstudio.rglob("*.gguf"))),
    }


def test_a_file_is_added_checked_found_twice_and_put_into_the_trash(home: Home, tmp_path: Path):
    source = put(tmp_path / "some.gguf", gguf())
    added = lamplight(home, "models", "import", str(source))
    assert added.returncode == DONE, added.stderr
    path = Path(added.stdout.strip())
    assert path == home.path / "profile/models/imported/some/some.gguf"
    assert "No hash was known" in lamplight(home, "models", "verify", "some").stdout
    assert "is sound" in lamplight(home, "models", "verify", "some").stdout
    path.write_bytes(gguf(general__name="Nine"))
    put(home.lmstudio / "a/b/some.gguf", path.read_bytes())
    same = lamplight(home, "models", "duplicates", "--json")
    assert json.loads(same.stdout.splitlines()[-1])["reclaimable"] == path.stat().st_size
    removed = lamplight(home, "models", "remove", str(path))
    assert removed.returncode == DONE, removed.stderr
    assert not path.exists()
    assert (home.path / ".local/share/Trash/files/some.gguf").exists()
