"""`lamplight bench` in real processes: the history is kept, the chosen model is left alone."""

from __future__ import annotations

import json
from pathlib import Path

from app.cli.commands import DONE
from tests.e2e.test_cli import lamplight
from tests.helpers.gguf_files import babbler

SHORT = ("--depths", "0,64", "--repeat", "1", "--json")


def test_the_second_is_compared_with_the_first(tmp_path: Path) -> None:
    model = str(babbler(tmp_path / "tiny.gguf"))
    words = ("--profile", str(tmp_path / "profile"), "bench", "--model", model, *SHORT)
    first = lamplight(*words)
    assert first.returncode == DONE, first.stderr
    document = json.loads(first.stdout)
    assert [speed["depth"] for speed in document["result"]["speeds"]] == [0, 64]
    assert document["subject"]["path"] == model
    assert document["compared"] is None
    second = json.loads(lamplight(*words).stdout)
    assert second["compared"].startswith("Compared with ")
    # What is measured does not become what the window shows.
    assert not (tmp_path / "profile" / "settings.toml").exists()
