"""Each cause, seen and not seen, in the order in which they weigh."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.domain.benchmark import HostLoad
from app.domain.fit import Memory
from app.domain.generation import LoadedInfo
from app.domain.slowness import (
    Cause,
    ChooseAnother,
    Circumstances,
    CopyCommand,
    Finding,
    MachineFacts,
    MeasureAgain,
    SetThreads,
    ShorterContext,
    UnloadOthers,
    UseAllLayers,
    diagnose,
    fix_label,
)
from tests.helpers.measurements import THREADS, record

GB = 1_000_000_000
INFO = LoadedInfo(
    path="/models/a.gguf",
    name="A",
    architecture="llama",
    context_length=8192,
    trained_context=8192,
    threads=3,
    gpu_layers=0,
    weights_bytes=4 * GB,
    context_bytes=1 * GB,
    compute_bytes=GB // 10,
    backend="CPU",
    has_template=True,
    load_seconds=1.0,
)
WELL = Circumstances(
    info=INFO,
    machine=MachineFacts(cores=4),
    memory=Memory(16 * GB, 10 * GB),
    held_bytes=GB,
    offloads=False,
    layers=33,
    longest_conversation=3000,
    record=record(),
)


def findings(seen: Circumstances) -> list[Finding]:
    return list(diagnose(seen).findings)


def only(seen: Circumstances) -> Finding:
    (finding,) = findings(seen)
    return finding


def loaded(**changes: Any) -> Circumstances:
    return replace(WELL, info=replace(INFO, **changes))


def measured(**load: Any) -> Circumstances:
    return replace(WELL, record=record(load=HostLoad(**load)))


def test_where_all_is_well_the_limit_is_told() -> None:
    diagnosis = diagnose(WELL)
    assert diagnosis.findings == ()
    assert diagnosis.limit.startswith("Nothing holds it back")
    # 4 GB a token at 50 tok/s.
    assert "200.0 GB a second" in diagnosis.limit


def test_of_a_mixture_no_bandwidth_is_told() -> None:
    limit = diagnose(replace(WELL, mixture=True)).limit
    assert "GB a second" not in limit
    assert "only some of its weights" in limit


def test_without_a_measurement_it_asks_for_one() -> None:
    assert diagnose(replace(WELL, record=None)).limit.startswith("Measure it")


# --------------------------------------------------------------------------------------- memory


def test_a_model_that_does_not_fit() -> None:
    finding = only(replace(WELL, memory=Memory(8 * GB, 3 * GB)))
    assert finding.cause is Cause.MEMORY
    assert finding.evidence == "It takes 5.1 GB; 4.0 GB of 8.0 GB are there for it."
    # The context could only give back 0 of its 8192 tokens (twice 3,000 are needed).
    assert finding.fix == ChooseAnother()


def test_a_shorter_context_is_offered_where_it_helps() -> None:
    short = replace(WELL, memory=Memory(8 * GB, 3 * GB), longest_conversation=500)
    assert findings(short)[0].fix == ShorterContext(4096)


@pytest.mark.parametrize(("others", "fix"), [(2 * GB, UnloadOthers()), (GB, ChooseAnother())])
def test_other_models_make_way_where_that_is_enough(
    others: int, fix: UnloadOthers | ChooseAnother
) -> None:
    finding = only(replace(WELL, memory=Memory(8 * GB, 3 * GB), others_bytes=others))
    assert finding.fix == fix
    assert finding.evidence.endswith(f"Other models hold {others / GB:.1f} GB.")
    assert ("Unload the other models." in finding.sentence) == (fix == UnloadOthers())


def test_where_the_model_is_larger_than_memory_others_are_not_to_blame() -> None:
    finding = only(replace(WELL, memory=Memory(5 * GB, 0), others_bytes=5 * GB))
    assert finding.fix == ChooseAnother()


def test_what_lies_in_a_graphics_processor_needs_no_memory() -> None:
    seen = loaded(gpu_layers=20, places=(("CUDA0", 2 * GB),))
    assert findings(replace(seen, memory=Memory(8 * GB, 3 * GB))) == []


@pytest.mark.parametrize(("swapped", "is_found"), [(300_000_000, True), (100_000_000, False)])
def test_swap(swapped: int, is_found: bool) -> None:
    found = findings(measured(swapped_bytes=swapped))
    assert [finding.cause for finding in found] == ([Cause.MEMORY] if is_found else [])


def test_reads_from_the_disk_while_it_answers() -> None:
    # 2048 tokens before, and two depths of three repetitions of 544 tokens.
    assert findings(measured(disk_reads=5312)) == []
    finding = only(measured(disk_reads=5313))
    assert finding.evidence == "5,313 reads from the disk while 5,312 tokens were computed."


def test_what_lies_in_the_graphics_processor_does_not_swap() -> None:
    seen = loaded(gpu_layers=33, threads=3, backend="CUDA0")
    assert findings(replace(seen, offloads=True, memory=Memory(8 * GB, GB))) == []


# -------------------------------------------------------------------------------------- backend


@pytest.mark.parametrize(
    ("name", "backend"),
    [("NVIDIA RTX 4090", "cuda"), ("AMD graphics", "vulkan"), ("Apple graphics", "metal")],
)
def test_a_graphics_processor_that_is_not_used(name: str, backend: str) -> None:
    machine = MachineFacts(cores=4, graphics=(name,))
    finding = only(replace(WELL, machine=machine))
    assert finding.cause is Cause.BACKEND
    assert name in finding.evidence
    assert finding.fix == CopyCommand(f"python3 dev.py setup --backend {backend}")
    assert findings(replace(loaded(gpu_layers=33), machine=machine, offloads=True)) == []


def test_only_a_part_is_offloaded() -> None:
    finding = only(replace(loaded(gpu_layers=12), offloads=True))
    assert (finding.cause, finding.evidence) == (Cause.LAYERS, "12 of 33 layers.")
    assert finding.fix == ChooseAnother()


def test_all_layers_are_offered_where_fewer_are_set() -> None:
    finding = only(replace(loaded(gpu_layers=12), offloads=True, layers_are_set=True))
    assert finding.fix == UseAllLayers()
    assert "load settings" in finding.sentence
    assert finding.fix == UseAllLayers()


# -------------------------------------------------------------------------------------- threads


def test_the_measured_number_of_threads() -> None:
    seen = replace(loaded(threads=4), record=record(threads=THREADS))
    finding = only(seen)
    assert finding.fix == SetThreads(2)
    assert finding.evidence == "Measured: 80.0 against 60.0 tok/s."
    assert findings(replace(loaded(threads=2), record=record(threads=THREADS))) == []


def test_a_gain_that_is_none_is_left_alone() -> None:
    nearly = (THREADS[1], replace(THREADS[2], decode_rate=77.5))
    assert findings(replace(loaded(threads=4), record=record(threads=nearly))) == []


def test_more_threads_than_cores() -> None:
    finding = only(loaded(threads=8))
    assert finding.evidence == "8 threads on 4 cores."
    assert finding.fix == SetThreads(3)
    assert findings(loaded(threads=4)) == []


# -------------------------------------------------------------------------------------- context


def test_a_context_that_nobody_needs() -> None:
    seen = loaded(context_length=131_072, context_bytes=5 * GB)
    finding = only(replace(seen, memory=Memory(32 * GB, 20 * GB)))
    assert finding.cause is Cause.CONTEXT
    assert finding.evidence == "131,072 tokens take 5.0 GB. Your longest conversation has 3,000."
    assert finding.fix == ShorterContext(8192)


def test_a_long_context_is_fine_where_it_is_used_or_small() -> None:
    room = Memory(32 * GB, 20 * GB)
    long = replace(loaded(context_length=131_072, context_bytes=5 * GB), memory=room)
    assert findings(replace(long, longest_conversation=60_000)) == []
    assert findings(replace(loaded(context_length=131_072, context_bytes=GB), memory=room)) == []


def test_where_memory_is_scarce_a_smaller_one_counts_too() -> None:
    seen = replace(loaded(context_length=32_768), memory=Memory(16 * GB, GB), held_bytes=5 * GB)
    assert only(seen).cause is Cause.CONTEXT


# ------------------------------------------------------------------------------ power, heat, others


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"on_battery": True, "battery_percent": 41}, "On battery, 41 % left."),
        ({"on_battery": True}, "On battery."),
        ({"power_profile": "low-power"}, "The power profile is “low-power”."),
        ({"frequency_share": 0.5}, "may reach 50 % of its highest"),
    ],
)
def test_saving_energy(facts: dict[str, Any], said: str) -> None:
    finding = only(replace(WELL, machine=MachineFacts(cores=4, **facts)))
    assert finding.cause is Cause.POWER
    assert said in finding.evidence
    assert finding.fix == MeasureAgain()


@pytest.mark.parametrize("facts", [{"power_profile": "balanced"}, {"frequency_share": 0.95}])
def test_no_energy_is_saved(facts: dict[str, Any]) -> None:
    assert findings(replace(WELL, machine=MachineFacts(cores=4, **facts))) == []


def test_heat() -> None:
    finding = only(measured(throttled=1))
    assert (finding.cause, finding.fix) == (Cause.HEAT, SetThreads(2))
    assert finding.evidence == "1 time while it was measured."
    alone = replace(measured(throttled=2), info=replace(INFO, threads=1))
    assert only(alone).fix == MeasureAgain()


def test_other_programs() -> None:
    finding = only(measured(others_cores=1.44, busiest="browser"))
    assert finding.cause is Cause.OTHERS
    assert finding.evidence == "1.4 of 4 cores. Most of it was used by “browser”."
    assert findings(measured(others_cores=0.5, busiest="browser")) == []


def test_the_heaviest_comes_first() -> None:
    machine = MachineFacts(cores=2, graphics=("NVIDIA",), on_battery=True)
    seen = replace(
        measured(swapped_bytes=GB, others_cores=2.0, throttled=3),
        machine=machine,
        info=replace(INFO, context_length=131_072, context_bytes=5 * GB),
    )
    causes = [finding.cause for finding in findings(seen)]
    assert causes == [
        Cause.MEMORY,
        Cause.BACKEND,
        Cause.THREADS,
        Cause.CONTEXT,
        Cause.POWER,
        Cause.HEAT,
        Cause.OTHERS,
    ]
    assert not diagnose(seen).limit.startswith("Nothing")


def test_what_the_buttons_say() -> None:
    labels = [fix_label(fix) for fix in (SetThreads(1), SetThreads(2), ShorterContext(8192))]
    assert labels == ["Use 1 thread", "Use 2 threads", "Use 8,192 tokens"]
