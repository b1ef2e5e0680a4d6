"""Conversations that leave the context and come back from the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.domain.errors import EngineError
from app.domain.generation import FinishReason, LoadRequest
from app.engine.cells import GRID
from app.engine.kept.folder import Keeping, KeptFolder
from app.engine.kept.keeper import Keeper
from app.engine.kept.rates import Rates
from app.engine.native.bindings import lib
from app.engine.native.context import DONE
from tests.helpers.gguf_files import babbler
from tests.helpers.recurrent_babbler import recurrent_babbler
from tests.helpers.sliding_babbler import WINDOW, sliding_babbler
from tests.helpers.stepping import Stepper

pytestmark = pytest.mark.native_model

LENGTH = 1024
LONG = "a" * 600
COLD = 5
"""Tokens that every prompt begins with."""


@pytest.fixture(autouse=True)
def always_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model this small is read in a moment, on some machines before a disk answers."""
    monkeypatch.setattr(Rates, "is_worth_it", lambda *_: True)


@dataclass
class Place:
    """A folder of states, and the models that are loaded one after another."""

    folder: KeptFolder
    most_bytes: int = 10**8
    opened: list[tuple[Stepper, Keeper]] = field(default_factory=list)

    def load(self, path: Path) -> Stepper:
        stepper, keeper = Stepper(path, LENGTH), Keeper()
        keeping = Keeping(str(self.folder.path), self.most_bytes)
        keeper.open(keeping, LoadRequest("1", str(path)), stepper.loaded)
        self.opened.append((stepper, keeper))
        return stepper

    def unload(self) -> None:
        """As the worker does at its end."""
        stepper, keeper = self.opened.pop()
        stepper.loaded.slots.save_all()
        stepper.close()
        keeper.close()

    @property
    def files(self) -> list[Path]:
        """What is kept, once nothing waits to be written any more."""
        for _, keeper in self.opened:
            files = keeper._files
            wait(files._writes if files else ())
        return sorted(self.folder.path.iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(KeptFolder(tmp_path / "states"))
    yield made
    while made.opened:
        made.unload()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return babbler(tmp_path / "babbler.gguf")


@pytest.fixture
def stepper(place: Place, file: Path) -> Stepper:
    return place.load(file)


def evict(stepper: Stepper, letters: str = "wxyz") -> None:
    """Fill every slot with something else that is never kept."""
    for letter in letters:
        stepper.answer(letter * 200)
    assert all(len(slot.cells.tokens) < 250 for slot in stepper.loaded.slots.all)


def test_an_evicted_conversation_comes_back(stepper: Stepper) -> None:
    first = stepper.answer(LONG, 30, tag="a")
    evict(stepper)
    again = stepper.answer(LONG + "b" * 20, tag="a")
    assert again.cached >= 600 - 2 * GRID
    evict(stepper)
    assert stepper.answer(LONG, 30, tag="a").text == first.text


def test_it_is_as_if_it_had_never_left(stepper: Stepper) -> None:
    stepper.answer(LONG, 30, tag="a")
    warm = stepper.answer(LONG + "b" * 100, 30, tag="a")
    evict(stepper)
    back = stepper.answer(LONG + "b" * 100, 30, tag="a")
    assert back.cached >= 600
    assert back.text == warm.text


def test_it_comes_back_after_a_restart(place: Place, file: Path) -> None:
    place.load(file).answer(LONG, tag="a")
    place.unload()
    assert place.load(file).answer(LONG + "b", tag="a").cached >= 600 - 2 * GRID


def test_another_file_does_not_get_it(place: Place, file: Path) -> None:
    place.load(file).answer(LONG, tag="a")
    place.unload()
    os.utime(file, (1, 1))
    assert place.load(file).answer(LONG, tag="a").cached < COLD


def test_without_a_tag_nothing_is_written(place: Place, file: Path) -> None:
    stepper = place.load(file)
    stepper.answer(LONG)
    evict(stepper)
    place.unload()
    assert place.files == []


def test_a_short_conversation_is_not_worth_a_file(place: Place, stepper: Stepper) -> None:
    stepper.answer("a" * 100, tag="a")
    evict(stepper)
    assert place.files == []


def test_what_is_forgotten_is_gone_everywhere(place: Place, stepper: Stepper) -> None:
    stepper.answer(LONG, tag="a")
    stepper.answer("b" * 300, tag="b")
    forget(place, "a")
    evict(stepper)
    assert stepper.answer(LONG, tag="a").cached < COLD
    assert len(place.files) == 1


def test_what_waits_to_be_written_is_forgotten_as_well(place: Place, stepper: Stepper) -> None:
    stepper.answer(LONG, tag="a")
    evict(stepper)
    forget(place, "a")
    assert place.files == []


def test_clearing_leaves_what_is_in_memory(place: Place, stepper: Stepper) -> None:
    stepper.answer(LONG, tag="a")
    evict(stepper)
    stepper.answer("b" * 300, tag="b")
    forget(place, None)
    assert place.files == []
    assert stepper.answer("b" * 310, tag="b").cached >= 300 - 2 * GRID


def test_what_an_answer_still_uses_is_forgotten_at_its_end(place: Place, stepper: Stepper) -> None:
    asked = stepper.ask(LONG, 20, tag="a")
    stepper.finish(lambda: len(asked.progress) > 1)
    forget(place, "a")
    stepper.finish()
    assert stepper.held() == [0] * len(stepper.held())
    assert place.files == []


def forget(place: Place, tag: str | None) -> None:
    """As the worker does."""
    stepper, keeper = place.opened[-1]
    stepper.loaded.slots.forget_tag(tag)
    keeper.forget(tag)


def test_a_grown_conversation_replaces_what_was_kept_of_it(place: Place, stepper: Stepper) -> None:
    first = stepper.answer(LONG, tag="a")
    evict(stepper)
    (before,) = place.files
    # What it holds must be its beginning for the new state to hold all of it.
    stepper.answer(LONG + "\n" + first.text + "b" * 50, tag="a")
    evict(stepper)
    after = place.files
    assert before not in after or len(after) == 2
    assert stepper.answer(LONG + "\n" + first.text + "b" * 60, tag="a").cached > 600


def test_what_is_kept_already_is_not_written_again(place: Place, stepper: Stepper) -> None:
    stepper.answer(LONG, tag="a")
    evict(stepper)
    (kept,) = place.files
    os.utime(kept, (1, 1))
    written = kept.stat().st_ino
    recalled = stepper.answer(LONG + "b", 1, tag="a")
    assert recalled.cached
    evict(stepper)
    assert kept.stat().st_ino == written


@pytest.mark.parametrize("spoil", ["cut", "flip", "remove", "meta"])
def test_a_damaged_file_is_dropped_and_the_prompt_read(
    place: Place, file: Path, spoil: str
) -> None:
    place.load(file).answer(LONG, tag="a")
    place.unload()
    (kept,) = place.files
    stepper = place.load(file) if spoil != "meta" else None
    _spoil(kept, spoil)
    stepper = stepper or place.load(file)
    asked = stepper.answer(LONG, tag="a")
    assert asked.reason is FinishReason.LENGTH
    assert asked.progress[0].cached < COLD
    assert place.files == []


def _spoil(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    match how:
        case "cut":
            path.write_bytes(content[:-100])
        case "flip":
            content[-100] ^= 1
            path.write_bytes(content)
        case "meta":
            content[30] ^= 1
            path.write_bytes(content)
        case _:
            path.unlink()


def test_a_state_of_another_kind_is_not_taken(place: Place, stepper: Stepper, file: Path) -> None:
    """Sound bytes that this context refuses, as after a change of llama.cpp's own form."""
    stepper.answer(LONG, tag="a")
    evict(stepper)
    assert place.files
    kept = stepper.loaded.slots.kept
    assert kept is not None
    stepper.loaded.context.set_state = lambda *_: False  # type: ignore[method-assign]
    assert stepper.answer(LONG, tag="a").cached < COLD
    assert stepper.answer("b" * 300, tag="b").reason is FinishReason.LENGTH


def test_the_space_is_bounded(place: Place, file: Path) -> None:
    stepper = place.load(file)
    for letter in "abc":
        stepper.answer(letter * 390, tag=letter)
        evict(stepper)
    sizes = [path.stat().st_size for path in place.files]
    assert len(sizes) == 3
    place.unload()
    place.most_bytes = sum(sizes) - 1
    stepper = place.load(file)
    stepper.answer("d" * 390, tag="d")
    evict(stepper)
    assert sum(path.stat().st_size for path in place.files) <= place.most_bytes
    # What was used last is still there.
    assert stepper.answer("d" * 400, tag="d").cached >= 390 - 2 * GRID


def test_no_space_at_all_clears_the_folder(place: Place, file: Path) -> None:
    place.load(file).answer(LONG, tag="a")
    place.unload()
    assert place.files
    place.most_bytes = 0
    assert place.load(file).answer(LONG, tag="a").cached < COLD
    assert place.files == []


def test_others_make_room_for_what_comes_back(stepper: Stepper) -> None:
    stepper.answer(LONG, tag="a")
    evict(stepper)
    stepper.answer("c" * 900, tag="c")
    assert stepper.answer(LONG + "b", tag="a").cached >= 600 - 2 * GRID


def test_it_comes_back_beside_a_running_answer(stepper: Stepper) -> None:
    stepper.answer(LONG, tag="a")
    evict(stepper)
    running = stepper.ask("r" * 20, 200)
    stepper.finish(lambda: len(running.answer.tokens) > 40)
    assert stepper.answer(LONG + "b", tag="a").cached >= 600 - 2 * GRID
    stepper.finish()
    assert running.reason is FinishReason.LENGTH


def test_one_that_comes_back_can_be_cancelled(stepper: Stepper) -> None:
    stepper.answer(LONG, tag="a")
    evict(stepper)
    asked = stepper.ask(LONG + "b", tag="a")
    stepper.scheduler.cancel(asked.answer)
    stepper.finish()
    assert asked.reason is FinishReason.CANCELLED
    assert stepper.answer(LONG + "b", tag="a").cached >= 600 - 2 * GRID


def test_all_that_come_back_fail_with_the_rest(stepper: Stepper) -> None:
    stepper.answer(LONG, tag="a")
    evict(stepper)
    asked = stepper.ask(LONG + "b", tag="a")
    assert asked.answer.request_id in stepper.scheduler.fail_all(EngineError("it failed"))
    assert not stepper.scheduler.is_busy


@pytest.mark.parametrize("make", [recurrent_babbler, sliding_babbler])
def test_a_memory_that_cannot_go_back_is_gone_on_with(
    place: Place, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    stepper = place.load(make(tmp_path / "other.gguf"))
    asked = stepper.answer(LONG, 20, tag="a")
    slots = stepper.loaded.slots
    evict(stepper, "wxyz"[: len(slots.all)])
    tokens = [*asked.answer.tokens, 100]
    recall = slots.recall(tokens, "a")
    assert recall is not None
    assert slots.end_recall(recall, tokens)
    held = recall.slot.cells.tokens
    assert held == tokens[: len(held)]
    assert len(held) >= len(tokens) - 2
    restored = logits_after(stepper, recall.slot.sequence, len(held), tokens[len(held) :])
    stepper.loaded.context.forget(recall.slot.sequence)
    anew = logits_after(stepper, recall.slot.sequence, 0, tokens)
    assert np.allclose(restored, anew, atol=1e-3)
    # Less than all of it cannot be had from such a memory.
    assert slots.recall(tokens[:400], "a") is None


def test_what_a_window_has_left_behind_is_read_anew(place: Place, tmp_path: Path) -> None:
    """Another question in the place of the last one, or of one before: the state has nothing of
    what its tokens would have seen."""
    file = sliding_babbler(tmp_path / "sliding.gguf")
    place.load(file).answer(LONG, 30, tag="a")
    place.unload()
    assert len(place.files) == 1
    stepper = place.load(file)
    for question in (LONG + "b" * 30, "a" * 400 + "b" * 30):
        stepper.loaded.slots.clear()
        asked = stepper.answer(question, 20, tag="a")
        assert asked.cached == 0
        stepper.loaded.slots.clear()
        assert asked.text == stepper.answer(question, 20).text
    assert stepper.loaded.context._window == WINDOW


def logits_after(stepper: Stepper, sequence: int, position: int, tokens: list[int]) -> Any:
    """Read tokens one by one into a sequence; what the model makes of the last."""
    context = stepper.loaded.context
    row = 0
    for number, token in enumerate(tokens):
        context.begin()
        row = context.add_token(token, position + number, sequence)
        assert context.compute() == DONE
    address: Any = lib.llama_get_logits_ith(context.pointer, row)
    return np.ctypeslib.as_array(address, (stepper.loaded.weights.vocabulary.size,)).copy()
