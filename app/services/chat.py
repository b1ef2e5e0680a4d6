"""Send, answer, stop, regenerate: the path from a key press to text on screen and on disk."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.domain.conversation import (
    ChatParams,
    Conversation,
    Message,
    MessageStatus,
    Part,
    Run,
    cache_tag,
)
from app.domain.errors import AppError, StoreError, UsageError
from app.domain.facts import (
    AnswerEnded,
    AnswerGrew,
    AnswerProgress,
    AnswerStarted,
    ConversationsChanged,
    Fact,
    PathChanged,
    Trouble,
    TroubleOver,
)
from app.domain.generation import (
    Failed,
    Finished,
    FinishReason,
    GenerateEvent,
    GenerateRequest,
    LoadedInfo,
    PartKind,
    PromptProgress,
    Role,
    RunStats,
    TextDelta,
    Turn,
)
from app.domain.ports import Clock, ConversationStore, Engine
from app.domain.prompt import turns_of
from app.domain.titles import title_from
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner
from app.services.answer_log import AnswerLog
from app.services.models import ModelService

_OUR_MISTAKE = (
    "Lamplight made a mistake while answering.",
    "What had been written is kept.",
    "Send again; if it happens again, please report it with the log.",
)


@dataclass
class _Answer:
    """An answer that is being made. Confined to the event loop's thread."""

    message: Message
    request_id: str
    params: ChatParams
    turns: tuple[Turn, ...]
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    parts: list[Part] = field(default_factory=list[Part])
    info: LoadedInfo | None = None
    trouble: StoreError | None = None
    left_out: int = 0
    """Messages that did not fit into the prompt."""

    @property
    def conversation_id(self) -> int:
        return self.message.conversation_id

    def grow(self, kind: PartKind, text: str) -> None:
        if self.parts and self.parts[-1].kind is kind:
            text = self.parts.pop().text + text
        self.parts.append(Part(kind, text))


@dataclass(frozen=True, slots=True)
class _End:
    status: MessageStatus
    finish: FinishReason | None = None
    stats: RunStats = field(default_factory=RunStats)
    error: AppError | None = None


