"""What the window is told of making models smaller, in tests of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from app.domain.errors import AppError
from app.domain.facts import Fact, QuantiseChanged
from app.domain.quantise import (
    TARGETS,
    QuantiseOption,
    QuantiseOptions,
    QuantisePhase,
    QuantiseRequest,
    QuantiseState,
)
from app.domain.variants import quality_of
from app.flow.broadcast import Broadcast
from tests.helpers.gui_models import FakeFit, local_model

_SHARES = (1.0, 1.0, 0.53, 0.41, 0.36, 0.34, 0.31, 0.29, 0.27, 0.27, 0.25, 0.22, 0.2)
SOURCE_BYTES = 16_100_000_000


class FakeQuantise:
    """Offers everything below half of a large file, and does what the test says."""

    def __init__(self, facts: Broadcast[Fact], fit: FakeFit) -> None:
        self._facts = facts
        self._fit = fit
        self.state = QuantiseState()
        self.begun: list[QuantiseRequest] = []
        self.looked: list[str] = []
        self.is_quantised = False
        self.nothing_smaller = False
        self.most = len(TARGETS)
        """So many types are offered, the best ones."""
        self.error: AppError | None = None
        self.gate: asyncio.Event | None = None
        self.cancelled = 0

    async def options(self, path: str) -> QuantiseOptions:
        self.looked.append(path)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        offered = [] if self.nothing_smaller else list(zip(TARGETS, _SHARES, strict=True))[2:]
        options = tuple(
            QuantiseOption(
                target,
                round(share * SOURCE_BYTES),
                quality_of(target),
                self._fit.fit(local_model(target)),
            )
            for target, share in offered[: self.most]
        )
        return QuantiseOptions(path, "Tiny-F16", "F16", SOURCE_BYTES, options, self.is_quantised)

    def result_for(self, path: str, target: str) -> str:
        return f"/models/Tiny-{target}.gguf"

    def begin(self, request: QuantiseRequest) -> None:
        self.begun.append(request)
        self.show(QuantiseState(QuantisePhase.RUNNING, request, "Tiny-F16"))

    def cancel(self) -> None:
        self.cancelled += 1
        self.show(replace(self.state, phase=QuantisePhase.CANCELLED))

    def went_on(self, fraction: float, seconds_left: float | None = None) -> None:
        self.show(replace(self.state, fraction=fraction, seconds_left=seconds_left))

    def finish(self) -> None:
        request = self.state.request
        assert request is not None
        self.show(
            replace(
                self.state,
                phase=QuantisePhase.DONE,
                result_path=request.result,
                result_bytes=5_000_000_000,
                source_bytes=SOURCE_BYTES,
            )
        )

    def fail(self, error: AppError) -> None:
        self.show(replace(self.state, phase=QuantisePhase.FAILED, error=error))

    def show(self, state: QuantiseState) -> None:
        """Publish a state."""
        self.state = state
        self._facts.publish(QuantiseChanged(state))
