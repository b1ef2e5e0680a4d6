"""What the hub offers, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.fit import Verdict
from app.domain.hub import RepoSummary
from app.gui.discover import words
from app.gui.wording import parameters_text
from tests.helpers.hub_repos import named, repo, usual

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def before(**ago: float) -> int:
    return round((NOW - timedelta(**ago)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, ""),
        (before(hours=3), "today"),
        (before(days=1), "one day ago"),
        (before(days=6), "6 days ago"),
        (before(days=8), "one week ago"),
        (before(days=70), "2 months ago"),
        (before(days=800), "2 years ago"),
        (before(days=-3), "today"),
    ],
)
def test_how_long_ago(milliseconds: int, text: str):
    assert words.ago(milliseconds, NOW) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (9999, "10k"), (186_325, "186k"), (1_234_567, "1.2M")],
)
def test_counts(count: int, text: str):
    assert words.count_text(count) == text


@pytest.mark.parametrize(
    ("count", "text"), [(135_000_000, "135M"), (1_000_000_000, "1B"), (8_191_000_000, "8.2B")]
)
def test_parameters(count: int, text: str):
    assert parameters_text(count) == text


def test_a_row_leaves_out_what_nobody_says():
    row = words.found_row(RepoSummary("author/name"), None, NOW)
    assert (row.about, row.badge, row.gated) == ("author", "", False)
    assert row.spoken == "author/name, 0 downloads, 0 likes"


def test_a_row_speaks_of_all_it_shows():
    row = words.found_row(repo("a/b", gated=True).summary, Verdict.TIGHT, NOW)
    assert row.about == "a · 8.2B · Apache 2.0"
    assert row.badge == "tight"
    assert row.gated
    for told in ("8.2B parameters", "tight (a guess", "186,325 downloads", "access on request"):
        assert told in row.spoken


def test_a_variant_with_shards_and_a_projector_is_one_thing():
    parts = [(f"m-Q4_K_M-0000{number}-of-00003.gguf", 2_000_000_000) for number in (1, 2, 3)]
    details = repo("a/b", *parts, ("mmproj-F16.gguf", 851_000_000))
    (variant,) = details.variants
    full, short = words.variant_facts(variant, details.projectors[0])
    assert full == "6.0 GB · 3 parts · + vision 851 MB · small loss, a good balance"
    assert short == "6.0 GB · 3 parts · + vision 851 MB"


def test_variants_stand_by_their_bits():
    details = usual("a/b", "Q3_K_M", "IQ2_M", "BF16", "Q2_K", "Q8_0")
    ordered = sorted(details.variants, key=words.place_of)
    assert [words.bits_of(variant) for variant in ordered] == [
        "2 bits", "2 bits", "3 bits", "8 bits", "16 bits",
    ]  # fmt: skip


def test_a_quantisation_that_occurs_twice_is_told_apart_by_the_file():
    details = repo("a/b", ("base-Q8_0.gguf", 10), ("chat-Q8_0.gguf", 11), ("chat-Q4_0.gguf", 5))
    names = {words.variant_name(variant, details.variants) for variant in details.variants}
    assert names == {"base-Q8_0", "chat-Q8_0", "Q4_0"}
    assert words.variant_name(named(details, "Q4_0"), details.variants) == "Q4_0"
