"""The likeliest of all tokens, found without sorting them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.engine.native.logits import likeliest


@given(st.integers(0, 2**32 - 1), st.integers(6_500, 20_000), st.integers(1, 50), st.booleans())
def test_the_likeliest_are_among_those_found(
    seed: int, size: int, count: int, coarse: bool
) -> None:
    """Also where many are as likely as each other."""
    logits = np.random.default_rng(seed).normal(0, 3, size).astype(np.float32)
    logits = np.round(logits, 1) if coarse else logits
    found = likeliest(logits, count)
    assert found is not None
    assert (found["logit"] == logits[found["id"]]).all()
    assert sorted(found["logit"])[-count:] == sorted(logits)[-count:]


def test_the_first_of_equals_comes_first_as_in_the_native_choice() -> None:
    logits = np.zeros(10_000, np.float32)
    logits[[70, 9_000, 9_999]] = 5.0
    found = likeliest(logits, 1)
    assert found is not None
    assert list(found["id"]) == [70, 9_000, 9_999]


def test_what_would_be_many_is_left_to_the_chain() -> None:
    assert likeliest(np.zeros(49_152, np.float32), 40) is None
    assert likeliest(np.zeros(1_000, np.float32), 40) is None


def test_tokens_beyond_the_last_whole_row_are_seen() -> None:
    logits = np.zeros(10_001, np.float32) - np.arange(10_001, dtype=np.float32)
    logits[10_000] = 9.0
    found = likeliest(logits, 1)
    assert found is not None
    assert 10_000 in found["id"]
