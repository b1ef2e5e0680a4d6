"""Owned tasks are kept, heard and ended."""

from __future__ import annotations

import asyncio

from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner


def test_a_failure_is_heard():
    heard: list[BaseException] = []

    async def fail():
        raise ValueError("no")

    async def main():
        owner = TaskOwner(heard.append)
        owner.spawn(fail())
        await owner.drain()

    asyncio.run(main())
    assert [str(error) for error in heard] == ["no"]


def test_drain_waits_for_tasks_that_tasks_start():
    done: list[str] = []

    async def main():
        owner = TaskOwner(lambda error: None)

        async def second():
            await asyncio.sleep(0.001)
            done.append("second")

        async def first():
            owner.spawn(second())

        owner.spawn(first())
        await owner.drain()

    asyncio.run(main())
    assert done == ["second"]


def test_cancelled_tasks_are_no_failures():
    heard: list[BaseException] = []

    async def main():
        owner = TaskOwner(heard.append)
        owner.spawn(asyncio.sleep(60))
        await owner.cancel_all()

    asyncio.run(main())
    assert heard == []


def test_a_listener_that_left_hears_nothing_more():
    told: list[int] = []
    facts: Broadcast[int] = Broadcast()
    leave = facts.subscribe(told.append)
    facts.publish(1)
    leave()
    leave()
    facts.publish(2)
    assert told == [1]
