"""Whether a model fits, told from its size alone."""

from __future__ import annotations

import pytest

from app.domain.fit import Verdict
from app.domain.hub import CuratedRepo, RepoSummary
from app.domain.placement import Device, DeviceKind, Room
from app.domain.quick_fit import (
    by_room,
    bytes_at_four_bits,
    most_parameters,
    parameters_of,
    quick_verdict,
)

GB = 10**9


def card(kind: DeviceKind, free: int) -> Device:
    return Device("X0", "a card", "CUDA", kind, free, free)


def proposed(name: str, size: int) -> CuratedRepo:
    return CuratedRepo(f"a/{name}", name, "", "chat", size * 2, "Q4_K_M", size, "mit")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("Qwen3-0.6B-GGUF", 600_000_000),
        ("SmolLM2-135M-Instruct", 135_000_000),
        ("Mixtral-8x7B-v0.1", 56 * GB),
        ("Qwen3-30B-A3B-Instruct-2507", 30 * GB),
        ("llama_3b_chat", 3 * GB),
        ("Phi-4-mini", 0),
        ("v2b1-model", 0),
    ],
)
def test_a_name_tells_how_large_it_is(name: str, parameters: int):
    assert parameters_of(RepoSummary(f"author/{name}")) == parameters


def test_what_the_hub_says_counts_more_than_the_name():
    assert parameters_of(RepoSummary("a/Model-7B", parameters=6_738_000_000)) == 6_738_000_000


@pytest.mark.parametrize(
    ("size", "verdict"), [(5, Verdict.FITS), (13, Verdict.TIGHT), (15, Verdict.TOO_LARGE)]
)
def test_a_file_against_what_is_free(size: int, verdict: Verdict):
    assert quick_verdict(size * GB, Room(16 * GB)) is verdict


def test_only_graphics_memory_of_its_own_adds_to_the_machines():
    size = 13 * GB
    assert quick_verdict(size, Room(8 * GB, (card(DeviceKind.GRAPHICS, 24 * GB),))) is Verdict.FITS
    shared = Room(8 * GB, (card(DeviceKind.SHARED, 24 * GB),))
    assert quick_verdict(size, shared) is Verdict.TOO_LARGE


def test_the_largest_number_of_parameters_just_fits():
    room = Room(16 * GB)
    most = most_parameters(room)
    assert quick_verdict(bytes_at_four_bits(most - 10**7), room) is not Verdict.TOO_LARGE
    assert quick_verdict(bytes_at_four_bits(most + 10**8), room) is Verdict.TOO_LARGE
    assert most_parameters(Room(0)) == 0


def names(room: Room) -> list[str]:
    repos = [proposed(f"{size}", size * GB // 10) for size in (6, 25, 50, 120)]
    return [repo.label for repo in by_room(repos, room)]


def test_the_largest_that_is_quick_here_comes_first():
    # Without a graphics card what is over 3 GB would write slower than one reads.
    assert names(Room(32 * GB)) == ["25", "6", "50", "120"]
    assert names(Room(32 * GB, (card(DeviceKind.GRAPHICS, 16 * GB),))) == ["120", "6", "25", "50"]


def test_what_does_not_fit_comes_last():
    assert names(Room(6 * GB)) == ["25", "6", "50", "120"]
    assert names(Room(1 * GB)) == ["6", "25", "50", "120"]
