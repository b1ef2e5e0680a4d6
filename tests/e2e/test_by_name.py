"""A name in the terminal, in real processes: what fits, through Ollama, and two at once."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.commands import DONE, FAILED
from tests.helpers.gguf_files import starter_file
from tests.helpers.hub_server import FakeRepo, HubServer
from tests.helpers.ollama_server import FULL, Fault, OllamaServer

ROOT = Path(__file__).parents[2]
PATIENCE = 60
TINY = "tiny:135m"
REPO = "author/Tiny-GGUF"


@pytest.fixture
def ollama(tmp_path: Path) -> Iterator[OllamaServer]:
    """An Ollama that can have the starter model."""
    models = {TINY: [starter_file().read_bytes(), b"{{ .Prompt }}"]}
    with OllamaServer(tmp_path / "ollama", models, step=32 << 20) as server:
        yield server


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        server.add(FakeRepo(REPO, {"Tiny-Q4_1.gguf": starter_file().read_bytes()}))
        yield server


def command(*words: str, **environment: str) -> subprocess.Popen[str]:
    own = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.Popen(
        [sys.executable, "-m", "app", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        cwd=ROOT,
        env={**own, **environment},
    )


def lamplight(*words: str, **environment: str) -> tuple[int, str, str]:
    process = command(*words, **environment)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def fingerprints(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_pulled_by_ollama_and_used_in_its_place(ollama: OllamaServer, profile: Path):
    status, out, err = lamplight("pull", TINY, "--json", OLLAMA_HOST=ollama.host)
    assert (status, err) == (DONE, "")
    events = [json.loads(line) for line in out.splitlines()]
    (path,) = events[-1]["paths"]
    assert path == str(ollama.blob(starter_file().read_bytes()))
    assert any(event["type"] == "progress" and event["parts"] for event in events)
    assert path in (profile / "settings.toml").read_text()
    before = fingerprints(ollama.folder)
    status, out, _ = lamplight("chat", "--model", path, "--max-tokens", "4", "Hello")
    assert status == DONE
    assert out.strip()
    status, out, _ = lamplight("fit", TINY, OLLAMA_HOST=ollama.host)
    assert status == DONE
    assert "it fits" in out
    assert fingerprints(ollama.folder) == before


@pytest.mark.parametrize(
    ("name", "fault", "sentence"),
    [
        ("tyni:135m", None, "Ollama knows no model “tyni:135m”."),
        (TINY, Fault(after=1, line=json.dumps({"error": FULL}).encode() + b"\n"), "is full"),
        (TINY, Fault(200, b"<html>"), "is not an Ollama that Lamplight understands"),
    ],
)
def test_what_ollama_cannot_do_is_said(
    ollama: OllamaServer, profile: Path, name: str, fault: Fault | None, sentence: str
):
    if fault is not None:
        ollama.faults.append(fault)
    status, out, err = lamplight("pull", name, OLLAMA_HOST=ollama.host)
    assert (status, out) == (FAILED, "")
    assert sentence in err
    assert "Traceback" not in err


def test_where_no_ollama_runs(profile: Path):
    status, _, err = lamplight("pull", "llama3.2:3b", OLLAMA_HOST="127.0.0.1:9")
    assert status == FAILED
    assert err.startswith("Ollama is not running.\n")


def test_what_fits_is_told_from_the_header_alone(hub: HubServer, profile: Path):
    address = f"{hub.address}/{REPO}/blob/main/Tiny-Q4_1.gguf?download=true"
    status, out, err = lamplight("fit", address, "--ctx", "4096", "--json", HF_ENDPOINT=hub.address)
    assert (status, err) == (DONE, "")
    told = json.loads(out)
    assert (told["verdict"], told["context_length"]) == ("fits", 4096)
    assert told["needed"] == told["weights"] + told["context"] + told["buffers"]
    assert hub.sent < 4_000_000


def test_two_pulls_at_once_and_one_is_told_where_the_other_is(hub: HubServer, profile: Path):
    hub.bytes_per_second = 2_000_000
    first = command("pull", REPO, "--json", HF_ENDPOINT=hub.address)
    try:
        assert first.stdout is not None
        assert json.loads(first.stdout.readline())["type"] == "progress"
        status, _, err = lamplight("pull", REPO, HF_ENDPOINT=hub.address)
    finally:
        first.terminate()
        first.communicate(timeout=PATIENCE)
    assert status == FAILED
    assert "looks after the downloads of this profile" in err
    assert f"process {first.pid}" in err
    assert "in its terminal" in err
    assert "--profile" not in err
