"""Frames between the application and its engine host."""

from __future__ import annotations

import io
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.benchmark import (
    BenchCancelled,
    Benchmarked,
    BenchPlan,
    BenchProgress,
    BenchRequest,
    BenchResult,
    DepthSpeed,
    HostLoad,
    SpeedMeasured,
    ThreadSpeed,
)
from app.domain.errors import AppError, EngineCrashed, OutOfMemory
from app.domain.fit import MeasuredSizes
from app.domain.generation import (
    EFFORTS,
    CountRequest,
    Failed,
    Finished,
    GenerateRequest,
    LoadCancelled,
    Loaded,
    LoadedInfo,
    LoadProgress,
    LoadRequest,
    PromptProgress,
    Role,
    RunStats,
    Sampling,
    Switches,
    TextDelta,
    TokenCount,
    Turn,
)
from app.domain.load_params import LoadParams, bounded
from app.domain.overflow import Overflow
from app.domain.placement import Device, DeviceKind
from app.engine import protocol
from app.engine.kept.folder import Keeping

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NEEDS = st.lists(st.tuples(TEXT, st.integers(0, 10**13)), max_size=3).map(tuple)
PARAMS = st.from_type(LoadParams).map(bounded)
RATES = st.lists(st.floats(0, 1e6), min_size=1, max_size=3).map(tuple)
SPEEDS = st.builds(DepthSpeed, st.integers(0, 10**6), RATES, RATES)
RESULTS = st.builds(
    BenchResult,
    speeds=st.lists(SPEEDS, min_size=1, max_size=3).map(tuple),
    threads=st.lists(
        st.builds(ThreadSpeed, st.integers(1, 512), st.floats(0, 1e6), st.floats(0, 1e6)),
        max_size=3,
    ).map(tuple),
    left_out=st.lists(st.integers(0, 10**6), max_size=3).map(tuple),
    seconds=st.floats(0, 1e6),
    load=st.builds(HostLoad, others_cores=st.floats(0, 512), busiest=TEXT),
)
EVENTS = st.one_of(
    st.builds(BenchProgress, st.floats(0, 1)),
    st.builds(SpeedMeasured, SPEEDS),
    st.builds(Benchmarked, RESULTS),
    st.builds(BenchCancelled),
    st.builds(LoadProgress, st.floats(0, 1)),
    st.builds(
        Loaded,
        st.builds(LoadedInfo, load_seconds=st.floats(0, 1e6), places=NEEDS, params=PARAMS),
    ),
    st.builds(LoadCancelled),
    st.from_type(PromptProgress),
    st.from_type(TextDelta),
    st.builds(Finished, reason=..., stats=st.from_type(RunStats)),
)


def through_a_pipe(frame: protocol.Frame) -> protocol.Frame:
    pipe = io.BytesIO()
    protocol.write_frame(pipe, frame)
    assert pipe.getvalue().count(b"\n") == 1
    pipe.seek(0)
    back = protocol.read_frame(pipe)
    assert back is not None
    return back


@given(EVENTS)
def test_events_come_back_as_they_went(event: protocol.Event) -> None:
    assert protocol.event_from_dict(through_a_pipe(protocol.event_to_dict(event))) == event


@given(st.sampled_from([EngineCrashed, OutOfMemory, AppError]), TEXT, TEXT, TEXT)
def test_errors_come_back_as_what_they_are(
    case: type[AppError], title: str, detail: str, remedy: str
) -> None:
    frame = through_a_pipe(protocol.event_to_dict(Failed(case(title, detail, remedy))))
    back = protocol.event_from_dict(frame)
    assert isinstance(back, Failed)
    assert type(back.error) is case
    assert back.error.to_dict() == case(title, detail, remedy).to_dict()


@given(st.builds(LoadRequest, TEXT, TEXT, PARAMS, NEEDS, TEXT))
def test_load_requests_come_back_as_they_went(request: LoadRequest) -> None:
    assert protocol.load_from_dict(through_a_pipe(protocol.load_to_dict(request))) == request


PLANS = st.builds(
    BenchPlan,
    depths=st.lists(st.integers(0, 10**6), max_size=4).map(tuple),
    seconds=st.floats(0, 1e6),
)


@given(st.builds(BenchRequest, TEXT, TEXT, PLANS))
def test_bench_requests_come_back_as_they_went(request: BenchRequest) -> None:
    assert protocol.bench_from_dict(through_a_pipe(protocol.bench_to_dict(request))) == request


