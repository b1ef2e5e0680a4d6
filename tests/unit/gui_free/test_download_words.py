"""Downloads in words: numbers only where they are known, and a reason where nothing goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.errors import HubUnreachable
from app.domain.transfer import TransferPhase
from app.gui.downloads.words import (
    amount_text,
    badge_text,
    glance_text,
    left_text,
    lost_text,
    percent_text,
    progress_line,
    short_title,
    trouble_text,
    whole_text,
)
from tests.helpers.gui_transfers import GB, transfer

LOST = HubUnreachable("There is no connection.", "", "Lamplight tries again by itself.")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "a few seconds left"),
        (8, "about 10 s left"),
        (54, "about 55 s left"),
        (58, "about 1 min left"),
        (100, "about 2 min left"),
        (3569, "about 59 min left"),
        (3600, "about 1 h left"),
        (4300, "about 1 h 10 min left"),
        (7190, "about 2 h left"),
        (23.9 * 3600, "about 23 h 50 min left"),
        (90_000, "more than a day left"),
    ],
)
def test_a_forecast_is_no_more_exact_than_it_can_be(seconds: float, words: str):
    assert left_text(seconds) == words


@pytest.mark.parametrize(
    ("phase", "more", "line"),
    [
        (TransferPhase.WAITING, {"done": 0}, "Waiting for its turn · 2.0 GB"),
        (TransferPhase.RUNNING, {"done": 0}, "2.0 GB · starting"),
        (TransferPhase.RUNNING, {}, "1.0 GB of 2.0 GB · waiting for data"),
        (TransferPhase.RUNNING, {"bytes_per_second": 48e6}, "1.0 GB of 2.0 GB · 48 MB/s"),
        (
            TransferPhase.RUNNING,
            {"bytes_per_second": 48e6, "seconds_left": 21.0},
            "1.0 GB of 2.0 GB · 48 MB/s · about 20 s left",
        ),
        (TransferPhase.CHECKING, {"done": 2 * GB}, "Comparing with the checksum · 2.0 GB"),
        (TransferPhase.RETRYING, {}, "1.0 GB of 2.0 GB · trying again"),
        (TransferPhase.RETRYING, {"retry_in": 11.6}, "1.0 GB of 2.0 GB · trying again in 12 s"),
        (TransferPhase.PAUSED, {}, "Paused · 1.0 GB of 2.0 GB"),
        (TransferPhase.FAILED, {}, "Stopped · 1.0 GB of 2.0 GB kept"),
        (TransferPhase.FAILED, {"done": 0}, "Stopped · 2.0 GB"),
        (TransferPhase.FINISHED, {}, "Ready to use · 2.0 GB"),
    ],
)
def test_each_phase_has_its_line(phase: TransferPhase, more: dict[str, float], line: str):
    values = {"done": GB, **more}
    assert progress_line(transfer("A", phase, **values)) == line


def test_a_number_that_is_not_known_is_not_told():
    running = transfer("A", done=GB, seconds_left=10.0)
    assert "left" not in progress_line(running)


def test_the_reason_and_the_remedy_are_told_while_they_hold():
    waits = transfer("A", TransferPhase.RETRYING, GB, error=LOST)
    assert trouble_text(waits) == "There is no connection. Lamplight tries again by itself."
    assert trouble_text(replace(waits, phase=TransferPhase.WAITING)) == ""
    assert trouble_text(transfer("A")) == ""
    assert whole_text(waits) == (
        "author/repo. 1.0 GB of 2.0 GB · trying again. "
        "There is no connection. Lamplight tries again by itself."
    )


def test_a_percent_is_rounded_down():
    assert percent_text(0.999) == "99 %"
    assert percent_text(1.0) == "100 %"


def test_a_glance_is_short_and_only_there_while_something_runs():
    running, waiting = transfer("A", done=GB), transfer("B", TransferPhase.WAITING)
    paused = transfer("C", TransferPhase.PAUSED, GB)
    retrying = transfer("D", TransferPhase.RETRYING, GB, error=LOST)
    assert glance_text([]) == glance_text([paused, waiting]) == ""
    assert glance_text([running, paused]) == "Downloading 50 %"
    assert glance_text([running, waiting]) == "2 downloads 25 %"
    assert glance_text([retrying]) == "Download waits"
    assert glance_text([retrying, waiting]) == "Downloads wait"
    assert glance_text([retrying, running]) == "2 downloads 50 %"


def test_a_badge_tells_the_worst_first():
    assert badge_text(0, 0, 0) == ""
    assert badge_text(1, 0, 0) == "One download is under way."
    assert badge_text(2, 1, 1) == (
        "One download has stopped. 2 are under way. One download is ready."
    )
    assert badge_text(0, 3, 2) == "2 have stopped. 3 are ready."


def test_a_long_title_is_cut():
    assert short_title(transfer("A" * 34)) == "A" * 34
    assert short_title(transfer("A" * 35)) == "A" * 33 + "…"


def test_what_is_lost_is_told():
    assert lost_text(transfer("A", done=GB)).startswith("1.0 GB of it are here already")
    assert amount_text(transfer("A", done=GB)) == "1.0 GB of 2.0 GB"
