"""A download that the end of the application interrupts: it goes on by itself at the next start.

The real window, engine host and starter model; a hub on loopback that has the starter model.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.downloads_driver import ENOUGH
from tests.helpers.gguf_files import starter_file
from tests.helpers.hub_server import FakeRepo, HubServer

ROOT = Path(__file__).parents[2]
REPO, FILE = "author/Tiny-GGUF", "Tiny-Q4_1.gguf"
SLACK = 1 << 20
"""Bytes that were received, but not yet handed to the disk, when the window was closed."""

ON_THE_WAY = 16 << 20
"""Bytes in the buffers of connections that were given up, for another one to take over."""


def played(hub: HubServer, profile: Path, part: str) -> dict[str, list[Any]]:
    """What a run of the window told, by the first word of each line."""
    environment = {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
    }
    environment |= {"HF_ENDPOINT": hub.address}
    environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.downloads_driver", str(profile), part, REPO],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line[0]: line[1:] for line in lines}


@pytest.mark.timeout(180)
def test_closed_in_the_midst_it_goes_on_and_is_used(profile: Path):
    content = starter_file().read_bytes()
    with HubServer() as hub:
        hub.add(FakeRepo(REPO, {FILE: content}))
        told = played(hub, profile, "begin")
        title, words = told["row"]
        assert title == "Tiny-GGUF Q4_1"
        assert " of 98 MB · " in words
        assert told["glance"][0].startswith("Downloading ")
        before = told["closing"][0]
        assert ENOUGH < before < len(content), "it was not in the midst of it"
        assert not list(profile.rglob("*.gguf"))
        hub.sent = 0
        told = played(hub, profile, "go-on")
    assert told["again"][0] >= before - SLACK
    assert hub.sent <= len(content) - before + ON_THE_WAY, "some of it was fetched again"
    assert told["toast"] == [f"“{title}” is ready."]
    assert told["answer"][0]
    (fetched,) = profile.rglob("*.gguf")
    assert fetched.read_bytes() == content
