"""Making a model smaller: what it can become, doing it, and offering the result."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import replace

from app.domain.errors import AppError, EngineBusy
from app.domain.facts import Fact, QuantiseChanged
from app.domain.fit import Fit
from app.domain.library_errors import AlreadyQuantised, QuantiseRefused
from app.domain.load_params import LoadParams
from app.domain.localmodel import LocalModel
from app.domain.ports import ModelLibrary, Quantiser
from app.domain.quantise import (
    TARGETS,
    QuantiseOption,
    QuantiseOptions,
    QuantisePhase,
    QuantiseRequest,
    QuantiseSizes,
    QuantiseState,
    QuantiseWork,
    is_shard_name,
    result_name,
    shape_with,
    worth_offering,
)
from app.domain.variants import quality_of
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner
from app.services.fit import FitService
from app.services.models import ModelService

log = logging.getLogger(__name__)

_SOONEST_GUESS = 3.0
"""Seconds, before which nothing can be said about the time that is left."""


class QuantiseService:
    """One job at a time; publishes `QuantiseChanged`, and has the result among the models."""

    def __init__(
        self,
        quantiser: Quantiser,
        library: ModelLibrary,
        models: ModelService,
        fit: FitService,
        wishes: Callable[[str], LoadParams],
        folder: str,
        facts: Broadcast[Fact],
        tasks: TaskOwner,
    ) -> None:
        """`wishes` tells how the model of a path is loaded. Results go into `folder` where they
        cannot lie beside their source."""
        self._quantiser = quantiser
        self._library = library
        self._models = models
        self._fit = fit
        self._wishes = wishes
        self._folder = folder
        self._facts = facts
        self._tasks = tasks
        self._state = QuantiseState()
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> QuantiseState:
        """The last job that was asked for."""
        return self._state

    async def options(self, path: str) -> QuantiseOptions:
        """What the model of this file can become; raises `ModelFileError`, `EngineError` and
        `QuantiseError` cases."""
        model = await self._library.inspect(path)
        sizes = await self._quantiser.sizes(model.path)
        header = _header_bytes(model, sizes)
        offered = worth_offering(
            ((target, sizes.targets[target] + header) for target in TARGETS),
            model.facts.file_bytes,
        )
        options = tuple(
            QuantiseOption(
                target, nbytes, quality_of(target), self._fit_as(model, sizes.targets[target])
            )
            for target, nbytes in offered
        )
        return QuantiseOptions(
            model.path,
            model.short_label,
            model.facts.quantisation,
            model.facts.file_bytes,
            options,
            sizes.is_quantised,
        )

    def result_for(self, path: str, target: str) -> str:
        """Where the result would go: beside its source if that is ours, else into our folder."""
        folder = os.path.dirname(path)
        ours = os.path.join(self._folder, "")
        if not os.path.join(folder, "").startswith(ours):
            # A folder of another application, or one that nobody asked us to write into.
            folder = self._folder
        return os.path.join(folder, result_name(path, target))

    # ------------------------------------------------------------------------------- doing it

    def begin(self, request: QuantiseRequest) -> None:
        """Do it in the background; the state tells how it goes, and why it failed."""
        if not self._state.is_running:
            self._task = self._tasks.spawn(self._quietly(request), "quantise")

    def cancel(self) -> None:
        """End the job that `begin` began; nothing of it is left."""
        if self._task is not None:
            self._task.cancel()

    async def _quietly(self, request: QuantiseRequest) -> None:
        try:
            await self.make(request)
        except AppError as error:
            log.info("making a model smaller failed: %s", error.kind)

    async def make(self, request: QuantiseRequest) -> QuantiseState:
        """Make the smaller model and offer it; the last state.

        Cancelling the caller ends it, and nothing of it is left. Raises `ModelFileError`,
        `EngineError` and `QuantiseError` cases.
        """
        if self._state.is_running:
            raise EngineBusy("Another model is being made smaller.", remedy="Wait for its end.")
        self._show(QuantiseState(QuantisePhase.RUNNING, request))
        try:
            await self._make(request)
        except AppError as error:
            self._show(replace(self._state, phase=QuantisePhase.FAILED, error=error))
            raise
        finally:
            if self._state.is_running:
                self._show(replace(self._state, phase=QuantisePhase.CANCELLED))
        return self._state

    async def _make(self, request: QuantiseRequest) -> None:
        model = await self._library.inspect(request.source)
        source_bytes = model.facts.file_bytes
        self._show(replace(self._state, label=model.short_label, source_bytes=source_bytes))
        sizes = await self._quantiser.sizes(model.path)
        expected = sizes.targets[request.target] + _header_bytes(model, sizes)
        _require_sense(model, request, sizes, expected)
        work = QuantiseWork(
            model.path, request.result, request.target, request.threads, request.again
        )
        began = asyncio.get_running_loop().time()
        nbytes = await self._quantiser.quantise(
            work,
            expected,
            lambda fraction: self._went_on(fraction, began),
            replace=request.replace,
        )
        done = replace(
            self._state,
            phase=QuantisePhase.DONE,
            fraction=1.0,
            seconds_left=0.0,
            result_path=request.result,
            result_bytes=nbytes,
        )
        await self._models.offer(request.result)
        self._show(done)

    def _went_on(self, fraction: float, began: float) -> None:
        elapsed = asyncio.get_running_loop().time() - began
        left = None
        if elapsed > _SOONEST_GUESS and fraction > 0:
            left = elapsed * (1 - fraction) / fraction
        self._show(replace(self._state, fraction=fraction, seconds_left=left))

    def _show(self, state: QuantiseState) -> None:
        if state != self._state:
            self._state = state
            self._facts.publish(QuantiseChanged(state))

    def _fit_as(self, model: LocalModel, weights_bytes: int) -> Fit | None:
        if model.shape is None:
            return None
        # Without its path: what was measured of the source does not hold for the result.
        smaller = replace(model, path="", shape=shape_with(model.shape, weights_bytes))
        return self._fit.fit(smaller, self._wishes(model.path))


def _header_bytes(model: LocalModel, sizes: QuantiseSizes) -> int:
    """Vocabulary and all that is no tensor, which stays as it is."""
    return max(0, model.facts.file_bytes - sizes.source_bytes)


def _require_sense(
    model: LocalModel, request: QuantiseRequest, sizes: QuantiseSizes, expected: int
) -> None:
    """Refuse what nobody could want."""
    name = os.path.basename(request.result)
    if not name.lower().endswith(".gguf"):
        raise QuantiseRefused(
            f"“{name}” is not a name for a model.", "", "Give it a name that ends in .gguf."
        )
    if is_shard_name(name):
        raise QuantiseRefused(
            f"“{name}” is the name of one part of several.",
            "The smaller model will be a single file.",
            "Leave out the numbers at the end of the name.",
        )
    if not worth_offering([(request.target, expected)], model.facts.file_bytes):
        raise QuantiseRefused(
            f"“{model.short_label}” would not become smaller as {request.target}.",
            f"It is {model.facts.quantisation} and has {model.facts.file_bytes:,} bytes now; the "
            f"result would have about {expected:,}.",
            "Choose a smaller type.",
        )
    if sizes.is_quantised and not request.again:
        raise AlreadyQuantised(
            f"“{model.short_label}” was made smaller before ({model.facts.quantisation}).",
            "What it lost then is lost for good, and it would lose more: the result is worse than "
            f"{request.target} made from the full model.",
            "Use a 16-bit or 32-bit file of the model, or ask for it all the same.",
        )
