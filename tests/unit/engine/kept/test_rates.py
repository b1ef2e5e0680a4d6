"""When a kept state is worth it."""

from __future__ import annotations

from app.engine.kept.rates import Rates

MB = 1_000_000


def test_measured_rates_decide() -> None:
    rates = Rates()
    rates.took_to_read(512, 1.0)
    rates.took_to_restore(100 * MB, 1.0)
    assert rates.is_worth_it(100 * MB, 4000)
    assert not rates.is_worth_it(100 * MB, 500)


def test_a_machine_that_reads_faster_than_its_disk_keeps_nothing() -> None:
    rates = Rates()
    rates.took_to_read(512, 0.02)
    rates.took_to_restore(100 * MB, 1.0)
    assert not rates.is_worth_it(500 * MB, 4000)


def test_before_anything_is_read_an_earlier_rate_stands_in() -> None:
    rates = Rates()
    assert rates.is_worth_it(3000 * MB, 100, 0.0)
    assert not rates.is_worth_it(3000 * MB, 100, 50.0)
    rates.took_to_read(512, 512.0)
    assert rates.is_worth_it(3000 * MB, 100, 50.0)


def test_they_follow_what_changes() -> None:
    rates = Rates()
    rates.took_to_read(512, 1.0)
    for _ in range(20):
        rates.took_to_read(512, 4.0)
    assert 128 <= rates.reading < 130


def test_small_slices_say_nothing() -> None:
    rates = Rates()
    rates.took_to_read(5, 1.0)
    assert rates.reading == 0
