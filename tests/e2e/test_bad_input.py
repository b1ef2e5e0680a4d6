"""Whatever is wrong is a sentence with a remedy of its own, in a window that lives on."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.gguf_files import GgufFile, Typed, starter_copy, starter_file, tiny_file
from tests.unit.store.protected import fill_disk, read_only, small_disk

SHORT = ["tokens", 12]
GOOD = [["starter"], ["ask", "Say hello."]]


def play(profile: Path, *steps: list[Any]) -> list[tuple[str, list[list[str]]]]:
    """What became of each step."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.bad_input_driver", str(profile), json.dumps(steps)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == [step[0] for step in steps]
    for _, _, errors in lines:
        for _, title, remedy in errors:
            assert title.strip(), errors
            assert remedy.strip(), errors
    return [(outcome, errors) for _, outcome, errors in lines]


def kinds(errors: list[list[str]]) -> set[str]:
    return {kind for kind, _, _ in errors}


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """By name: a file that cannot be a chat model, and the kind of its refusal."""
    starter = starter_file().read_bytes()

    def written(name: str, content: bytes) -> Path:
        path = folder / f"{name}.gguf"
        path.write_bytes(content)
        return path

    directory = folder / "directory.gguf"
    directory.mkdir()
    unreadable = folder / "unreadable.gguf"
    # Nobody, not even root, can read a link that leads to itself.
    unreadable.symlink_to(unreadable)
    found = {
        "empty": (written("empty", b""), "model_file.not_gguf"),
        "text": (written("text", b"Dear diary,\n" * 100), "model_file.not_gguf"),
        "directory": (directory, "model_file.unreadable"),
        "unreadable": (unreadable, "model_file.unreadable"),
        "missing": (folder / "missing.gguf", "model_file.missing"),
        "architecture": (
            starter_copy(folder / "arch.gguf", {"general.architecture": "martian"}),
            "model_file.architecture",
        ),
        "vocabulary": (
            GgufFile(tensors=()).write(folder / "vocabulary.gguf"),
            "model_file.not_chat",
        ),
        "projector": (
            tiny_file(folder / "mmproj.gguf", general__architecture="clip"),
            "model_file.not_chat",
        ),
        "embedding": (
            tiny_file(folder / "embedding.gguf", general__architecture="bert"),
            "model_file.not_chat",
        ),
        "shard": (
            tiny_file(
                folder / "split-00001-of-00002.gguf",
                split__count=Typed("u16", 2),
                split__no=Typed("u16", 0),
            ),
            "model_file.shard_missing",
        ),
    }
    for number in range(12):
        # From within the magic number to the last bytes of the weights.
        end = (
            (2, 7, 20, 30, 500, 100_000, 1_000_000, 1_800_000)[number]
            if number < 8
            else (len(starter) * (number - 7) // 5 if number < 11 else len(starter) - 1)
        )
        cut = written(f"cut-{number}", starter[:end])
        found[f"truncated at {end}"] = (cut, "model_file.damaged")
    return found


def test_every_bad_file_has_its_sentence_and_the_window_answers_afterwards(tmp_path: Path):
    files = bad_files(tmp_path)
    steps = [["open", str(path)] for path, _ in files.values()]
    outcomes = play(tmp_path / "profile", *steps, SHORT, *GOOD)
    for (name, (_, kind)), (outcome, errors) in zip(files.items(), outcomes, strict=False):
        assert outcome in ("refused", "failed"), name
        assert kind in kinds(errors), (name, errors)
    assert outcomes[-1] == ("done", [])


def test_damaged_headers_in_the_window(tmp_path: Path):
    """A sample of flipped bytes; tests/unit/engine has all 300 seeds."""
    import random

    source, paths = starter_file().read_bytes(), []
    for seed in range(8):
        dice = random.Random(seed)
        header = bytearray(source[:1_790_000])
        for _ in range(4):
            header[dice.randrange(4000)] ^= 1 << dice.randrange(8)
        path = tmp_path / f"flipped-{seed}.gguf"
        path.write_bytes(bytes(header) + source[1_790_000:])
        paths.append(path)
    outcomes = play(tmp_path / "profile", *(["open", str(path)] for path in paths), SHORT, *GOOD)
    assert {outcome for outcome, _ in outcomes[:8]} <= {"refused", "failed", "ready"}
    assert outcomes[-1] == ("done", [])


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        ("{% for message in messages %}{{ message.content", "engine.template_broken"),
        (
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
            "engine.template_endless",
        ),
    ],
)
def test_a_bad_template_fails_the_answer_only(tmp_path: Path, template: str, kind: str):
    path = starter_copy(tmp_path / "template.gguf", {"tokenizer.chat_template": template})
    opened, asked, _, _, good = play(
        tmp_path / "profile", ["open", str(path)], ["ask", "Hello?"], SHORT, *GOOD
    )
    assert opened[0] == "ready"
    assert (asked[0], kinds(asked[1])) == ("failed", {kind})
    assert good == ("done", [])