REQUESTS = st.builds(
    GenerateRequest,
    TEXT,
    TEXT,
    st.lists(st.builds(Turn, st.sampled_from(Role), TEXT, TEXT, st.integers(1, 9)), max_size=3).map(
        tuple
    ),
    st.builds(
        Sampling,
        temperature=st.floats(0, 5),
        top_p=st.floats(0, 1),
        logit_bias=st.lists(st.tuples(TEXT, st.floats(-100, 100)), max_size=3).map(tuple),
        dry_breakers=st.lists(TEXT, max_size=3).map(tuple),
        grammar=TEXT,
    ),
    st.none() | st.integers(1, 10**6),
    st.lists(TEXT, max_size=3).map(tuple),
    st.sampled_from(Overflow),
    st.builds(Switches, st.none() | st.booleans(), st.sampled_from(["", *EFFORTS])),
    cache_tag=TEXT,
)


@given(st.none() | st.builds(Keeping, TEXT, st.integers(0, 1 << 40)))
def test_where_states_are_kept_comes_back_as_it_went(keeping: Keeping | None) -> None:
    frame = through_a_pipe({"keeping": protocol.keeping_to_dict(keeping)})
    assert protocol.keeping_from_dict(frame["keeping"]) == keeping


@given(REQUESTS)
def test_generate_requests_come_back_as_they_went(request: GenerateRequest) -> None:
    frame = through_a_pipe(protocol.generate_to_dict(request))
    assert protocol.generate_from_dict(frame) == request


@given(REQUESTS, TEXT)
def test_requests_to_count_come_back_as_they_went(request: GenerateRequest, draft: str) -> None:
    count = CountRequest(
        request.model_path,
        request.turns,
        draft,
        request.max_tokens,
        request.overflow,
        request.switches,
    )
    assert protocol.count_from_dict(through_a_pipe(protocol.count_to_dict(count))) == count


def test_counts_come_back_as_they_went() -> None:
    count = TokenCount(8192, 3, 200, 1, 1024, 4, fits=False)
    frame = through_a_pipe({"is": "counted", "count": asdict(count)})
    assert protocol.counted_from_dict(frame) == count
    error = EngineCrashed("a", "b", "c")
    back = protocol.counted_from_dict({"is": "counted", "error": error.to_dict()})
    assert isinstance(back, EngineCrashed)


@pytest.mark.parametrize("count", [{}, {"count": None}, {"count": {"sent": 3}}])
def test_malformed_counts_are_refused(count: protocol.Frame) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.counted_from_dict({"is": "counted", **count})


def test_a_lone_surrogate_survives_the_pipe() -> None:
    request = GenerateRequest("1", "m", (), stop=("\ud800",))
    frame = through_a_pipe(protocol.generate_to_dict(request))
    assert protocol.generate_from_dict(frame) == request


@pytest.mark.parametrize("data", [b"", b'{"is":"hel'])
def test_the_end_of_the_pipe_is_no_frame(data: bytes) -> None:
    assert protocol.read_frame(io.BytesIO(data)) is None


@pytest.mark.parametrize("data", [b"not json\n", b"[1]\n", b"\xff\xfe\n"])
def test_what_is_no_frame_is_said_so(data: bytes) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.read_frame(io.BytesIO(data))


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"is": "nonsense"},
        {"is": "delta"},
        {"is": "delta", "kind": "x", "text": "y"},
        {"is": "benchmarked", "result": {"speeds": []}},
        {"is": "speed", "speed": {"depth": 0, "prompt_rates": [], "decode_rates": []}},
    ],
)
def test_an_unknown_event_is_said_so(frame: protocol.Frame) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.event_from_dict(frame)


def test_sizes_come_back_as_they_went() -> None:
    sizes = MeasuredSizes(8192, 3, 2, 1)
    frame = through_a_pipe({"is": "measured", "sizes": asdict(sizes)})
    assert protocol.sizes_from_dict(frame) == sizes


@pytest.mark.parametrize("sizes", [{}, {"sizes": None}, {"sizes": {"weight": 3}}])
def test_malformed_sizes_are_refused(sizes: protocol.Frame) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.sizes_from_dict({"is": "measured", **sizes})


def test_devices_come_back_as_they_went() -> None:
    device = Device("CUDA0", "A card", "CUDA", DeviceKind.GRAPHICS, 5, 10)
    frame = through_a_pipe({"is": "devices", "devices": [asdict(device)]})
    assert protocol.devices_from_dict(frame) == (device,)


@pytest.mark.parametrize("devices", [None, [{}], [{"kind": "toaster"}], [3]], ids=str)
def test_malformed_devices_are_refused(devices: object) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.devices_from_dict({"is": "devices", "devices": devices})
