"""A process killed at any moment has lost nothing that it had called written."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from app.store.sqlite_store import SqliteStore
from tests.unit.store.appending_child import piece
from tests.unit.store.building import database, run, sound

ROUNDS = 25


def killed_child(path: Path, chance: random.Random) -> dict[int, int]:
    """Pieces by message that a child reported before and while it was killed."""
    command = [sys.executable, "-m", "tests.unit.store.appending_child", str(path)]
    reported: dict[int, int] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        last = chance.randrange(1, 40)
        for count, line in enumerate(child.stdout):
            message_id, pieces = map(int, line.split())
            reported[message_id] = pieces
            if count == last:
                # At any point of the next turns, not only right after a commit.
                child.kill()
        assert child.wait() < 0
    return reported


def test_nothing_that_was_reported_is_lost(tmp_path: Path):
    path, chance, reported = tmp_path / "a.db", random.Random(20), {}
    for _ in range(ROUNDS):
        reported |= killed_child(path, chance)
        with database(path) as db:
            assert sound(db)

    async def read(store: SqliteStore):
        await store.recover(1)
        return {ident: (await store.message(ident)).text for ident in reported}

    texts = run(read, path)
    for ident, pieces in reported.items():
        assert texts[ident].startswith("".join(piece(ident, n) for n in range(pieces)))
    assert len(reported) > ROUNDS


def test_the_last_conversation_goes_on(tmp_path: Path):
    killed_child(tmp_path / "a.db", random.Random(1))

    async def test(store: SqliteStore):
        recovered = await store.recover(1)
        newest = (await store.list_conversations())[0]
        path = await store.path(newest.id)
        await store.add_turn(newest.id, path[-1].id, "go on", 1)
        return recovered, len(await store.path(newest.id)) - len(path)

    recovered, more = run(test, tmp_path / "a.db")
    assert recovered <= 1
    assert more == 2
