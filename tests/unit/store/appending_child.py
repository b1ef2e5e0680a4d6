"""Asks and answers without end and reports what it committed: `python -m … DATABASE`.

A line on standard output is "MESSAGE COUNT": of this message so many pieces (`piece`) are on disk.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from app.domain.conversation import ChatParams, MessageStatus, Run
from app.domain.generation import PartKind
from app.store.sqlite_store import SqliteStore

PIECES = 8


def piece(message_id: int, number: int) -> str:
    """What is appended."""
    return f"<{message_id}.{number}>"


async def main(path: Path) -> None:
    """Until somebody kills the process."""
    store = SqliteStore(path)
    await store.recover(1)
    conversation = await store.create_conversation(ChatParams(), None, 1)
    parent: int | None = None
    while True:
        _, answer = await store.add_turn(conversation.id, parent, "go on", 1)
        for number in range(PIECES):
            await store.append(answer.id, PartKind.TEXT, piece(answer.id, number))
            os.write(1, f"{answer.id} {number + 1}\n".encode())
        await store.finish(answer.id, MessageStatus.DONE, Run("m", "/m", ChatParams()), 1)
        parent = answer.id


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
