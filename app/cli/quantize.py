"""`lamplight quantize`: a smaller model of a file."""

from __future__ import annotations

import asyncio
from typing import Any

from app.cli.commands import DONE, Quantize
from app.cli.output import Output
from app.cli.wording import size_text
from app.domain.facts import Fact, QuantiseChanged
from app.domain.quantise import QuantiseState
from app.services import Services


async def quantize(command: Quantize, services: Services, output: Output) -> int:
    """Make it, with its progress; raises what stopped it."""

    def heard(fact: Fact) -> None:
        if isinstance(fact, QuantiseChanged) and fact.state.is_running:
            _tell(fact.state, output, as_json=command.json)

    end = services.facts.subscribe(heard)
    try:
        state = await services.quantise.make(command.request)
    except asyncio.CancelledError:
        output.note("Stopped; nothing of it was kept.")
        raise
    finally:
        end()
    if command.json:
        output.json(
            {
                "type": "finished",
                "path": state.result_path,
                "bytes": state.result_bytes,
                "source_bytes": state.source_bytes,
            }
        )
        return DONE
    output.line(state.result_path)
    share = 1 - state.result_bytes / max(1, state.source_bytes)
    output.note(f"{size_text(state.result_bytes)}, {share:.0%} smaller than before.")
    return DONE


def _tell(state: QuantiseState, output: Output, *, as_json: bool) -> None:
    if as_json:
        event: dict[str, Any] = {
            "type": "progress",
            "fraction": round(state.fraction, 4),
            "seconds_left": None if state.seconds_left is None else round(state.seconds_left, 1),
        }
        output.json(event)
        return
    pieces = [f"Making {state.label} smaller … {state.fraction:.0%}"]
    if state.seconds_left is not None:
        minutes, seconds = divmod(round(state.seconds_left), 60)
        pieces.append(f"{minutes}:{seconds:02} left")
    output.status("  ".join(pieces))