class ChatService:
    """One answer at a time in a conversation; publishes the `Answer…` facts."""

    def __init__(
        self,
        engine: Engine,
        store: ConversationStore,
        models: ModelService,
        facts: Broadcast[Fact],
        tasks: TaskOwner,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._store = store
        self._models = models
        self._facts = facts
        self._tasks = tasks
        self._clock = clock
        self._answers: dict[int, _Answer] = {}
        self._logs: set[AnswerLog] = set()
        self._numbers = itertools.count(1)

    async def send(self, conversation_id: int, text: str) -> None:
        """Commit a message and its empty answer, then answer in the background.

        When this returns the message is on disk. Raises `StoreError` cases; nothing is sent then.
        """
        self._refuse_while_answering(conversation_id)
        conversation = await self._store.conversation(conversation_id)
        _, answer = await self._store.add_turn(
            conversation_id, conversation.head_id, text, self._clock()
        )
        await self._begin(conversation, answer)

    async def regenerate(self, message_id: int) -> None:
        """Answer the same question once more, as a sibling of this answer."""
        message = await self._store.message(message_id)
        self._refuse_while_answering(message.conversation_id)
        conversation = await self._store.conversation(message.conversation_id)
        answer = await self._store.add_message(
            conversation.id,
            message.parent_id,
            Role.ASSISTANT,
            "",
            MessageStatus.STREAMING,
            self._clock(),
        )
        await self._begin(conversation, answer)

    def stop(self, conversation_id: int) -> None:
        """End the running answer soon; what it has written is kept."""
        answer = self._answers.get(conversation_id)
        if answer is not None:
            answer.stopped.set()
            self._engine.cancel(answer.request_id)

    def is_answering(self, conversation_id: int) -> bool:
        """Whether an answer is being made in it."""
        return conversation_id in self._answers

    def live(self, conversation_id: int) -> Message | None:
        """The answer that is being made, with its text so far."""
        answer = self._answers.get(conversation_id)
        if answer is None:
            return None
        return replace(answer.message, parts=tuple(answer.parts), run=self._given(answer))

    async def close(self) -> None:
        """Stop all answers and write what they have said."""
        for conversation_id in tuple(self._answers):
            self.stop(conversation_id)
        for log in self._logs:
            log.give_up()

    def _refuse_while_answering(self, conversation_id: int) -> None:
        if self.is_answering(conversation_id):
            raise UsageError(
                "An answer is still being written here.",
                remedy="Wait until it has ended, or stop it, then send again.",
            )

    async def _begin(self, conversation: Conversation, answer: Message) -> None:
        path = await self._store.path(conversation.id)
        question = [message for message in path if message.id != answer.id]
        running = _Answer(
            message=answer,
            request_id=f"answer-{next(self._numbers)}",
            params=conversation.params,
            turns=turns_of(question, conversation.params.system_prompt),
        )
        self._answers[conversation.id] = running
        self._facts.publish(PathChanged(conversation.id))
        self._facts.publish(AnswerStarted(answer))
        self._facts.publish(ConversationsChanged())
        self._tasks.spawn(self._answer(running), running.request_id)

    async def _answer(self, answer: _Answer) -> None:
        log = AnswerLog(
            self._store, answer.message.id, self._clock, lambda e: self._disk(answer, e)
        )
        self._logs.add(log)
        writing = self._tasks.spawn(log.write(), f"log-{answer.message.id}")
        writing.add_done_callback(lambda _: self._logs.discard(log))
        # Stands if a mistake of ours ends this task: the answer must still have a last word.
        end = _End(MessageStatus.FAILED, error=AppError(*_OUR_MISTAKE))
        try:
            end = await self._outcome(answer, log)
        finally:
            if answer.trouble is not None:
                end = replace(end, status=MessageStatus.FAILED, error=answer.trouble)
            run = self._run(answer, end)
            log.end(end.status, run)
            if answer.trouble is None:
                # The text is on disk already; this waits a few milliseconds for the status.
                await asyncio.wait({writing}, timeout=1.0)
            await self._ended(answer, run, end)

    async def _outcome(self, answer: _Answer, log: AnswerLog) -> _End:
        try:
            answer.info = await self._loaded(answer)
            if answer.info is None:
                return _End(MessageStatus.STOPPED, FinishReason.CANCELLED)
            return await self._generate(answer, answer.info, log)
        except AppError as error:
            return _End(MessageStatus.FAILED, error=error)

    async def _loaded(self, answer: _Answer) -> LoadedInfo | None:
        """The loaded model; None if the reader stopped first (the load itself goes on)."""
        load = self._tasks.spawn(self._quiet_load(answer), "load-for-answer")
        stop = asyncio.ensure_future(answer.stopped.wait())
        await asyncio.wait({load, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not load.done():
            return None
        result = load.result()
        if isinstance(result, AppError):
            raise result
        return None if answer.stopped.is_set() else result

    async def _quiet_load(self, answer: _Answer) -> LoadedInfo | AppError | None:
        """As a value, so that a failure nobody waits for any more is no unheard exception."""
        try:
            return await self._models.load(answer.params.context_length)
        except AppError as error:
            return error

    async def _generate(self, answer: _Answer, info: LoadedInfo, log: AnswerLog) -> _End:
        request = GenerateRequest(
            answer.request_id,
            info.path,
            answer.turns,
            answer.params.sampling,
            answer.params.max_tokens,
            answer.params.stop,
            answer.params.overflow,
            answer.params.switches,
            cache_tag=cache_tag(answer.conversation_id),
        )
        async for batch in self._engine.generate(request):
            end = self._on_events(batch, answer, log)
            if end is not None:
                return end
        raise AssertionError("an engine's stream ended without a terminal event")

    def _on_events(
        self, batch: Sequence[GenerateEvent], answer: _Answer, log: AnswerLog
    ) -> _End | None:
        end: _End | None = None
        grown: list[Part] = []
        for event in batch:
            match event:
                case PromptProgress(done, total, cached, left_out):
                    answer.left_out = left_out
                    self._facts.publish(
                        AnswerProgress(
                            answer.conversation_id, answer.message.id, done, total, cached, left_out
                        )
                    )
                case TextDelta(kind, text):
                    if grown and grown[-1].kind is kind:
                        text = grown.pop().text + text
                    grown.append(Part(kind, text))
                case Finished(reason, stats):
                    stopped = reason is FinishReason.CANCELLED
                    status = MessageStatus.STOPPED if stopped else MessageStatus.DONE
                    end = _End(status, reason, stats)
                case Failed(error):
                    end = _End(MessageStatus.FAILED, error=error)
        for part in grown:
            # To the disk before the screen: painting may take a while.
            log.add(part.kind, part.text)
            answer.grow(part.kind, part.text)
            self._facts.publish(
                AnswerGrew(answer.conversation_id, answer.message.id, part.kind, part.text)
            )
        return end

    def _disk(self, answer: _Answer, error: StoreError | None) -> None:
        if error is None:
            if answer.trouble is not None:
                self._facts.publish(TroubleOver(answer.trouble.kind))
            return
        # Writing on while nothing can be kept would break the promise that shown text is safe.
        answer.trouble = error
        self._facts.publish(Trouble(error))
        self._engine.cancel(answer.request_id)

    def _given(self, answer: _Answer) -> Run:
        """Who answers, by the name that the person chose it by, and with which parameters."""
        chosen = self._models.state.model
        path = answer.info.path if answer.info else (chosen.path if chosen else "")
        known = next((model for model in self._models.models if model.path == path), None)
        name = known.short_label if known else (answer.info.name if answer.info else "")
        # Of an answer that fails no statistics come; what was left out is said all the same.
        stats = RunStats(left_out=answer.left_out)
        return Run(model_name=name, model_path=path, params=answer.params, stats=stats)

    def _run(self, answer: _Answer, end: _End) -> Run:
        error = end.error
        given = self._given(answer)
        return replace(
            given,
            stats=given.stats if error is not None else end.stats,
            finish=end.finish,
            error_title=error.title if error else "",
            error_detail=error.detail if error else "",
            error_remedy=error.remedy if error else "",
        )

    async def _ended(self, answer: _Answer, run: Run, end: _End) -> None:
        del self._answers[answer.conversation_id]
        self._models.look_again()
        self._facts.publish(
            AnswerEnded(answer.conversation_id, answer.message.id, end.status, run, error=end.error)
        )
        try:
            await self._give_title(answer)
        except StoreError as error:
            self._facts.publish(Trouble(error))
        self._facts.publish(ConversationsChanged())

    async def _give_title(self, answer: _Answer) -> None:
        conversation = await self._store.conversation(answer.conversation_id)
        first = next((turn for turn in answer.turns if turn.role is Role.USER), None)
        if conversation.title or first is None:
            return
        said = "".join(part.text for part in answer.parts if part.kind is PartKind.TEXT)
        title = title_from(first.text, said)
        if title:
            await self._store.rename(conversation.id, title, automatic=True)
