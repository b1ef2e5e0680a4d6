"""Mixed requests at random, for as long as one likes, against a pool of engines as the application
has it: two models, each in a process of its own.

Some talkers hold conversations and stop answers at any moment, one meddler loads, unloads, measures
and asks for what cannot be, all at the same time. In calm rounds the hosts live on, so that what
they lose of memory is seen; in rough ones models are unloaded for each other's sake and after a
time, and now and then a host is killed. What must hold is written into `Tally.faults` where it does
not.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil

from app.domain import errors
from app.domain.benchmark import BenchCancelled, Benchmarked, BenchPlan, BenchRequest
from app.domain.fit import MEMORY
from app.domain.generation import (
    CountRequest,
    Failed,
    Finished,
    GenerateRequest,
    LoadCancelled,
    Loaded,
    LoadRequest,
    Turn,
)
from app.domain.load_params import LoadParams
from app.engine.crashes import AnswerCrashes
from app.engine.kept.folder import SUFFIX, Keeping, digest
from app.engine.limits import machine_memory
from app.engine.pool import EnginePool, PoolLimits
from app.engine.supervisor import HostEngine
from app.flow.tasks import TaskOwner
from tests.helpers.engine_rig import Events, collect, new_id, user
from tests.helpers.gguf_files import babbler, starter_file
from tests.helpers.soak_talker import Talker
from tests.helpers.soak_tally import Tally

TALKERS = 6
ROUND_SECONDS = 4.0
PATIENCE = 120.0
"""Seconds after which a stream or an unload that has not ended never will."""
ROUGH = 3
"""Rough rounds between calm ones."""
_LATE = 1.0
"""Seconds after the end of a round at which what is still answered is cancelled."""
_STOPPED = 0.35
"""The share of requests that are cancelled before."""
MOST_KEPT = 60_000_000
"""Bytes of conversations on disk: few enough that some are removed for others."""

_CONTEXTS = (512, 1024, 2048)
_AT_REST = LoadParams(context_length=1024, threads=2)
"""How both are loaded when memory is looked at: a host with the same settings needs the same."""
_ROOM_FOR_ONE = PoolLimits(starter_file().stat().st_size + 50_000_000)
_SHORT_LIVED = PoolLimits(idle_seconds=0.3)
_PLAN = BenchPlan(depths=(0, 256), prompt_tokens=64, answer_tokens=8, repeats=2, seconds=3.0)
_TERMINAL = (Finished, Failed, Loaded, LoadCancelled, Benchmarked, BenchCancelled)

_EXPECTED = (errors.NothingLoaded, errors.PromptTooLong, errors.GrammarRefused)
_EXPECTED_OF_LOADS = (errors.ModelFileError, errors.ContextLengthRefused)
_EXPECTED_OF_BENCHES = (errors.NothingLoaded, errors.EngineBusy)

_NOTHING = contextlib.nullcontext()

T = TypeVar("T")


class Soak:
    """One run; the same seed makes the same choices (their order depends on the machine)."""

    def __init__(self, folder: Path, seed: int, calm: int) -> None:
        """`folder`: for the second model and what is kept; so many `calm` rounds come together."""
        starter, small = str(starter_file()), str(babbler(folder / "babbler.gguf"))
        self.tally = Tally()
        self.loads = {starter: 0, small: 0}
        """How often each model was loaded."""
        self._needs = {path: Path(path).stat().st_size + 50_000_000 for path in self.loads}
        self._seed = seed
        self._calm = calm
        self._is_rough = False
        self._round_ends = 0.0
        self._kept = folder / "states"
        self._limits = PoolLimits()
        self._engines: list[HostEngine] = []
        self._crashes = AnswerCrashes()
        self._tasks = TaskOwner(lambda bug: self.tally.fault(f"a bug: {bug!r}"))
        self._pool = EnginePool(self._make, lambda: self._limits, machine_memory, self._tasks)
        self._locks = {path: asyncio.Lock() for path in self.loads}
        # Only the starter model can be made to write one letter again and again.
        self._talkers = [
            Talker(self, (small if number == 0 else starter), number, f"{seed}-{number}")
            for number in range(TALKERS)
        ]
        for talker in self._talkers:
            talker.spells = talker.path == starter

    def _make(self) -> HostEngine:
        keeping = Keeping(str(self._kept), MOST_KEPT)
        self._engines.append(HostEngine(keeping=lambda: keeping, crashes=self._crashes))
        return self._engines[-1]

    async def run(self, seconds: float) -> Tally:
        """Rounds for so long; ends early at a fault."""
        until = time.monotonic() + seconds
        number = 0
        try:
            while time.monotonic() < until and not self.tally.faults:
                await self._round(number)
                number += 1
            self.tally.check_growth()
        finally:
            await self.in_time("the end", self._end())
        return self.tally

    async def _round(self, number: int) -> None:
        chance = random.Random(f"{self._seed}-{number}-meddler")
        until = self._round_ends = time.monotonic() + ROUND_SECONDS
        self._is_rough = number % (self._calm + ROUGH) >= self._calm
        await asyncio.gather(
            self._meddle(chance, until), *(talker.talk(until) for talker in self._talkers)
        )
        self._limits = PoolLimits()
        await self._look_at_recovery()
        if self._is_rough:
            await self._rest()
        else:
            await self._note_hosts()
        self.tally.application.append(psutil.Process().memory_info().rss)

    # -------------------------------------------------------------------------- what is done

    async def _meddle(self, chance: random.Random, until: float) -> None:
        calm = [self._reload, self._reload, self._load_nonsense, self._bench, self._look]
        rough = [self._reload, self._bench, self._unload, self._squeeze, self._squeeze, self._kill]
        while time.monotonic() < until and not self.tally.faults:
            await asyncio.sleep(chance.uniform(0.1, 1.5))
            await chance.choice(rough if self._is_rough else calm)(chance)

    async def _reload(self, chance: random.Random) -> None:
        params = LoadParams(
            context_length=chance.choice(_CONTEXTS), threads=chance.choice([None, 1, 2])
        )
        # The host of a load that is cancelled ends, and in calm rounds hosts live on.
        path = self._any(chance)
        async with self._locks[path]:
            await self._begin_load(path, params, chance if self._is_rough else None)

    async def _load_nonsense(self, chance: random.Random) -> None:
        path = chance.choice([__file__, "/nowhere/at/all.gguf", str(Path(__file__).parent)])
        events = await self._collected("a load", self._pool.load(LoadRequest(new_id(), path)))
        self.note(events, _EXPECTED_OF_LOADS)

    async def _bench(self, chance: random.Random) -> None:
        request = BenchRequest(new_id(), self._any(chance), _PLAN)
        with self._stopping(chance, request.request_id, at_end=True):
            events = await self._collected("a measurement", self._pool.benchmark(request))
        self.note(events, _EXPECTED_OF_BENCHES, request.model_path)

    async def _look(self, chance: random.Random) -> None:
        self._pool.cancel("nobody")
        path = self._any(chance)
        await self.in_time("the devices", self._pool.devices())
        await self.in_time("a dry run", self._pool.dry_run(path, LoadParams(context_length=256)))

    async def _unload(self, chance: random.Random) -> None:
        await self.in_time("an unload", self._pool.unload(self._any(chance)))

    async def _squeeze(self, chance: random.Random) -> None:
        self._limits = chance.choice([_ROOM_FOR_ONE, _ROOM_FOR_ONE, _SHORT_LIVED, PoolLimits()])

    async def _kill(self, chance: random.Random) -> None:
        loaded = [one for one in self._alive() if one.loaded is not None]
        if loaded:
            engine = chance.choice(loaded)
            pid, info = engine.host_pid, engine.loaded
            assert pid is not None
            assert info is not None
            self.tally.kills += 1
            self.tally.killed[info.path] = engine, pid
            psutil.Process(pid).kill()

    # ----------------------------------------------------------------- what the talkers ask

    async def ask(self, talker: Talker, turns: tuple[Turn, ...], **more: Any) -> Events:
        """An answer, which may be stopped at any moment; its model is loaded if it is not, as in
        the application."""
        chance = talker.chance
        if talker.path not in self._pool.loaded:
            await self._ready(talker.path, chance)
        request = GenerateRequest(new_id(), talker.path, turns, **more)
        with self._stopping(chance, request.request_id, at_end=True):
            events = await self._collected("an answer", self._pool.generate(request))
        self.note(events, _EXPECTED, talker.path)
        return events

    async def count(self, talker: Talker, turns: tuple[Turn, ...]) -> None:
        """What would be sent."""
        try:
            counting = self._pool.count_tokens(CountRequest(talker.path, turns, "And then?"))
            count = await self.in_time("a count", counting)
        except errors.AppError as error:
            self._note_failure(error, (errors.NothingLoaded,), talker.path)
        else:
            self.tally.ends["counted"] += 1
            if count.sent < len(turns):
                self.tally.fault(f"a count of too little: {count}")

    async def forget(self, tag: str) -> None:
        """Drop a conversation."""
        await self.in_time("to forget", self._pool.forget(tag))
        self.tally.forgotten.add(tag)

    async def _ready(self, path: str, chance: random.Random) -> None:
        async with self._locks[path]:
            if path not in self._pool.loaded:
                await self._begin_load(path, LoadParams(context_length=2048, threads=2), chance)

    async def _begin_load(
        self, path: str, params: LoadParams, chance: random.Random | None = None
    ) -> None:
        request = LoadRequest(new_id(), path, params, ((MEMORY, self._needs[path]),))
        stopping = self._stopping(chance, request.request_id, at_end=False) if chance else _NOTHING
        with stopping:
            events = await self._collected("a load", self._pool.load(request))
        self.note(events, _EXPECTED_OF_LOADS, path)
        self.loads[path] += isinstance(events.last, Loaded)

    @contextlib.contextmanager
    def _stopping(self, chance: random.Random, request_id: str, at_end: bool) -> Iterator[None]:
        """Cancel it at some moment or not, and `at_end` of the round for certain."""
        loop = asyncio.get_running_loop()
        seconds = max(0.0, self._round_ends + _LATE - time.monotonic())
        if chance.random() < _STOPPED:
            seconds = min(seconds, chance.expovariate(3))
        elif not at_end:
            yield
            return
        timer = loop.call_later(seconds, self._pool.cancel, request_id)
        yield
        timer.cancel()

    # --------------------------------------------------------------------- what must hold

    async def in_time(self, what: str, work: Awaitable[T]) -> T:
        """Wait for it; never to the end of days."""
        try:
            return await asyncio.wait_for(work, PATIENCE)
        except TimeoutError:
            self.tally.fault(f"{what} did not end in {PATIENCE:.0f} seconds")
            raise

    async def _collected(self, what: str, stream: Any) -> Events:
        return await self.in_time(what, collect(stream))

    def note(
        self, events: Events, expected: tuple[type[errors.AppError], ...], path: str = ""
    ) -> None:
        """Count how it ended with the model of `path`, and look whether that may be."""
        last = events.last
        ends = [event for event in events.all if isinstance(event, _TERMINAL)]
        if ends != [last]:
            self.tally.fault(f"a stream with the ends {ends}")
        if isinstance(last, Failed):
            self._note_failure(last.error, expected, path)
        elif isinstance(last, Finished):
            self.tally.ends[last.reason.value] += 1
        else:
            self.tally.ends[type(last).__name__] += 1

    def _note_failure(
        self, error: errors.AppError, expected: tuple[type[errors.AppError], ...], path: str
    ) -> None:
        self.tally.ends[type(error).__name__] += 1
        was_killed = isinstance(error, errors.EngineCrashed) and path in self.tally.killed
        if not was_killed and not isinstance(error, expected):
            self.tally.fault(f"a failure: {error.to_dict()}")

    async def _look_at_recovery(self) -> None:
        """A model whose host was killed answers again."""
        for path, (engine, pid) in tuple(self.tally.killed.items()):
            while engine.host_pid == pid:
                # It was killed so lately that nobody knows.
                await asyncio.sleep(0.01)
            del self.tally.killed[path]
            await self._begin_load(path, _AT_REST)
            request = GenerateRequest(new_id(), path, user(f"{new_id()}?"), max_tokens=2)
            events = await self._collected("an answer after a kill", self._pool.generate(request))
            if not isinstance(events.last, Finished):
                self.tally.fault(f"{path} is not back after a kill: {events.last}")

    async def _note_hosts(self) -> None:
        """What each host has with the same settings."""
        for path in self.loads:
            await self._begin_load(path, _AT_REST)
        for engine in self._alive():
            if engine.loaded is not None and engine.host_pid is not None:
                memory = psutil.Process(engine.host_pid).memory_info().rss
                self.tally.hosts.setdefault(engine.host_pid, []).append(memory)

    async def _rest(self) -> None:
        """Everything is unloaded: no host with a model is left, and no more on disk than may be."""
        for path in tuple(self._pool.loaded):
            await self.in_time("an unload", self._pool.unload(path))
        # Those that outlived their time end beside it.
        await self.in_time("the pool's own work", self._tasks.drain())
        if any(one.loaded is not None or one.is_busy for one in self._engines):
            self.tally.fault("something is loaded, or asked, after everything was unloaded")
        # One may wait for the next model, having told what is there.
        if len(self._alive()) > 1:
            self.tally.fault(f"hosts are left: {[one.host_pid for one in self._alive()]}")
        self._engines = [one for one in self._engines if one.host_pid is not None]
        self._look_at_disk()

    def _look_at_disk(self) -> None:
        files = list(self._kept.glob("*"))
        owners = {path.stem.split("-")[1] for path in files if path.suffix == SUFFIX}
        size = sum(path.stat().st_size for path in files if path.suffix == SUFFIX)
        self.tally.most_kept = max(self.tally.most_kept, size)
        if size > MOST_KEPT:
            self.tally.fault(f"{size} bytes are kept on disk")
        # A host that is killed leaves the file that it was writing, until it is ten minutes old.
        if len(files) > self.tally.kills + sum(path.suffix == SUFFIX for path in files):
            self.tally.fault(f"files are left in the folder of kept states: {files}")
        known = {tag for tag in self.tally.forgotten if digest(tag) in owners}
        if known:
            self.tally.fault(f"what was forgotten is on disk: {known}")

    async def _end(self) -> None:
        await self._pool.forget(None)
        await self._pool.close()
        await self._tasks.drain()
        if any(self._kept.glob(f"*{SUFFIX}")):
            self.tally.fault("something is kept after all was forgotten")
        left = [thread.name for thread in threading.enumerate() if "engine-host" in thread.name]
        if self._alive() or left:
            self.tally.fault(f"after the end there are hosts ({len(self._alive())}) or {left}")

    def _alive(self) -> list[HostEngine]:
        return [one for one in self._engines if one.host_pid is not None]

    def _any(self, chance: random.Random) -> str:
        return chance.choice(tuple(self.loads))
