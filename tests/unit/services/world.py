"""Services over a real store in memory, a scripted engine and a shelf of invented models."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from app.config.load_settings_file import LoadSettingsFile
from app.domain.conversation import Message
from app.domain.errors import FileMissing, LoadSettingsRefused
from app.domain.facts import AnswerEnded, Fact
from app.domain.fit import LayerShape, Memory, ModelShape
from app.domain.localmodel import BeginningTooShort, FileBeginning, GgufFacts, LocalModel
from app.domain.settings import Settings
from app.domain.slowness import MachineFacts
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner
from app.services.benchmarks import BenchmarkService
from app.services.chat import ChatService
from app.services.conversations import ConversationService
from app.services.fit import FitService
from app.services.library import LibraryService
from app.services.load_settings import LoadSettingsService
from app.services.models import ModelService
from app.services.quantise import QuantiseService
from app.services.settings import SettingsService
from app.store.sqlite_store import SqliteStore
from tests.helpers.scripted_engine import ScriptedEngine
from tests.helpers.scripted_hub import ScriptedHub
from tests.helpers.scripted_ollama import ScriptedOllama
from tests.helpers.scripted_quantiser import ScriptedQuantiser
from tests.helpers.scripted_shelf import MemoryNotes, ScriptedShelf

T = TypeVar("T")


SHAPE = ModelShape(
    weights_bytes=900,
    layers=(LayerShape(64, 64),) * 2,
    trained_context=8192,
    window=0,
    vocabulary=100,
    width=64,
    heads=1,
    query=64,
    inner=256,
    head_width=64,
)
"""Of the invented models."""


def local_model(path: str, *, starter: bool = False) -> LocalModel:
    """An invented model file."""
    facts = GgufFacts("llama", path, 1000, 3, 10, "Q4_1", 8192, 2, 64, 100, "")
    return LocalModel(
        path, path, facts, read_only=starter, is_starter=starter, mtime_ns=5, shape=SHAPE
    )


@dataclass
class Shelf:
    """A library of invented files; what is taken off is missing."""

    files: dict[str, LocalModel]
    hashed: list[str] = field(default_factory=list)
    adapters: dict[str, str] = field(default_factory=dict)
    """Path and architecture."""

    async def inspect(self, path: str) -> LocalModel:
        if path not in self.files:
            raise FileMissing("The model file is gone", path, "Open another one.")
        return self.files[path]

    async def starter(self) -> LocalModel | None:
        return next((model for model in self.files.values() if model.is_starter), None)

    async def require_adapter(self, path: str, architecture: str) -> None:
        if self.adapters.get(path) != architecture:
            raise LoadSettingsRefused("No adapter for this model", path, "Take it out.")

    async def inspect_beginnings(
        self, shards: Sequence[FileBeginning]
    ) -> LocalModel | BeginningTooShort:
        return replace(local_model(shards[0].name), path=shards[0].name)

    async def sha256(self, path: str) -> str:
        self.hashed.append(path)
        return "ab" * 32


@dataclass
class MemorySettings:
    """Settings that are kept nowhere."""

    current: Settings = field(default_factory=Settings)

    def replace(self, settings: Settings) -> None:
        self.current = settings


@dataclass
class World:
    """Everything a test of the services touches."""

    engine: ScriptedEngine
    store: SqliteStore
    shelf: Shelf
    settings: SettingsService
    facts: list[Fact]
    bugs: list[BaseException]
    tasks: TaskOwner
    models: ModelService
    conversations: ConversationService
    chat: ChatService
    fit: FitService
    memory: list[Memory]
    """The last one is what the machine has."""
    load_settings: LoadSettingsService
    benchmarks: BenchmarkService
    machine: list[MachineFacts]
    """The last one is what the machine is."""
    library: LibraryService
    shelves: ScriptedShelf
    notes: MemoryNotes
    quantiser: ScriptedQuantiser
    quantise: QuantiseService
    hub: ScriptedHub = field(default_factory=ScriptedHub)
    ollama: ScriptedOllama = field(default_factory=ScriptedOllama)

    async def until_answered(self) -> AnswerEnded:
        """Wait for the next end of an answer and for all that follows from it."""
        await self.tasks.drain()
        return next(fact for fact in reversed(self.facts) if isinstance(fact, AnswerEnded))

    async def last(self, conversation_id: int) -> Message:
        """The message at the head."""
        return (await self.store.path(conversation_id))[-1]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        while not condition():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def world(store: SqliteStore | None = None) -> AsyncIterator[World]:
    """A world with the models `starter` and `other`, the starter chosen."""
    used = store or SqliteStore(None)
    await used.open()
    made = await _furnished(used)
    await made.models.start()
    try:
        yield made
    finally:
        await made.library.close()
        await made.chat.close()
        await made.tasks.drain()
        await used.close()
    assert made.bugs == []


async def _furnished(store: SqliteStore) -> World:
    bugs: list[BaseException] = []
    tasks = TaskOwner(bugs.append)
    broadcast: Broadcast[Fact] = Broadcast()
    facts: list[Fact] = []
    broadcast.subscribe(facts.append)
    engine = ScriptedEngine()
    shelf = Shelf({"starter": local_model("starter", starter=True), "other": local_model("other")})
    settings = SettingsService(MemorySettings())
    ticks = itertools.count(1000)
    clock: Callable[[], int] = lambda: next(ticks)  # noqa: E731
    load_settings = LoadSettingsService(LoadSettingsFile(None), shelf, settings, "here", broadcast)
    memory = [Memory(16_000_000_000, 8_000_000_000)]
    free: Callable[[], Memory] = lambda: memory[-1]  # noqa: E731
    machine = [MachineFacts(cores=4)]
    wishes = load_settings.effective
    fit = FitService(engine, shelf, store, wishes, broadcast, tasks, free, "here", clock)
    await fit.start()
    models = ModelService(engine, shelf, store, settings, load_settings, fit, broadcast, tasks)
    looked: Callable[[], MachineFacts] = lambda: machine[-1]  # noqa: E731
    benchmarks = BenchmarkService(
        engine, store, models, load_settings, broadcast, tasks, free, looked, "here", clock
    )
    hub, shelves, notes = ScriptedHub(), ScriptedShelf(), MemoryNotes()
    stands = (models, settings, load_settings, broadcast, tasks, clock, "/models", hub.use_folder)
    library = LibraryService(shelves, notes, *stands)
    quantiser = ScriptedQuantiser()
    return World(
        library=library,
        shelves=shelves,
        notes=notes,
        hub=hub,
        engine=engine,
        store=store,
        shelf=shelf,
        settings=settings,
        facts=facts,
        bugs=bugs,
        tasks=tasks,
        models=models,
        conversations=ConversationService(
            store, settings, broadcast, clock, lambda: models.state.model, engine.forget
        ),
        chat=ChatService(engine, store, models, broadcast, tasks, clock),
        fit=fit,
        memory=memory,
        load_settings=load_settings,
        benchmarks=benchmarks,
        machine=machine,
        quantiser=quantiser,
        quantise=QuantiseService(
            quantiser, shelf, models, fit, wishes, "/models", broadcast, tasks
        ),
    )


def run(test: Callable[[World], Awaitable[T]]) -> T:
    """Run a coroutine function in a world of its own."""

    async def main() -> T:
        async with world() as made:
            return await test(made)

    return asyncio.run(main())