def test_absurd_lengths(tmp_path: Path):
    long = "word " * 9000
    outcomes = play(
        tmp_path / "profile",
        ["look"],
        SHORT,
        ["context", 10_000_000],
        ["ask", "Hello?"],
        ["context", None],
        ["ask", long],
        *GOOD,
    )
    assert outcomes[3][0] == "failed"
    assert "engine.context_length" in kinds(outcomes[3][1])
    assert (outcomes[5][0], kinds(outcomes[5][1])) == ("failed", {"engine.prompt_too_long"})
    # The question of 9,000 words is still part of the conversation.
    assert outcomes[-1][0] == "failed"


def test_a_file_deleted_after_it_was_loaded(tmp_path: Path):
    path = starter_copy(tmp_path / "here-now.gguf")
    outcomes = play(
        tmp_path / "profile",
        ["open", str(path)],
        ["delete", str(path)],
        SHORT,
        ["ask", "Still there?"],
        ["unload"],
        ["ask", "And now?"],
        *GOOD,
    )
    assert outcomes[3][0] == "done"
    assert outcomes[5][0] == "failed"
    assert "model_file.missing" in kinds(outcomes[5][1])
    assert outcomes[-1] == ("done", [])


def test_a_damaged_settings_file(tmp_path: Path):
    (tmp_path / "settings.toml").write_text("[chat\ntemperature = maybe")
    looked, *_, good = play(tmp_path, ["look"], SHORT, *GOOD)
    assert kinds(looked[1]) == {"config.settings_damaged"}
    assert good == ("done", [])


def used_profile(folder: Path) -> Path:
    """A profile with one conversation; its database."""
    play(folder, SHORT, *GOOD)
    return folder / "conversations.db"


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path):
    database = used_profile(tmp_path)
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA user_version = 9999")
    looked, asked = play(tmp_path, ["look"], ["ask", "Hello?"])
    assert kinds(looked[1]) == {"store.newer"}
    assert (asked[0], kinds(asked[1])) == ("unsent, text kept", {"store.newer"})
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("SELECT count(*) FROM message").fetchone()[0] == 2


def test_a_damaged_database_is_kept_and_a_new_one_begun(tmp_path: Path):
    database = used_profile(tmp_path)
    damaged = bytearray(database.read_bytes())
    damaged[:16] = b"no database any\n"
    database.write_bytes(damaged)
    looked, *_, good = play(tmp_path, ["look"], SHORT, *GOOD)
    assert kinds(looked[1]) == {"store.damaged"}
    assert good == ("done", [])
    (kept,) = tmp_path.glob("conversations-damaged-*.db")
    assert kept.read_bytes() == bytes(damaged)


def test_a_read_only_profile_shows_what_is_there(tmp_path: Path):
    used_profile(tmp_path)
    with read_only(tmp_path):
        looked, asked = play(tmp_path, ["look"], ["ask", "Hello?"])
    assert kinds(looked[1]) == {"store.read_only"}
    assert asked[0] == "unsent, text kept"


def test_a_profile_that_is_a_file(tmp_path: Path):
    (tmp_path / "profile").write_text("in the way")
    looked, asked = play(tmp_path / "profile", ["look"], ["ask", "Hello?"])
    assert kinds(looked[1]) == {"store.read_only"}
    assert asked[0] == "unsent, text kept"


def test_a_full_disk_keeps_the_text_in_the_composer(tmp_path: Path):
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder, 2 << 20):
        used_profile(folder)
        fill_disk(folder / "ballast")
        _, asked = play(folder, ["look"], ["ask", "Hello? " * 2000])
        (folder / "ballast").unlink()
        *_, good = play(folder, SHORT, *GOOD)
    assert asked[0] == "unsent, text kept"
    assert "store.disk_full" in kinds(asked[1])
    assert good == ("done", [])
