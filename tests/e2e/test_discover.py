"""From “which model?” to an answer within the window: a real process, a hub on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.helpers.gguf_files import starter_file
from tests.helpers.hub_server import FakeRepo, HubServer

ROOT = Path(__file__).parents[2]
PATIENCE = 100
NAME = "author/Tiny-GGUF"


def played(hub: HubServer, profile: Path) -> dict[str, Any]:
    """What the window told on the way."""
    environment = {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.discover_driver", profile],
        cwd=ROOT,
        env={**environment, "HF_ENDPOINT": hub.address, "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        timeout=PATIENCE,
        check=True,
    )
    return dict(json.loads(line) for line in done.stdout.splitlines())


def test_search_page_fit_download_chat(tmp_path: Path):
    with HubServer() as hub:
        content = starter_file().read_bytes()
        hub.add(FakeRepo(NAME, {"Tiny-Q4_1.gguf": content}, card="# Tiny\n\n<b>Small</b> model."))
        hub.add(FakeRepo("someone/Other-70B-GGUF", {"Other-Q8_0.gguf": b"x" * 1000}))

        told = played(hub, tmp_path)
        first, second = hub.seen[:2]
    # Nothing was asked before somebody typed.
    assert (first.path, first.query["search"]) == ("/api/models", ["tiny"])
    assert second.path == f"/api/models/{NAME}"
    assert told["found"] == [NAME]
    assert told["card"] == "# Tiny\n\nSmall model."
    assert "Takes about" in told["fit"]
    assert told["answer"]
    fetched = tmp_path / "models" / "author" / "Tiny-GGUF" / "Tiny-Q4_1.gguf"
    assert fetched.read_bytes() == content
