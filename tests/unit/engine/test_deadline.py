"""The time limit for Python code."""

from __future__ import annotations

import contextlib
import sys
import threading
import time

import pytest

from app.engine.deadline import TimeIsUp, time_limit


def spin() -> None:
    while True:
        pass


def test_what_is_quick_goes_through() -> None:
    with time_limit(60):
        assert sum(range(10)) == 45


def test_what_never_ends_is_stopped() -> None:
    with pytest.raises(TimeIsUp), time_limit(0.05):
        spin()


def test_no_time_left() -> None:
    with pytest.raises(TimeIsUp), time_limit(-1):
        spin()


def swallow_the_first() -> None:
    try:
        spin()
    except TimeIsUp:
        spin()


def test_an_exception_that_is_lost_comes_again() -> None:
    with pytest.raises(TimeIsUp), time_limit(0.01):
        swallow_the_first()


def test_code_that_catches_its_errors_is_stopped() -> None:
    with pytest.raises(TimeIsUp), time_limit(0.01), contextlib.suppress(Exception):
        spin()


def test_on_another_thread() -> None:
    caught: list[BaseException] = []

    def work() -> None:
        try:
            with time_limit(0.01):
                spin()
        except TimeIsUp as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_a_block_that_ends_with_its_limit_leaves_nothing_behind() -> None:
    """Whichever comes first, nothing is raised after it and no thread stays."""
    threads = set(sys._current_frames())
    for turn in range(300):
        limit = 0.001 + turn % 10 * 0.0001
        until = time.monotonic() + limit
        with contextlib.suppress(TimeIsUp), time_limit(limit):
            while time.monotonic() < until:
                pass
        time.sleep(0)
    assert sum(range(100_000))
    assert sys._current_frames().keys() <= threads
