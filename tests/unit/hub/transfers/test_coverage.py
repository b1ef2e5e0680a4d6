"""Which bytes have come, and who fetches what."""

from __future__ import annotations

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from app.hub.transfers.coverage import SHORTEST_SPLIT, Coverage, Plan

SIZE = 60
SPANS = st.lists(st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)), max_size=12)


@given(SPANS)
def test_it_is_a_set_of_bytes(spans: list[tuple[int, int]]):
    coverage = Coverage(spans)
    there = {byte for start, end in spans for byte in range(start, end)}
    assert {byte for start, end in coverage.spans for byte in range(start, end)} == there
    assert coverage.nbytes == len(there)
    gaps = coverage.missing(SIZE)
    assert {byte for start, end in gaps for byte in range(start, end)} == set(range(SIZE)) - there
    assert coverage.frontier == next(byte for byte in range(SIZE + 1) if byte not in there)


@given(SPANS)
def test_its_spans_neither_overlap_nor_touch(spans: list[tuple[int, int]]):
    found = Coverage(spans).spans
    assert all(start < end for start, end in found)
    assert all(first[1] < second[0] for first, second in itertools.pairwise(found))


@given(SPANS, st.integers(0, 1 << 32))
def test_connections_together_fetch_every_missing_byte_once(
    spans: list[tuple[int, int]], seed: int
):
    chance = random.Random(seed)
    plan = Plan(SIZE, Coverage(spans))
    before, fetched = plan.coverage.nbytes, 0
    claims = [plan.take(7) for _ in range(3)]
    while any(claims):
        claim = chance.choice([each for each in claims if each])
        if chance.random() < 0.8 and claim.at < claim.end:
            plan.received(claim, 1)
            fetched += 1
        else:
            claims.remove(claim)
            plan.give_back(claim)
            claims.append(plan.take(7))
    assert plan.complete
    assert before + fetched == SIZE


def test_whoever_has_nothing_left_takes_over_half_of_the_largest():
    plan = Plan(4 * SHORTEST_SPLIT, Coverage())
    first = plan.take()
    second = plan.take()
    assert first is not None
    assert second is not None
    assert (first.end, second.at, second.end) == (
        2 * SHORTEST_SPLIT,
        2 * SHORTEST_SPLIT,
        4 * SHORTEST_SPLIT,
    )
    assert plan.take() is not None


def test_little_is_not_shared():
    plan = Plan(2 * SHORTEST_SPLIT - 1, Coverage())
    assert plan.take() is not None
    assert plan.take() is None
