"""What of a prompt is read again, and in which slices."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.engine.cells import GRID, LARGEST_SLICE, MOST_ENDS, Cells, Pace, PaceBeside


def read(cells: Cells, prompt: list[int], pace: Pace | None = None) -> tuple[int, list[int]]:
    """Read a prompt as an answer does; where it began and the lengths of the slices."""
    start = cells.resume_at(prompt)
    cells.cut(start)
    lengths: list[int] = []
    while left := len(prompt) - len(cells.tokens):
        lengths.append((pace or Pace()).next_slice(left))
        cells.add_read(prompt[len(cells.tokens) :][: lengths[-1]])
    return start, lengths


def numbers(count: int, first: int = 0) -> list[int]:
    return list(range(first, first + count))


def test_the_first_prompt_is_read_whole() -> None:
    cells = Cells()
    assert read(cells, numbers(300))[0] == 0
    assert cells.tokens == numbers(300)


def test_a_conversation_goes_on_where_it_ended() -> None:
    cells = Cells()
    read(cells, numbers(300))
    cells.tokens += numbers(50, 1000)
    assert read(cells, numbers(300) + numbers(50, 1000) + numbers(20, 2000))[0] == 350


def test_the_same_prompt_is_read_again_near_its_end_only() -> None:
    cells = Cells()
    read(cells, numbers(300))
    start, lengths = read(cells, numbers(300))
    assert (start, lengths) == (192, [108])


def test_a_short_prompt_is_cut_the_same_each_time() -> None:
    cells = Cells()
    assert [read(cells, numbers(40)) for _ in range(3)] == [(0, [40])] * 3


def test_the_end_of_a_conversation_is_cut_the_same_each_time() -> None:
    cells = Cells()
    read(cells, numbers(300))
    cells.tokens += numbers(50, 1000)
    longer = numbers(300) + numbers(50, 1000) + numbers(20, 2000)
    assert [read(cells, longer) for _ in range(3)] == [(350, [20])] * 3


def test_another_conversation_shares_its_beginning() -> None:
    cells = Cells()
    read(cells, numbers(300))
    start, _ = read(cells, numbers(100) + numbers(200, 5000))
    assert start == 100


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=400), min_size=1, max_size=5))
def test_after_reading_the_cells_are_the_prompt(prompts: list[list[int]]) -> None:
    cells = Cells()
    for prompt in prompts:
        start, lengths = read(cells, prompt)
        assert 0 <= start < len(prompt)
        assert cells.tokens == prompt
        assert sum(lengths) == len(prompt) - start
        assert all(length <= LARGEST_SLICE for length in lengths)


@given(st.integers(1, 3000), st.integers(1, 8).map(lambda n: n * GRID))
def test_no_slice_is_below_the_grid_but_a_lone_one(length: int, size: int) -> None:
    lengths = read(Cells(), numbers(length), Pace(size=size))[1]
    assert sum(lengths) == length
    assert len(lengths) == 1 or min(lengths) >= GRID
    assert all(length % GRID == 0 for length in lengths[:-1])


def test_the_pace_quickens_and_slackens() -> None:
    pace = Pace()
    for _ in range(5):
        pace.took(pace.size, 0.01)
    assert pace.size == LARGEST_SLICE
    for _ in range(5):
        pace.took(pace.size, 2.0)
    assert pace.size == GRID


def test_a_short_slice_says_nothing_of_the_pace() -> None:
    pace = Pace()
    pace.took(3, 0.0001)
    assert pace.size == Pace().size


# --------------------------------------------------------------------------- remembered ends


def test_a_prompt_whose_end_is_remembered_is_held_whole() -> None:
    cells = Cells()
    read(cells, numbers(300))
    cells.remember_end("logits")
    cells.tokens += numbers(50, 1000)
    assert cells.resume_at(numbers(300)) == 300
    assert cells.resume_at(numbers(299)) < 299


def test_an_end_is_forgotten_with_its_tokens() -> None:
    cells = Cells()
    read(cells, numbers(300))
    cells.remember_end("logits")
    cells.cut(299)
    assert cells.ends == {}


def test_only_the_last_ends_are_remembered() -> None:
    cells = Cells()
    for count in range(100, 800, 100):
        cells.add_read(numbers(100, count))
        cells.remember_end(count)
    assert list(cells.ends) == [700 - 100 * n for n in reversed(range(MOST_ENDS))]


def test_another_sequence_takes_over_what_lies_in_its_part() -> None:
    cells, other = Cells(), Cells()
    read(cells, numbers(100))
    cells.remember_end("first")
    cells.add_read(numbers(100, 100))
    cells.remember_end("second")
    other.take_over(cells, 150)
    assert (other.tokens, other.ends) == (numbers(150), {100: "first"})


# ------------------------------------------------------------------------- beside an answer


def batches(pace: PaceBeside, base: float, each: float, count: int = 30) -> list[float]:
    """Seconds of batches on a machine that takes `base` for writing and `each` for reading."""
    pace.wrote(base)
    found: list[float] = []
    for _ in range(count):
        size = pace.size(504)
        found.append(base + size * each)
        pace.took(size, found[-1])
    return found


@given(st.floats(0.001, 0.06), st.floats(0.0001, 0.004))
def test_a_batch_beside_an_answer_keeps_the_patience(base: float, each: float) -> None:
    pace = PaceBeside()
    last = batches(pace, base, each)[-1]
    assert last <= pace.patience * 1.05
    assert last >= pace.patience / 2 or pace.size(504) == 504


def test_what_is_written_slowly_is_slowed_down_by_half_at_most() -> None:
    assert batches(PaceBeside(), 0.5, 0.001)[-1] <= 1.0 + 0.02


def test_a_prompt_comes_to_an_end_however_slow_the_machine_is() -> None:
    pace = PaceBeside()
    batches(pace, 0.1, 1.0)
    assert pace.size(504) >= 1
    assert pace.size(3) <= 3
