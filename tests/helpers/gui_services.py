"""Services for tests of the window: everything in memory, and each answer scripted.

They keep what the window asked for, publish the same facts as the real services, and can be told to
fail. An answer is an `asyncio` task that plays the pieces that were enqueued.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from app.domain.benchmark import BenchPlan, BenchRecord
from app.domain.conversation import (
    HIT_END,
    HIT_START,
    ChatParams,
    Conversation,
    ConversationSummary,
    Message,
    MessageStatus,
    Part,
    Run,
    SearchHit,
)
from app.domain.errors import AppError, LoadSettingsRefused, NotFound
from app.domain.facts import (
    AnswerEnded,
    AnswerGrew,
    AnswerProgress,
    AnswerStarted,
    BenchmarkChanged,
    BenchmarkState,
    BenchPhase,
    ConversationsChanged,
    Fact,
    LoadedModelsChanged,
    LoadSettingsChanged,
    ModelPhase,
    ModelsChanged,
    ModelState,
    ModelStateChanged,
    PathChanged,
)
from app.domain.fit import Fit, FitEstimate, MeasuredSizes, Share
from app.domain.generation import (
    FinishReason,
    LoadedInfo,
    PartKind,
    Role,
    RunStats,
    TokenCount,
)
from app.domain.load_params import LoadParams, plan_of
from app.domain.localmodel import STARTER_LABEL, GgufFacts, LocalModel
from app.domain.placement import Device, DeviceKind
from app.domain.settings import Settings
from app.domain.slowness import Diagnosis, Fix
from app.flow.broadcast import Broadcast

if TYPE_CHECKING:
    from app.services import Services


def local_model(name: str, *, starter: bool = False, trained: int = 8192) -> LocalModel:
    """A model that exists in words only."""
    facts = GgufFacts(
        architecture="llama",
        name=name,
        file_bytes=98_000_000 if starter else 4_680_000_000,
        tensor_count=272,
        parameters=135_000_000,
        quantisation="Q4_1" if starter else "Q4_K_M",
        trained_context=trained,
        block_count=30,
        embedding_length=576,
        vocab_size=49152,
        chat_template="{{ messages }}",
    )
    label = STARTER_LABEL if starter else name
    return LocalModel(f"/models/{name}.gguf", label, facts, starter, starter)


def loaded_info(path: str, context_length: int = 8192) -> LoadedInfo:
    """What such a model takes once it is loaded."""
    return LoadedInfo(
        path=path,
        name="SmolLM2 135M Instruct",
        architecture="llama",
        context_length=context_length,
        trained_context=8192,
        threads=1,
        gpu_layers=0,
        weights_bytes=98_000_000,
        context_bytes=188_000_000,
        compute_bytes=31_000_000,
        backend="CPU",
        has_template=True,
        load_seconds=0.2,
    )


@dataclass
class Script:
    """One answer: its pieces, and how it ends. `gate` holds it back after the first piece."""

    pieces: tuple[str, ...] = ("Hello ", "there.")
    error: AppError | None = None
    gate: asyncio.Event | None = None


class FakeModels:
    """Loads at once, unless `load_gate` is given; fails with `load_error` if that is given."""

    def __init__(self, facts: Broadcast[Fact], models: Sequence[LocalModel]) -> None:
        self._facts = facts
        self.models: tuple[LocalModel, ...] = tuple(models)
        chosen = self.models[0] if self.models else None
        phase = ModelPhase.CHOSEN if chosen else ModelPhase.NONE
        self.state = ModelState(phase, chosen)
        self.load_error: AppError | None = None
        self.open_error: AppError | None = None
        self.load_gate: asyncio.Event | None = None
        self.loads: list[int | None] = []
        self.loaded: tuple[LoadedInfo, ...] = ()
        self.outdated: set[str] = set()
        self.unloaded: list[str] = []
        self.opened: list[str] = []
        self._cancelled = False

    def show(self, state: ModelState) -> None:
        """Publish a state."""
        self.state = state
        self._facts.publish(ModelStateChanged(state))

    async def open_file(self, path: str) -> LocalModel:
        self.opened.append(path)
        if self.open_error is not None:
            raise self.open_error
        model = replace(local_model("Opened"), path=path)
        self.models = (*self.models, model)
        self._facts.publish(ModelsChanged())
        await self.choose(path)
        return model

    async def choose(self, path: str) -> None:
        model = next(model for model in self.models if model.path == path)
        self.show(ModelState(ModelPhase.CHOSEN, model))

    async def forget(self, path: str) -> None:
        self.models = tuple(model for model in self.models if model.path != path)
        self._facts.publish(ModelsChanged())

    def is_outdated(self, path: str) -> bool:
        return path in self.outdated

    def show_loaded(self, *infos: LoadedInfo) -> None:
        """Publish what is in memory."""
        self.loaded = infos
        self._facts.publish(LoadedModelsChanged(infos))

    async def load(
        self, context_length: int | None = None, *, again: bool = False
    ) -> LoadedInfo | None:
        self.loads.append(context_length)
        model = self.state.model
        assert model is not None
        self._cancelled = False
        self.show(ModelState(ModelPhase.LOADING, model, 0.4))
        if self.load_gate is not None:
            await self.load_gate.wait()
        if self.load_error is not None:
            self.show(ModelState(ModelPhase.FAILED, model, error=self.load_error))
            raise self.load_error
        if self._cancelled:
            self.show(ModelState(ModelPhase.CHOSEN, model))
            return None
        info = loaded_info(model.path, context_length or 8192)
        self.outdated.discard(model.path)
        self.show_loaded(*(one for one in self.loaded if one.path != model.path), info)
        self.show(ModelState(ModelPhase.READY, model, 1.0, info))
        return info

    async def preload(self) -> None:
        try:
            await self.load()
        except AppError:
            return

    def cancel_load(self) -> None:
        self._cancelled = True
        if self.load_gate is not None:
            self.load_gate.set()

    async def unload(self, path: str | None = None) -> None:
        chosen = self.state.model
        path = path or (chosen.path if chosen else "")
        self.unloaded.append(path)
        self.show_loaded(*(one for one in self.loaded if one.path != path))
        if chosen is not None and chosen.path == path:
            self.show(ModelState(ModelPhase.CHOSEN, chosen))


@dataclass
class _Kept:
    conversation: Conversation
    messages: list[Message] = field(default_factory=list)
    trashed: bool = False


class FakeConversations:
    """Conversations in a dictionary; the clock is a counter of minutes."""

    def __init__(self, facts: Broadcast[Fact], now: int) -> None:
        self._facts = facts
        self.kept: dict[int, _Kept] = {}
        self._ids = itertools.count(1)
        self.message_ids = itertools.count(100)
        self._now = now
        self.searched: list[str] = []
        self.search_gates: dict[str, asyncio.Event] = {}
        self.path_gate: asyncio.Event | None = None
        self.branches: dict[int, list[Message]] = {}
        """By a message off the path: the path it stands on."""

    def add(self, title: str, *texts: str, age_minutes: int = 0, draft: str = "") -> int:
        """A conversation whose texts alternate between question and answer."""
        at = self._now - age_minutes * 60_000
        number = next(self._ids)
        made = Conversation(number, title, True, at, at, None, ChatParams(), None, draft)
        self.kept[number] = _Kept(made)
        roles = itertools.cycle((Role.USER, Role.ASSISTANT))
        for role, text in zip(roles, texts, strict=False):
            self.append(number, role, text)
        return number

    def append(self, number: int, role: Role, text: str) -> Message:
        """A finished message at the end."""
        message = Message(
            next(self.message_ids),
            number,
            self.kept[number].messages[-1].id if self.kept[number].messages else None,
            role,
            MessageStatus.DONE,
            self._now,
            (Part(PartKind.TEXT, text),) if text else (),
            finished_run() if role is Role.ASSISTANT else None,
        )
        self.kept[number].messages.append(message)
        return message

    def _find(self, conversation_id: int) -> _Kept:
        if conversation_id not in self.kept:
            raise NotFound("That conversation is gone", remedy="Choose another one.")
        return self.kept[conversation_id]

    async def list(self, *, trashed: bool = False) -> list[ConversationSummary]:
        rows = [
            ConversationSummary(c.id, c.title, c.created_at, c.updated_at)
            for c in (kept.conversation for kept in self.kept.values() if kept.trashed == trashed)
        ]
        return sorted(rows, key=lambda row: (-row.updated_at, -row.id))

    async def search(self, query: str) -> list[SearchHit]:
        self.searched.append(query)
        if query in self.search_gates:
            await self.search_gates[query].wait()
        hits: list[SearchHit] = []
        for number, kept in self.kept.items():
            for message in kept.messages:
                at = message.text.lower().find(query.lower())
                if at < 0 or kept.trashed:
                    continue
                end = at + len(query)
                text = message.text
                snippet = f"{text[:at]}{HIT_START}{text[at:end]}{HIT_END}{text[end:]}"
                title = kept.conversation.title
                hits.append(SearchHit(number, message.id, title, snippet, message.role, self._now))
        return hits

    async def fresh(self) -> Conversation:
        for kept in self.kept.values():
            c = kept.conversation
            if not kept.messages and not kept.trashed and not c.draft and not c.title:
                return c
        number = self.add("")
        self._facts.publish(ConversationsChanged())
        return self.kept[number].conversation

    async def open(self, conversation_id: int) -> Conversation:
        return self._find(conversation_id).conversation

    async def path(self, conversation_id: int) -> list[Message]:
        if self.path_gate is not None:
            await self.path_gate.wait()
        return [*self._find(conversation_id).messages]

    def change(self, conversation_id: int, **changes: object) -> None:
        """Replace fields of a conversation."""
        kept = self._find(conversation_id)
        kept.conversation = replace(kept.conversation, **changes)
        self._facts.publish(ConversationsChanged())

    async def rename(self, conversation_id: int, title: str) -> None:
        self.change(conversation_id, title=title, title_is_automatic=False)

    async def trash(self, conversation_id: int) -> None:
        self._find(conversation_id).trashed = True
        self._facts.publish(ConversationsChanged())

    async def restore(self, conversation_id: int) -> None:
        self._find(conversation_id).trashed = False
        self._facts.publish(ConversationsChanged())

    async def set_params(self, conversation_id: int, params: ChatParams) -> None:
        kept = self._find(conversation_id)
        kept.conversation = replace(kept.conversation, params=params)

    async def set_draft(self, conversation_id: int, draft: str) -> None:
        kept = self._find(conversation_id)
        kept.conversation = replace(kept.conversation, draft=draft)

    async def show_sibling(self, message_id: int) -> None:
        path = self.branches[message_id]
        self._find(path[0].conversation_id).messages = [*path]
        self._facts.publish(PathChanged(path[0].conversation_id))


def finished_run() -> Run:
    """The run of an ordinary answer."""
    stats = RunStats(24, 0, 62, 0.11, 0.12, 1.41, 7)
    return Run(
        "SmolLM2 135M Instruct", "/models/starter.gguf", ChatParams(), stats, FinishReason.STOP
    )


class FakeChat:
    """Plays the enqueued scripts, one for each answer."""

    def __init__(self, facts: Broadcast[Fact], conversations: FakeConversations) -> None:
        self._facts = facts
        self._conversations = conversations
        self.scripts: deque[Script] = deque()
        self.send_error: AppError | None = None
        self.send_gate: asyncio.Event | None = None
        self.sent: list[tuple[int, str]] = []
        self.regenerated: list[int] = []
        self._live: dict[int, Message] = {}
        self._stopped: set[int] = set()
        self._gates: dict[int, asyncio.Event | None] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    async def send(self, conversation_id: int, text: str) -> None:
        self.sent.append((conversation_id, text))
        if self.send_gate is not None:
            await self.send_gate.wait()
        if self.send_error is not None:
            raise self.send_error
        self._conversations.append(conversation_id, Role.USER, text)
        await self._conversations.set_draft(conversation_id, "")
        self._begin(conversation_id)

    async def regenerate(self, message_id: int) -> None:
        self.regenerated.append(message_id)
        for number, kept in self._conversations.kept.items():
            if any(message.id == message_id for message in kept.messages):
                kept.messages.pop()
                self._begin(number)
                return

    def _begin(self, number: int) -> None:
        answer = self._conversations.append(number, Role.ASSISTANT, "")
        answer = replace(answer, status=MessageStatus.STREAMING, run=None)
        self._conversations.kept[number].messages[-1] = answer
        self._live[number] = answer
        self._facts.publish(PathChanged(number))
        self._facts.publish(AnswerStarted(answer))
        self._facts.publish(ConversationsChanged())
        script = self.scripts.popleft() if self.scripts else Script()
        self._gates[number] = script.gate
        task = asyncio.get_running_loop().create_task(self._play(number, answer, script))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _play(self, number: int, answer: Message, script: Script) -> None:
        self._facts.publish(AnswerProgress(number, answer.id, 12, 24, 0))
        for position, piece in enumerate(script.pieces):
            await asyncio.sleep(0)
            if number in self._stopped:
                break
            text = self._live[number].text + piece
            self._live[number] = replace(answer, parts=(Part(PartKind.TEXT, text),))
            self._facts.publish(AnswerGrew(number, answer.id, PartKind.TEXT, piece))
            if position == 0 and script.gate is not None:
                await script.gate.wait()
        self._end(number, script)

    def _end(self, number: int, script: Script) -> None:
        status, run = MessageStatus.DONE, finished_run()
        if number in self._stopped:
            self._stopped.discard(number)
            status, run = MessageStatus.STOPPED, replace(run, finish=FinishReason.CANCELLED)
        elif script.error is not None:
            status, run = MessageStatus.FAILED, replace(run, finish=None)
        message = replace(self._live.pop(number), status=status, run=run)
        self._conversations.kept[number].messages[-1] = message
        self._facts.publish(AnswerEnded(number, message.id, status, run, script.error))
        if not self._conversations.kept[number].conversation.title:
            first = self._conversations.kept[number].messages[0].text
            self._conversations.change(number, title=first[:40])

    def stop(self, conversation_id: int) -> None:
        if conversation_id in self._live:
            self._stopped.add(conversation_id)
            gate = self._gates.get(conversation_id)
            if gate is not None:
                gate.set()

    def is_answering(self, conversation_id: int) -> bool:
        return conversation_id in self._live

    def live(self, conversation_id: int) -> Message | None:
        return self._live.get(conversation_id)


CPU = Device("CPU", "A processor", "CPU", DeviceKind.PROCESSOR, 18_000_000_000, 24_000_000_000)


class FakeFit:
    """Every model takes `needed` bytes, and more for a longer context."""

    def __init__(self) -> None:
        self.needed = 400_000_000
        self.free = 18_000_000_000
        self.largest = 2048
        self.measured: MeasuredSizes | None = None
        self.unknown = False
        self.there: tuple[Device, ...] = (CPU,)
        self.devices: tuple[Device, ...] = ()
        self.shares: tuple[Share, ...] = ()
        self.asked: list[LoadParams] = []
        self.drafts: set[str] = set()
        """Those that were looked at."""
        self.bad_drafts: set[str] = set()

    async def look_at_devices(self) -> tuple[Device, ...]:
        self.devices = self.there
        return self.there

    async def look_at_draft(self, params: LoadParams) -> None:
        if params.draft_path in self.bad_drafts:
            raise LoadSettingsRefused("The draft model cannot be used.", params.draft_path)
        self.drafts.add(params.draft_path)

    def fit(self, model: LocalModel, wished: LoadParams | None = None) -> Fit | None:
        self.asked.append(wished or LoadParams())
        if self.unknown:
            return None
        plan = plan_of(wished or LoadParams(), model.facts.trained_context)
        each = 500 if plan.key_type == "q8_0" else 1000
        expected = FitEstimate(self.needed, plan.context_length * each, 0, 4_000_000)
        draft = 50_000_000 if wished and wished.draft_path in self.drafts else 0
        return Fit(plan, expected, self.measured, self.free, self.shares, draft)

    def largest_context(self, _model: LocalModel, _wished: LoadParams | None = None) -> int:
        return self.largest


class FakeLoadSettings:
    """Load settings that live as long as the test."""

    def __init__(self, facts: Broadcast[Fact]) -> None:
        self._facts = facts
        self.kept: dict[str, LoadParams] = {}
        self.automatic_threads: int | None = None
        self.error: AppError | None = None

    def wished(self, path: str) -> LoadParams:
        return self.kept.get(path, LoadParams())

    effective = wished

    def change(self, path: str, params: LoadParams) -> None:
        if self.error is not None:
            raise self.error
        self.kept[path] = params
        self._facts.publish(LoadSettingsChanged(path))


class FakeMeter:
    """Counts a token for each word, while the model is ready."""

    def __init__(self, models: FakeModels) -> None:
        self._models = models
        self.counted: list[tuple[tuple[str, ...], ChatParams, str]] = []
        self.left_out = 0
        self.fits = True
        self.gate: asyncio.Event | None = None
        self.error: AppError | None = None

    async def count(
        self, path: Sequence[Message], params: ChatParams, draft: str
    ) -> TokenCount | None:
        self.counted.append((tuple(message.text for message in path), params, draft))
        info = self._models.state.info
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        if info is None:
            return None
        said = sum(len(message.text.split()) for message in path)
        system = len(params.system_prompt.split())
        return TokenCount(
            info.context_length, system, said, len(draft.split()), 1024, self.left_out, self.fits
        )


class FakeBenchmarks:
    """A measurement is over when the test says so."""

    def __init__(self, facts: Broadcast[Fact]) -> None:
        self._facts = facts
        self.state = BenchmarkState()
        self.begun: list[BenchPlan] = []
        self.records: list[BenchRecord] = []
        self.diagnosis: Diagnosis | None = None
        self.applied: list[Fix] = []
        self.path = "/models/starter.gguf"
        self.history_gate: asyncio.Event | None = None

    def show(self, **changes: object) -> None:
        """Publish a state."""
        self.state = replace(BenchmarkState(path=self.path), **changes)
        self._facts.publish(BenchmarkChanged(self.state))

    def begin(self, plan: BenchPlan) -> None:
        self.begun.append(plan)
        self.show(phase=BenchPhase.RUNNING)

    def finish(self, record: BenchRecord) -> None:
        """What is measured is measured."""
        self.records.insert(0, record)
        self.show(phase=BenchPhase.DONE, fraction=1.0, record=record)

    def cancel(self) -> None:
        self.show(phase=BenchPhase.CANCELLED)

    async def history(self, model: LocalModel) -> list[BenchRecord]:
        found = [*self.records] if model.path == self.path else []
        if self.history_gate is not None:
            await self.history_gate.wait()
        return found

    async def forget(self, record_id: int) -> None:
        self.records = [record for record in self.records if record.id != record_id]

    async def diagnose(
        self, _model: LocalModel, _record: BenchRecord | None = None
    ) -> Diagnosis | None:
        return self.diagnosis

    async def apply(self, fix: Fix) -> None:
        self.applied.append(fix)


class FakeSettings:
    """Settings that live as long as the test."""

    def __init__(self) -> None:
        self.current = Settings()

    def change(self, settings: Settings) -> None:
        self.current = settings


class FakeServices:
    """All of them, with the parts in reach of the test."""

    def __init__(self, models: Sequence[LocalModel] | None = None, *, now: int = 0) -> None:
        self.facts: Broadcast[Fact] = Broadcast()
        if models is None:
            models = (local_model("starter", starter=True), local_model("Qwen3 8B"))
        self.models = FakeModels(self.facts, models)
        self.conversations = FakeConversations(self.facts, now)
        self.chat = FakeChat(self.facts, self.conversations)
        self.settings = FakeSettings()
        self.fit = FakeFit()
        self.load_settings = FakeLoadSettings(self.facts)
        self.meter = FakeMeter(self.models)
        self.benchmarks = FakeBenchmarks(self.facts)

    def as_services(self) -> Services:
        """What the window takes them for."""
        return cast("Services", self)
