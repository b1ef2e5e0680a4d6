"""How fast the loaded model is: `llama-bench`'s method, one batch at a time.

It computes in a context of its own over the same weights: what the conversations have in theirs
stays as it is. Between two batches the worker may do something else; only the batches are timed. An
answer that is asked for meanwhile goes first.

One sequence holds what lies before (the depth); each repetition goes on in another one, which
shares the first one's cells and is dropped afterwards. That works for every kind of memory,
recurrent ones too.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeAlias

from app.domain.benchmark import (
    BenchCancelled,
    BenchEvent,
    Benchmarked,
    BenchProgress,
    BenchRequest,
    BenchResult,
    DepthSpeed,
    SpeedMeasured,
    ThreadSpeed,
)
from app.domain.errors import AppError
from app.domain.generation import Failed
from app.engine.bench_batches import Batches, Stopped
from app.engine.bench_room import WARM_TOKENS, context_for, depths_with_room, threads_to_try
from app.engine.host_load import Watch
from app.engine.limits import usable_cores
from app.engine.loaded import LoadedModel
from app.engine.native import system

BASE, SCRATCH = 0, 1
"""The sequence with what lies before, and the one that repetitions go on in."""

_SHORTEST_PROMPT, _SHORTEST_ANSWER = 64, 8
_REPETITION_SHARE = 1 / 12
"""Of the time there is, what reading a prompt or writing an answer once may take."""
_SWEEP_ANSWER = 16
_SWEEP_SHARE = 1 / 3
"""Of the time there is for the depths, so much more for numbers of threads."""

Steps: TypeAlias = Generator[None, None, None]


@dataclass(slots=True)
class _Rates:
    """Tokens a second at the last look; for telling how long the rest will take."""

    prompt: float = 0.0
    decode: float = 0.0


class Benchmark:
    """A measurement. All belongs to the worker's thread but `cancel` and `give_way`."""

    def __init__(
        self, loaded: LoadedModel, request: BenchRequest, emit: Callable[[BenchEvent], None]
    ) -> None:
        """Make its context; raises an `AppError` case. It is freed at the end of the steps."""
        self.request_id = request.request_id
        self._plan = request.plan
        self._emit = emit
        self._loaded = loaded
        self._depths, self._left_out = depths_with_room(loaded, request.plan)
        context = self._context = context_for(loaded, request.plan, self._depths)
        stoppable = context.rewinds and not loaded.info.gpu_layers
        self._batches = Batches(context, loaded.weights.vocabulary.size, stoppable)
        self._told = 0.0
        self._prompt = min(request.plan.prompt_tokens, self._context.length)
        self._answer = request.plan.answer_tokens
        self._rates = _Rates()
        self._speeds: list[DepthSpeed] = []
        self._steps = self._run()

    # ------------------------------------------------------------------- from any thread

    def cancel(self) -> None:
        """End it soon."""
        self._batches.cancel()

    @property
    def is_cancelled(self) -> bool:
        """Whether its next step would be the end, as cancelled."""
        return self._batches.is_cancelled

    def give_way(self) -> None:
        """Something more urgent waits: give up the batch that is computed; it is done again."""
        self._batches.give_way()

    # ---------------------------------------------------------------------- in the worker

    def step(self) -> bool:
        """Compute one batch; whether that was the end, which is told then."""
        try:
            next(self._steps)
        except StopIteration:
            return True
        return False

    def end(self, event: BenchEvent) -> None:
        """End it between two steps with this event."""
        self._steps.close()
        self._context.close()
        self._emit(event)

    def _run(self) -> Steps:
        try:
            yield from self._warm_up()
            watch = Watch()
            yield from self._measure_depths()
            threads: tuple[ThreadSpeed, ...] = ()
            if self._plan.try_threads:
                threads = yield from self._try_threads()
            last: BenchEvent = Benchmarked(self._result(threads, watch))
        except Stopped:
            last = BenchCancelled()
        except AppError as error:
            last = Failed(error)
        self._context.close()
        self._emit(last)

    def _result(self, threads: tuple[ThreadSpeed, ...], watch: Watch) -> BenchResult:
        return BenchResult(
            speeds=tuple(self._speeds),
            threads=threads,
            prompt_tokens=self._prompt,
            answer_tokens=self._answer,
            left_out=tuple(self._left_out),
            seconds=round(self._batches.spent, 2),
            llama_cpp=system.version(),
            load=watch.read(),
        )

    # -------------------------------------------------------------------------- measuring

    def _warm_up(self) -> Steps:
        """Touch all of the weights, and see how long things take."""
        self._tell(0)
        count = min(WARM_TOKENS, self._prompt)
        yield from self._batches.read(SCRATCH, 0, count)
        self._context.forget(SCRATCH)
        self._rates.prompt = count / (yield from self._batches.read(SCRATCH, 0, count))
        yield from self._batches.write(SCRATCH, count, 1)
        self._rates.decode = 2 / (yield from self._batches.write(SCRATCH, count + 1, 2))
        self._context.forget(SCRATCH)
        self._shorten()

    def _shorten(self) -> None:
        """Prompts and answers that suit the speed and the time there is."""
        if self._plan.seconds:
            patience = self._plan.seconds * _REPETITION_SHARE
            while self._prompt > _SHORTEST_PROMPT and self._prompt / self._rates.prompt > patience:
                self._prompt = max(_SHORTEST_PROMPT, self._prompt // 2)
            while self._answer > _SHORTEST_ANSWER and self._answer / self._rates.decode > patience:
                self._answer = max(_SHORTEST_ANSWER, self._answer // 2)
        self._batches.keep_short(self._rates.prompt)

    def _measure_depths(self) -> Steps:
        before = 0
        for place, depth in enumerate(self._depths):
            # The first is measured in any case.
            if place and not self._has_time_for(depth - before):
                self._left_out[:0] = self._depths[place:]
                self._depths = self._depths[:place]
                return
            self._tell(depth)
            yield from self._read_to(before, depth)
            before = depth
            prompts: list[float] = []
            answers: list[float] = []
            for _ in range(self._plan.repeats):
                if prompts and not self._has_time_for(0):
                    break
                rates = yield from self._repeat(depth)
                prompts.append(rates.prompt)
                answers.append(rates.decode)
                self._rates = rates
                self._tell(depth)
            self._speeds.append(DepthSpeed(depth, tuple(prompts), tuple(answers)))
            self._emit(SpeedMeasured(self._speeds[-1]))

    def _read_to(self, before: int, depth: int) -> Steps:
        """Read on to this depth, slice by slice."""
        while before < depth:
            count = min(depth - before, self._batches.slice)
            self._rates.prompt = count / (yield from self._batches.read(BASE, before, count))
            before += count
            self._tell(depth)

    def _repeat(self, depth: int) -> Generator[None, None, _Rates]:
        """One prompt and one answer at this depth."""
        self._go_on_from(depth)
        read = yield from self._batches.read(SCRATCH, depth, self._prompt)
        self._go_on_from(depth)
        written = yield from self._batches.write(SCRATCH, depth, self._answer)
        self._context.forget(SCRATCH)
        return _Rates(self._prompt / read, self._answer / written)

    def _go_on_from(self, depth: int) -> None:
        if depth:
            self._context.share(BASE, SCRATCH, depth)
        else:
            self._context.forget(SCRATCH)

    def _try_threads(self) -> Generator[None, None, tuple[ThreadSpeed, ...]]:
        """Each number in turn, several times round: what changes meanwhile touches all alike."""
        self._context.forget(BASE)
        prompts: dict[int, list[float]] = defaultdict(list)
        answers: dict[int, list[float]] = defaultdict(list)
        counts = threads_to_try(usable_cores(), self._loaded.info.threads)
        prompt, answer = min(self._prompt, 2 * WARM_TOKENS), min(self._answer, _SWEEP_ANSWER)
        latest = self._batches.spent + self._plan.seconds * _SWEEP_SHARE
        for _ in range(self._plan.repeats):
            if prompts and self._plan.seconds and self._batches.spent > latest:
                break
            for count in counts:
                self._context.use_threads(count)
                self._tell(0, count)
                # The first token starts the threads.
                yield from self._batches.write(SCRATCH, 0, 1)
                answers[count].append(answer / (yield from self._batches.write(SCRATCH, 1, answer)))
                self._context.forget(SCRATCH)
                prompts[count].append(prompt / (yield from self._batches.read(SCRATCH, 0, prompt)))
                self._context.forget(SCRATCH)
        return tuple(
            ThreadSpeed(count, statistics.median(prompts[count]), statistics.median(answers[count]))
            for count in counts
        )

    def _has_time_for(self, tokens_before: int) -> bool:
        """Whether so many tokens can be read, and one repetition done, in the time there is."""
        if not self._plan.seconds:
            return True
        return self._batches.spent + self._expected(tokens_before, 1) <= self._plan.seconds

    def _expected(self, tokens_before: int, repetitions: int) -> float:
        """Seconds; with what is known of the rates."""
        read = tokens_before + repetitions * self._prompt
        return read / self._rates.prompt + repetitions * self._answer / self._rates.decode

    # -------------------------------------------------------------------------- progress

    def _tell(self, depth: int, threads: int = 0) -> None:
        if self._rates.prompt and self._rates.decode:
            left = self._seconds_left()
            self._told = max(
                self._told, min(0.99, self._batches.spent / max(1e-9, self._batches.spent + left))
            )
        self._emit(BenchProgress(round(self._told, 3), depth, threads))

    def _seconds_left(self) -> float:
        """By what is known of the rates, which fall with the depth."""
        done = self._speeds[-1].depth if self._speeds else 0
        depths = [depth for depth in self._depths if depth > done or not self._speeds]
        left = 0.0
        if depths:
            left = self._expected(depths[-1] - done, self._plan.repeats * len(depths))
        if self._plan.seconds:
            left = min(left, max(0.0, self._plan.seconds - self._batches.spent))
        if self._plan.try_threads:
            left += self._plan.repeats * usable_cores() * _SWEEP_ANSWER / self._rates.decode
        return left
