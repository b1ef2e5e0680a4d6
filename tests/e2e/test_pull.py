"""Finding and fetching a model on the command line: real processes, a hub on loopback."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.commands import DONE, FAILED, INTERRUPTED
from app.hub.transfers.journal import read_all
from tests.helpers.gguf_files import starter_file
from tests.helpers.hub_server import FakeRepo, HubServer

ROOT = Path(__file__).parents[2]
PATIENCE = 50
NAME = "author/Tiny-GGUF"
FILE = "Tiny-Q4_1.gguf"

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture
def hub() -> Iterator[HubServer]:
    """A hub that has the starter model."""
    with HubServer() as server:
        content = starter_file().read_bytes()
        server.add(FakeRepo(NAME, {FILE: content, "README.md": b"x"}, card="# Tiny"))
        yield server


def command(hub: HubServer, *words: str) -> subprocess.Popen[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
    }
    return subprocess.Popen(
        [sys.executable, "-m", "app", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        cwd=ROOT,
        env={**environment, "HF_ENDPOINT": hub.address},
    )


def done(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def lamplight(hub: HubServer, *words: str) -> tuple[int, str, str]:
    return done(command(hub, *words))


def pulled(profile: Path) -> Path:
    return profile / "models" / "author" / "Tiny-GGUF" / FILE


def safe_beginning(profile: Path) -> int:
    """How many bytes from the beginning of the file the journal knows to be on disk."""
    for record in read_all(profile / "models"):
        for start, end in record.files[0].spans[:1]:
            return 0 if start else end
    return 0


def test_searched_looked_at_fetched_and_there(hub: HubServer, profile: Path):
    status, out, err = lamplight(hub, "models", "search", "tiny", "--json")
    assert (status, err) == (DONE, "")
    assert [repo["id"] for repo in json.loads(out)] == [NAME]
    status, out, _ = lamplight(hub, "models", "show", NAME)
    assert status == DONE
    assert "* Q4_1" in out
    assert "free memory with a context of 8,192 tokens: fits" in out
    assert hub.sent < 8_000_000
    status, out, err = lamplight(hub, "pull", f"{NAME}:q4_1", "--json")
    assert (status, err) == (DONE, "")
    events = [json.loads(line) for line in out.splitlines()]
    assert events[-1]["type"] == "finished"
    assert events[-1]["paths"] == [str(pulled(profile))]
    assert pulled(profile).read_bytes() == starter_file().read_bytes()
    # It is among the models, as a copy of the starter by the hash that the hub has told.
    status, out, _ = lamplight(hub, "models", "list", "--json")
    found = [entry for entry in json.loads(out)["models"] if entry["origin"] == "starter"]
    assert [copy["path"] for copy in found[0]["copies"]] == [str(pulled(profile))]
    assert found[0]["sha256"] == hashlib.sha256(starter_file().read_bytes()).hexdigest()


def test_fetching_what_is_there_fetches_nothing(hub: HubServer, profile: Path):
    assert lamplight(hub, "pull", NAME)[0] == DONE
    sent = hub.sent
    status, out, _ = lamplight(hub, "pull", f"https://huggingface.co/{NAME}/blob/main/{FILE}")
    assert (status, out.strip()) == (DONE, str(pulled(profile)))
    assert hub.sent == sent


@posix_only
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_what_was_interrupted_goes_on(hub: HubServer, profile: Path, how: signal.Signals):
    hub.bytes_per_second = 3_000_000
    process = command(hub, "pull", NAME, "--json")
    deadline = time.monotonic() + PATIENCE
    while safe_beginning(profile) < 3_000_000:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(how)
    assert done(process)[0] in (INTERRUPTED, -signal.SIGKILL)
    assert not pulled(profile).exists()
    hub.bytes_per_second = 0
    kept, asked = safe_beginning(profile), len(hub.storage_requests())
    assert lamplight(hub, "pull", NAME)[0] == DONE
    later = [request.span for request in hub.storage_requests()[asked:]]
    assert min(span[0] for span in later if span) >= kept
    assert pulled(profile).read_bytes() == starter_file().read_bytes()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("pull", "author/absent"), "is only for people with an account, or does not exist"),
        (("pull", f"{NAME}:Q8_0"), "It has: Q4_1."),
        (("models", "show", "llama3.2:3b"), "is not the name of a repository"),
    ],
)
def test_what_cannot_be_had_is_said(
    hub: HubServer, profile: Path, words: tuple[str, ...], sentence: str
):
    status, out, err = lamplight(hub, *words)
    assert (status, out) == (FAILED, "")
    assert sentence in err
    assert "Traceback" not in err


def test_the_offline_switch_holds_on_the_command_line_too(hub: HubServer, profile: Path):
    profile.mkdir(parents=True)
    (profile / "settings.toml").write_text("[network]\noffline = true\n")
    status, _, err = lamplight(hub, "models", "search", "tiny")
    assert status == FAILED
    assert "set to use no network" in err
    assert hub.seen == []


def test_a_window_that_is_open_keeps_its_downloads(hub: HubServer, profile: Path):
    from app.config.profile_lock import ProfileLock

    profile.mkdir(parents=True)
    lock = ProfileLock(profile / "downloads.lock")
    lock.acquire()
    try:
        status, _, err = lamplight(hub, "pull", NAME)
    finally:
        lock.release()
    assert status == FAILED
    assert "already running with this profile" in err


def test_wrong_usage(hub: HubServer, profile: Path):
    assert lamplight(hub, "pull")[0] == 2
    assert lamplight(hub, "models")[0] == 2
    assert lamplight(hub, "models", "search", "--sort", "beauty")[0] == 2
