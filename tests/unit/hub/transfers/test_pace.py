"""Limits, speeds and waits."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.hub.transfers.pace import Bandwidth, Pace, Patience, Speedometer


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_a_limit_nothing_is_waited_for():
    async def main() -> float:
        bandwidth, began = Bandwidth(), time.monotonic()
        await bandwidth.pay(1 << 30)
        return time.monotonic() - began

    assert asyncio.run(main()) < 0.05


def test_what_came_is_waited_off():
    async def main() -> float:
        bandwidth, began = Bandwidth(), time.monotonic()
        bandwidth.bytes_per_second = 1_000_000
        await asyncio.gather(*(bandwidth.pay(100_000) for _ in range(4)))
        return time.monotonic() - began

    assert 0.38 < asyncio.run(main()) < 1.5


def test_a_limit_that_is_lifted_is_felt_by_whoever_waits():
    async def main() -> float:
        bandwidth, began = Bandwidth(), time.monotonic()
        bandwidth.bytes_per_second = 10
        paying = asyncio.ensure_future(bandwidth.pay(1_000_000))
        await asyncio.sleep(0.05)
        bandwidth.bytes_per_second = 0
        await paying
        return time.monotonic() - began

    assert asyncio.run(main()) < 2


def test_the_speed_is_that_of_the_last_seconds_and_zero_in_silence():
    clock = Clock()
    meter = Speedometer(clock)
    assert meter.speed() == 0
    assert meter.seconds_left(10) is None
    for _ in range(40):
        clock.now += 0.25
        meter.add(250_000)
    assert meter.speed() == pytest.approx(1_000_000, rel=0.1)
    assert meter.seconds_left(5_000_000) == pytest.approx(5, rel=0.1)
    clock.now += 2.1
    assert meter.speed() == 0
    assert meter.seconds_left(5_000_000) is None
    assert meter.seconds_left(0) == 0


def test_the_speed_follows_a_line_that_gets_slower():
    clock = Clock()
    meter = Speedometer(clock)
    for rate in (1_000_000, 100_000):
        for _ in range(60):
            clock.now += 0.1
            meter.add(rate // 10)
    assert meter.speed() == pytest.approx(100_000, rel=0.1)


def test_waits_grow_until_something_comes_and_are_never_shorter_than_asked():
    async def main() -> None:
        patience = Patience(Pace(first_wait=1, longest_wait=60))
        waits = [patience.next_wait() for _ in range(12)]
        assert all(0.5 * 2**n <= wait <= 2**n for n, wait in zip(range(6), waits[:6], strict=True))
        assert all(30 <= wait <= 60 for wait in waits[6:])
        patience.progress()
        assert patience.next_wait() <= 1
        assert patience.next_wait(100) == 100

    asyncio.run(main())


def test_whoever_waits_can_be_hurried():
    async def main() -> float:
        patience, began = Patience(Pace()), time.monotonic()
        waiting = [asyncio.ensure_future(patience.wait(60)) for _ in range(3)]
        await asyncio.sleep(0.01)
        patience.hurry()
        await asyncio.gather(*waiting)
        return time.monotonic() - began

    assert asyncio.run(main()) < 2


def test_a_cancellation_that_comes_with_a_hurry_is_not_forgotten():
    async def cancelled_after(turns: int) -> bool:
        patience = Patience(Pace())
        waiting = asyncio.ensure_future(patience.wait(60))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        patience.hurry()
        for _ in range(turns):
            await asyncio.sleep(0)
        # Whoever has ended already has nothing to forget.
        asked = waiting.cancel()
        await asyncio.wait({waiting})
        return waiting.cancelled() or not asked

    assert all(asyncio.run(cancelled_after(turns)) for turns in range(5))
