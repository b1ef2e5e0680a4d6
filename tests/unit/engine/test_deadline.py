"""The time limit for Python code."""

from __future__ import annotations

import sys

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


def test_a_tracer_that_was_there_is_there_again() -> None:
    before = sys.gettrace()
    with pytest.raises(TimeIsUp), time_limit(0.01):
        spin()
    assert sys.gettrace() is before
