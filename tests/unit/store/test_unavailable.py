"""The stand-in: empty lists, and the reason for everything else."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from app.domain.errors import StoreNewer
from app.domain.ports import ConversationStore
from app.store.unavailable import UnavailableStore

ERROR = StoreNewer("newer")
STORE: ConversationStore = UnavailableStore(ERROR)
METHODS = [name for name, _ in inspect.getmembers(ConversationStore, inspect.isfunction)]
GENTLE = {
    "list_conversations",
    "search",
    "fits",
    "benchmarks",
    "longest_conversation",
    "close",
}


def test_lists_are_empty():
    async def main():
        lists = [
            await STORE.list_conversations(trashed=True),
            await STORE.search("x", 3),
            await STORE.fits("machine"),
            await STORE.benchmarks("machine", "a.gguf", 1),
        ]
        assert await STORE.longest_conversation() == 0
        await STORE.close()
        return lists

    assert asyncio.run(main()) == [[], [], [], []]


@pytest.mark.parametrize("name", [n for n in METHODS if n not in GENTLE and n[0] != "_"])
def test_the_rest_is_refused_with_the_reason(name: str):
    arguments = inspect.signature(getattr(ConversationStore, name)).parameters
    wanted = [None for p in arguments.values() if p.kind is p.POSITIONAL_OR_KEYWORD][1:]
    with pytest.raises(StoreNewer) as raised:
        asyncio.run(getattr(STORE, name)(*wanted))
    assert raised.value is ERROR
