"""What of a prompt is read again, and in which slices."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.engine.cells import GRID, LARGEST_SLICE, Cells, Pace


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
