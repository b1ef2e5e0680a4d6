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
from datetime import date
from typing import TYPE_CHECKING, Any, cast

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
from app.domain.errors import AppError, NotFound
from app.domain.facts import (
    AnswerEnded,
    AnswerGrew,
    AnswerProgress,
    AnswerStarted,
    ConversationsChanged,
    Fact,
    PathChanged,
)
from app.domain.generation import (
    FinishReason,
    PartKind,
    Role,
    RunStats,
    TokenCount,
)
from app.domain.hub import CuratedList
from app.domain.localmodel import LocalModel
from app.domain.settings import Settings
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner
from app.services.hub import HubService
from app.services.ollama import OllamaService
from app.services.transfers import TransferService
from tests.helpers.gui_access import FakeAccess
from tests.helpers.gui_library import FakeLibrary
from tests.helpers.gui_models import (
    FakeBenchmarks,
    FakeFit,
    FakeLoadSettings,
    FakeModels,
    local_model,
)
from tests.helpers.gui_quantise import FakeQuantise
from tests.helpers.hub_repos import FakeHeaders
from tests.helpers.scripted_hub import ScriptedHub
from tests.helpers.scripted_ollama import ScriptedOllama

if TYPE_CHECKING:
    from app.domain.ports import ModelLibrary
    from app.services import Services
    from app.services.fit import FitService
    from app.services.library import LibraryService
    from app.services.models import ModelService


@dataclass
class Script:
    """One answer: its pieces, and how it ends. `gate` holds it back after the first piece."""

    pieces: tuple[str, ...] = ("Hello ", "there.")
    error: AppError | None = None
    gate: asyncio.Event | None = None


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


class FakeSettings:
    """Settings that live as long as the test."""

    def __init__(self) -> None:
        self.current = Settings()
        self.error: AppError | None = None

    def change(self, settings: Settings) -> None:
        if self.error is not None:
            raise self.error
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
        self.access = FakeAccess(self.settings)
        self.fit = FakeFit()
        self.library = FakeLibrary(self.facts)
        self.load_settings = FakeLoadSettings(self.facts)
        self.meter = FakeMeter(self.models)
        self.benchmarks = FakeBenchmarks(self.facts)
        self.offers = ScriptedHub()
        """What the hub has; the services before it are the real ones."""
        self.headers = FakeHeaders()
        self.curated = CuratedList(date(2026, 11, 24))
        self.hub = HubService(self.offers, cast("ModelLibrary", self.headers), lambda: self.curated)
        self.ollamas = ScriptedOllama(paths=("/ollama/blobs/sha256-ab",))
        """What Ollama does; the service before it is the real one."""
        self.ollama = OllamaService(
            self.ollamas,
            cast("LibraryService", self.library),
            cast("ModelService", self.models),
            cast("FitService", self.fit),
        )
        self.tasks = TaskOwner(self._on_error)
        # A test may put `FakeTransfers` in its place.
        self.transfers: Any = TransferService(
            self.offers, cast("ModelService", self.models), self.facts, self.tasks
        )
        self.quantise = FakeQuantise(self.facts, self.fit)

    @staticmethod
    def _on_error(error: BaseException) -> None:
        raise error

    def as_services(self) -> Services:
        """What the window takes them for."""
        return cast("Services", self)
