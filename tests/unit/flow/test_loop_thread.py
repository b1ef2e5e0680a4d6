"""Work in a loop of its own: results, errors, cancellation, and an end with nothing left."""

from __future__ import annotations

import asyncio
import threading

import pytest

from app.flow.loop_thread import LoopThread


async def where() -> threading.Thread:
    return threading.current_thread()


def test_it_runs_in_one_thread_that_begins_with_the_first_call():
    async def main():
        thread = LoopThread("aside")
        before = threading.active_count()
        await thread.close()
        assert threading.active_count() == before
        first, second = await thread.call(where), await thread.call(where)
        assert first is second is not threading.current_thread()
        assert first.name == "aside"
        await thread.close()
        assert not first.is_alive()

    asyncio.run(main())


def test_what_is_raised_there_is_raised_here():
    async def fail():
        raise ValueError("no")

    async def main():
        thread = LoopThread("aside")
        with pytest.raises(ValueError, match="no"):
            await thread.call(fail)
        await thread.close()

    asyncio.run(main())


@pytest.mark.parametrize("by_closing", [False, True])
def test_what_is_cancelled_ends_there(by_closing: bool):
    begun, ended = threading.Event(), threading.Event()

    async def wait():
        try:
            begun.set()
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def main():
        thread = LoopThread("aside")
        call = asyncio.ensure_future(thread.call(wait))
        await asyncio.to_thread(begun.wait)
        if not by_closing:
            call.cancel()
            assert await asyncio.to_thread(ended.wait, 5)
        await thread.close()
        assert ended.is_set()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(main())
