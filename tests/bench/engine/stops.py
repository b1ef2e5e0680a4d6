"""How soon an answer stops."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from app.domain.generation import Finished, FinishReason, PromptProgress, TextDelta
from tests.bench.engine.talk import STORY, load_as_chosen, long_text
from tests.bench.rows import Row, at_most, told
from tests.helpers.engine_rig import Rig, collect, new_id

STOPS = 10
BAR_MS = 150


def rows(rig: Rig, path: Path) -> list[Row]:
    """While it is written and while a prompt is read."""
    load_as_chosen(rig, path, 8192)
    return [
        *_stops(rig, "decode", STORY, TextDelta),
        *_stops(rig, "4,000-token prompt", long_text(4000), PromptProgress),
    ]


def _stops(rig: Rig, name: str, text: str, kind: type[Any]) -> list[Row]:
    times = [rig.run(_stop_ms(rig, f"{n}. {text}", kind, 2 + n % 5)) for n in range(STOPS)]
    return [
        at_most(f"stop during {name}, slowest of {STOPS}", max(times), BAR_MS, "ms"),
        told("  median", statistics.median(times), "ms"),
    ]


async def _stop_ms(rig: Rig, text: str, kind: type[Any], at: int) -> float:
    """Milliseconds from a cancel at the `at`th event of a kind to the end of the stream."""
    request_id, seen, asked_at = new_id(), 0, 0.0

    def heard(event: Any) -> None:
        nonlocal seen, asked_at
        seen += isinstance(event, kind)
        if seen == at and not asked_at:
            asked_at = time.perf_counter()
            rig.engine.cancel(request_id)

    last = (await collect(rig.generate(text, request_id), heard)).last
    assert isinstance(last, Finished)
    assert last.reason is FinishReason.CANCELLED, "it had ended before it was cancelled"
    return (time.perf_counter() - asked_at) * 1000
