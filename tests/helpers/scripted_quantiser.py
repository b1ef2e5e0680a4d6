"""A quantiser that says what it was told to and writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.domain.errors import AppError
from app.domain.quantise import TARGETS, QuantiseSizes, QuantiseWork

_BITS = (16.0, 16.0, 8.5, 6.56, 5.7, 5.5, 4.8, 4.6, 4.3, 4.2, 3.9, 3.5, 3.3)


@dataclass
class ScriptedQuantiser:
    """Implements the `Quantiser` port."""

    source_bytes: int = 900
    targets: Mapping[str, int] = field(
        default_factory=lambda: {
            target: round(bits / 16 * 900) for target, bits in zip(TARGETS, _BITS, strict=True)
        }
    )
    is_quantised: bool = False
    fractions: tuple[float, ...] = (0.25, 1.0)
    hold: asyncio.Event | None = None
    """If there, a job pauses at its end until this is set."""
    error: AppError | None = None
    asked: list[tuple[QuantiseWork, int, bool]] = field(default_factory=list)
    """The work, the bytes that were expected, and whether something may be replaced."""
    made: Callable[[QuantiseWork], None] = lambda _: None
    """What a finished job does to the world."""

    async def sizes(self, path: str) -> QuantiseSizes:
        return QuantiseSizes(self.source_bytes, self.targets, self.is_quantised)

    async def quantise(
        self,
        work: QuantiseWork,
        expected_bytes: int,
        heard: Callable[[float], None],
        *,
        replace: bool = False,
    ) -> int:
        self.asked.append((work, expected_bytes, replace))
        for fraction in self.fractions:
            heard(fraction)
            await asyncio.sleep(0)
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        self.made(work)
        return expected_bytes - 1
