"""Many answers of one loaded model at once: one batch a step, a share of it for each.

An answer that is written takes one row of every batch. Prompts are read in slices beside it, small
enough that what is written does not stand still. Where the cells of the context do not suffice for
all, conversations that are not in use are forgotten first; then the answer that began last gives
way, and is read again and gone on with when another one has ended.

Answers in the background stand still while somebody waits for another one, and give their place to
it where there is no other.
"""

from __future__ import annotations

import time

from app.domain.errors import AppError, EngineError
from app.domain.fit import DRAFTED
from app.domain.generation import FinishReason, GenerateRequest
from app.engine.answer import Answer, Emit
from app.engine.cells import PaceBeside
from app.engine.drafts import Costs
from app.engine.late_stop import LateStop
from app.engine.loaded import LoadedModel
from app.engine.native.abort import AbortFlag
from app.engine.native.context import ABORTED, DONE, NO_ROOM
from app.engine.slots import Recall, Slot

RECALL_WAIT = 0.02
"""Seconds between two looks whether a state has come or its answer was cancelled."""


class Scheduler:
    """The answers of one loaded model. All belongs to the worker's thread but `cancel`."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self._context = loaded.context
        self._slots = loaded.slots
        self._beside = PaceBeside()
        self._running: list[Answer] = []
        """In the order in which they began."""
        self._parked: list[Answer] = []
        """Those that gave way; they have no slot."""
        self._recalled: list[tuple[Answer, Recall]] = []
        """Those whose beginning comes back from the disk."""
        self._crowded = False
        """An answer gave way, and none has ended since."""
        self._batch: list[Answer] = []
        """Those of the running ones that are computed now."""
        self._costs, self._draft_costs = Costs(), Costs()
        self._may_guess = True
        """The cells sufficed for the computation before."""
        self._writers = 0
        """How many of these are written."""
        self._may_stop = True
        """A cancel may stop the computation at once: nobody is kept waiting by the repetition."""
        self._ended: list[str] = []
        self._stop = AbortFlag()
        self._late_stop = LateStop(self._stop)
        self._context.obey(self._stop)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is not at its end."""
        return bool(self._running or self._parked or self._recalled)

    def has_room_for(self, request: GenerateRequest) -> bool:
        """Whether this answer can begin: those that gave way come first, unless they wait in the
        background and this one does not."""
        if request.background:
            return not self._parked and self._slots.is_one_free
        if any(not answer.in_background for answer in self._parked):
            return False
        return self._slots.is_one_free or any(answer.in_background for answer in self._running)

    def add(self, request: GenerateRequest, emit: Emit) -> Answer:
        """Begin an answer, for which there must be room; raises an `AppError` case.

        Its events go to `emit`, the last one from within `step`.
        """
        answer = Answer(self._loaded, request, emit)
        if not self._slots.is_one_free:
            self._park(next(one for one in reversed(self._running) if one.in_background))
        recall = self._slots.recall(answer.tokens, answer.tag)
        if recall is None:
            self._begin(answer)
        else:
            self._recalled.append((answer, recall))
        return answer

    def cancel(self, answer: Answer) -> None:
        """End that answer soon; from any thread."""
        answer.cancel()
        if self._may_stop:
            self._stop.raise_()
        else:
            self._late_stop.wait()

    def step(self) -> list[str]:
        """Compute one batch; the ids of the requests that have ended (their events are told)."""
        self._ended.clear()
        # Lowered before the look at the answers: what is cancelled later raises it again, or is
        # seen before the batch that may be stopped is begun.
        self._may_stop = False
        self._late_stop.begin_step()
        self._end_cancelled()
        self._begin_recalled()
        if self._parked and self._slots.is_one_free and not (self._crowded and self._running):
            self._begin(self._take_parked())
        for answer in tuple(self._running):
            if answer.remembered is not None:
                self._write(answer)
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

    def _take_parked(self) -> Answer:
        """The first that somebody waits for, else the first."""
        first = next((one for one in self._parked if not one.in_background), self._parked[0])
        self._parked.remove(first)
        return first

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
        read = self._fill()
        if self._may_stop and any(answer.is_cancelled for answer in self._batch):
            # Cancelled before the computation may be stopped: it is not begun.
            return
        result = self._context.compute()
        if result == DONE:
            now = time.perf_counter()
            self._learn(read, now - began)
            if not self._writers and self._draft_costs.can_pay:
                # Nobody waits for a next word, and it will not be had more cheaply.
                for answer in self._batch:
                    answer.let_draft_read(_slot_of(answer).cells)
            self._go_on(now)
        elif result == NO_ROOM:
            self._make_room()
        else:
            for answer in self._batch:
                self._slots.settle(_slot_of(answer))
            if result != ABORTED:
                self._fail(result)

    def _fill(self) -> int:
        """Put rows for the answers into the batch; how many tokens of prompts are among them."""
        waited_for = [answer for answer in self._running if not answer.in_background]
        self._batch = batch = waited_for or self._running.copy()
        self._context.begin()
        readers = 0
        for answer in batch:
            answer.share = int(len(answer.tokens) - len(_slot_of(answer).cells.tokens) == 1)
            answer.forget_guess()
            readers += not answer.share
        self._writers = len(batch) - readers
        self._fill_rows(guessing=self._may_guess and not readers and self._context.takes_back)
        self._may_guess = True
        # Beside what is written a cancel waits for the batch, which is short then (where it is not,
        # it is stopped late). Where the memory cannot go back, it would ruin what the others have
        # read.
        self._may_stop = len(batch) == 1 or (self._context.rewinds and not self._writers)
        return self._fill_slices(readers) if readers else 0

    def _fill_rows(self, *, guessing: bool) -> None:
        """The next token of each answer that is written, and what may come after it."""
        context, room = self._context, DRAFTED
        if self._loaded.draft is not None:
            self._loaded.draft.begin_step(self._draft_costs.batch)
        for answer in self._batch:
            if not answer.share:
                continue
            slot = _slot_of(answer)
            done = len(slot.cells.tokens)
            answer.row = context.add_token(answer.tokens[done], done, slot.sequence)
            if guessing:
                guess = answer.guess(self._costs, self._draft_costs, room)
                for position, token in enumerate(guess, done + 1):
                    context.add_token(token, position, slot.sequence)
                room -= len(answer.guessed)

    def _fill_slices(self, readers: int) -> int:
        """Slices for those that read, alike for each; how many tokens together."""
        pace, read = self._loaded.pace, 0
        room = self._context.batch - self._writers
        size = self._beside.size(room) if self._writers else pace.size
        for answer in self._batch:
            if answer.share:
                continue
            slot = _slot_of(answer)
            done = len(slot.cells.tokens)
            left = len(answer.tokens) - done
            if len(self._batch) == 1:
                count = pace.next_slice(left)
            else:
                count = min(left, max(1, size // readers))
            piece = answer.tokens[done : done + count]
            answer.share = count
            answer.row = self._context.add_slice(piece, done, slot.sequence, count == left)
            read += count
        return read

    def _learn(self, read: int, seconds: float) -> None:
        """From the time that the batch took, and what was done for it before."""
        guessed = sum(len(answer.guessed) for answer in self._batch)
        self._slots.took_to_read(read, seconds)
        asked = sum(answer.asked for answer in self._batch)
        if self._loaded.draft is not None and self._loaded.draft.has_read:
            # That it reads what was said before is not what a guess takes.
            return
        if asked:
            self._draft_costs.guessed(asked, seconds)
        elif guessed:
            self._costs.guessed(guessed, seconds)
        elif not read:
            self._costs.plain(seconds)
            self._draft_costs.plain(seconds)
            self._beside.wrote(seconds)
        elif self._writers:
            self._beside.took(read, seconds)
        else:
            self._loaded.pace.took(read, seconds)

    def _go_on(self, now: float) -> None:
        """The batch is computed: choose a token for each answer that is read."""
        for answer in self._batch:
            if answer.read(_slot_of(answer), now) and not answer.is_cancelled:
                self._write(answer)

    def _write(self, answer: Answer) -> None:
        slot = _slot_of(answer)
        cells = slot.cells
        try:
            reason = answer.write_on(cells)
        except AppError as error:
            self._slots.forget(slot)
            self._end(answer, error)
            return
        if answer.guessed:
            # What was guessed wrongly was read as well.
            self._context.keep(slot.sequence, len(cells.tokens))
        if reason is not None:
            self._end(answer, reason)

    def _make_room(self) -> None:
        """The cells do not suffice for this batch; for the next one there are more, or it is
        smaller."""
        if any(answer.guessed for answer in self._batch):
            self._may_guess = False
            return
        if self._slots.give_way():
            return
        if len(self._running) == 1:
            self._end(self._running[0], FinishReason.CONTEXT)
            return
        in_background = [answer for answer in self._running if answer.in_background]
        self._park((in_background or self._running)[-1])
        self._crowded = True

    def _park(self, answer: Answer) -> None:
        """Let an answer wait; its cells are free to be used."""
        self._slots.release(_slot_of(answer))
        answer.slot = None
        self._running.remove(answer)
        self._parked.insert(0, answer)

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
