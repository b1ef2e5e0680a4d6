"""Many answers of one loaded model at once: one batch a step, a share of it for each.

An answer that is written takes one row of every batch. Prompts are read in slices beside it, small
enough that what is written does not stand still. Where the cells of the context do not suffice for
all, conversations that are not in use are forgotten first; then the answer that began last gives
way, and is read again and gone on with when another one has ended.
"""

from __future__ import annotations

import time

from app.domain.errors import AppError, EngineError
from app.domain.generation import FinishReason, GenerateRequest
from app.engine.answer import Answer, Emit
from app.engine.cells import PATIENCE_BESIDE, SMALLEST_BESIDE, Pace
from app.engine.loaded import LoadedModel
from app.engine.native.abort import AbortFlag
from app.engine.native.context import ABORTED, BATCH, DONE, NO_ROOM
from app.engine.slots import Recall, Slot

RECALL_WAIT = 0.02
"""Seconds between two looks whether a state has come or its answer was cancelled."""


class Scheduler:
    """The answers of one loaded model. All belongs to the worker's thread but `cancel`."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self._context = loaded.context
        self._slots = loaded.slots
        self._beside = Pace(PATIENCE_BESIDE, SMALLEST_BESIDE, SMALLEST_BESIDE)
        self._running: list[Answer] = []
        """In the order in which they began."""
        self._parked: list[Answer] = []
        """Those that gave way; they have no slot."""
        self._recalled: list[tuple[Answer, Recall]] = []
        """Those whose beginning comes back from the disk."""
        self._crowded = False
        """An answer gave way, and none has ended since."""
        self._alone = True
        """One answer has the whole batch."""
        self._ended: list[str] = []
        self._stop = AbortFlag()
        self._context.obey(self._stop)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is not at its end."""
        return bool(self._running or self._parked or self._recalled)

    @property
    def has_room(self) -> bool:
        """Whether another answer can begin."""
        return not self._parked and self._slots.is_one_free

    def add(self, request: GenerateRequest, emit: Emit) -> Answer:
        """Begin an answer, for which there must be room; raises an `AppError` case.

        Its events go to `emit`, the last one from within `step`.
        """
        answer = Answer(self._loaded, request, emit)
        recall = self._slots.recall(answer.tokens, answer.tag)
        if recall is None:
            self._begin(answer)
        else:
            self._recalled.append((answer, recall))
        return answer

    def cancel(self, answer: Answer) -> None:
        """End that answer soon; from any thread."""
        answer.cancel()
        # An abort ruins what others have read where the memory cannot go back; a cancel then waits
        # for the step, which is short beside others.
        if self._context.rewinds or self._alone:
            self._stop.raise_()

    def step(self) -> list[str]:
        """Compute one batch; the ids of the requests that have ended (their events are told)."""
        self._ended.clear()
        # Lowered before the look at the answers: what is cancelled later raises it again.
        self._stop.lower()
        self._end_cancelled()
        self._begin_recalled()
        if self._parked and not (self._crowded and self._running):
            self._begin(self._parked.pop(0))
        if self._running:
            self._compute()
        return self._ended

    def fail_all(self, error: AppError) -> list[str]:
        """End every answer with this error; the ids of the requests that ended since the step."""
        for answer in self._every():
            self._end(answer, error)
        self._slots.clear()
        return self._ended

    def _begin(self, answer: Answer) -> None:
        self._run(answer, self._slots.take(answer.tokens, answer.tag))

    def _run(self, answer: Answer, slot: Slot) -> None:
        answer.begin(slot)
        self._running.append(answer)
        self._alone = len(self._running) == 1

    def _begin_recalled(self) -> None:
        """Begin the answers whose states have come; where nothing else is to do, wait for them."""
        for answer, recall in tuple(self._recalled):
            if not self._running:
                recall.fetch.wait(RECALL_WAIT)
            if not recall.fetch.is_over:
                continue
            self._recalled.remove((answer, recall))
            if self._slots.end_recall(recall, answer.tokens):
                self._run(answer, recall.slot)
            else:
                self._begin(answer)

    def _every(self) -> tuple[Answer, ...]:
        return (*self._running, *self._parked, *(answer for answer, _ in self._recalled))

    def _end_cancelled(self) -> None:
        for answer in self._every():
            if answer.is_cancelled:
                self._end(answer, FinishReason.CANCELLED)

    def _end(self, answer: Answer, how: FinishReason | AppError) -> None:
        if answer in self._parked:
            self._parked.remove(answer)
        elif answer.slot is None:
            self._end_recall(answer)
        else:
            self._running.remove(answer)
            self._slots.release(answer.slot)
        self._crowded = False
        self._alone = len(self._running) == 1
        self._ended.append(answer.request_id)
        answer.close()
        if isinstance(how, AppError):
            answer.fail(how)
        else:
            answer.finish(how)

    def _end_recall(self, answer: Answer) -> None:
        """What comes for it is not waited for."""
        recall = next(recall for waiting, recall in self._recalled if waiting is answer)
        self._recalled.remove((answer, recall))
        self._slots.release(recall.slot)

    # --------------------------------------------------------------------------- one batch

    def _compute(self) -> None:
        began = time.perf_counter()
        pace, read = self._fill()
        result = self._context.compute()
        if result == DONE:
            now = time.perf_counter()
            if read:
                pace.took(read, now - began)
                self._slots.took_to_read(read, now - began)
            self._go_on(now)
        elif result == NO_ROOM:
            self._make_room()
        else:
            for answer in self._running:
                self._slots.settle(_slot_of(answer))
            if result != ABORTED:
                self._fail(result)

    def _fill(self) -> tuple[Pace, int]:
        """Put rows for every answer into the batch; the pace of reading and the tokens read."""
        context, running = self._context, self._running
        context.begin()
        readers = 0
        for answer in running:
            slot = _slot_of(answer)
            done = len(slot.cells.tokens)
            if len(answer.tokens) - done == 1:
                answer.share = 1
                answer.row = context.add_token(answer.tokens[done], done, slot.sequence)
            else:
                answer.share = 0
                readers += 1
        writers = len(running) - readers
        pace = self._beside if writers else self._loaded.pace
        return pace, self._fill_slices(pace, readers, BATCH - writers) if readers else 0

    def _fill_slices(self, pace: Pace, readers: int, room: int) -> int:
        """Slices for those that read, alike for each; how many tokens together."""
        read = 0
        for answer in self._running:
            if answer.share:
                continue
            slot = _slot_of(answer)
            done = len(slot.cells.tokens)
            left = len(answer.tokens) - done
            if self._alone:
                count = pace.next_slice(left)
            else:
                count = min(left, max(1, min(pace.size, room) // readers))
            piece = answer.tokens[done : done + count]
            answer.share = count
            answer.row = self._context.add_slice(piece, done, slot.sequence, count == left)
            read += count
        return read

    def _go_on(self, now: float) -> None:
        """The batch is computed: choose a token for each answer that is read."""
        for answer in tuple(self._running):
            slot = _slot_of(answer)
            if not answer.read(slot, now) or answer.is_cancelled:
                continue
            try:
                reason = answer.write()
            except AppError as error:
                self._slots.forget(slot)
                self._end(answer, error)
                continue
            if reason is not None:
                self._end(answer, reason)

    def _make_room(self) -> None:
        """The cells do not suffice for this batch; for the next one there are more."""
        if self._slots.give_way():
            return
        last = self._running[-1]
        if self._alone:
            self._end(last, FinishReason.CONTEXT)
            return
        self._slots.release(_slot_of(last))
        last.slot = None
        self._running.pop()
        self._parked.insert(0, last)
        self._crowded = True
        self._alone = len(self._running) == 1

    def _fail(self, result: int) -> None:
        self.fail_all(
            EngineError(
                "The engine could not go on with this answer.",
                f"llama_decode returned {result}.",
                "Ask again. If it keeps happening, load the model again or choose another one.",
            )
        )


def _slot_of(answer: Answer) -> Slot:
    """The slot of an answer that runs."""
    assert answer.slot is not None
    return answer.slot
