"""Conversations as a list: open, name, find, put away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields, replace

from app.domain.conversation import (
    ChatParams,
    Conversation,
    ConversationSummary,
    Message,
    SearchHit,
    cache_tag,
)
from app.domain.errors import EngineError
from app.domain.facts import ConversationsChanged, Fact, PathChanged, Trouble
from app.domain.localmodel import LocalModel, ModelDefaults
from app.domain.overflow import Overflow
from app.domain.ports import Clock, ConversationStore
from app.domain.sampling import Sampling, recommended
from app.domain.settings import ChatSettings
from app.flow.broadcast import Broadcast
from app.services.settings import SettingsService


class ConversationService:
    """Publishes `ConversationsChanged` and `PathChanged`. Raises `StoreError` cases."""

    def __init__(
        self,
        store: ConversationStore,
        settings: SettingsService,
        facts: Broadcast[Fact],
        clock: Clock,
        chosen: Callable[[], LocalModel | None],
        forget: Callable[[str], Awaitable[None]],
    ) -> None:
        """`chosen` tells the model that answers: its file may recommend how to sample. `forget` is
        the engine's: what it has read of a conversation goes when the conversation does."""
        self._store = store
        self._settings = settings
        self._facts = facts
        self._clock = clock
        self._chosen = chosen
        self._forget = forget

    async def list(self, *, trashed: bool = False) -> list[ConversationSummary]:
        """Most recently used first."""
        return await self._store.list_conversations(trashed=trashed)

    async def search(self, query: str) -> list[SearchHit]:
        """Messages and titles with every word of the query, newest first."""
        return await self._store.search(query)

    async def fresh(self) -> Conversation:
        """A new conversation; one that is still untouched is used again."""
        chat = self._settings.current.chat
        params = starting_params(chat, self._chosen())
        newest = await self._store.list_conversations()
        for summary in newest[:1]:
            conversation = await self._store.conversation(summary.id)
            if conversation.head_id is None and not conversation.draft and not conversation.title:
                if conversation.params == starting_params(chat, None) != params:
                    # Made before this model was chosen, and nobody has set anything.
                    await self._store.set_params(conversation.id, params)
                    return replace(conversation, params=params)
                return conversation
        made = await self._store.create_conversation(params, None, self._clock())
        self._facts.publish(ConversationsChanged())
        return made

    async def open(self, conversation_id: int) -> Conversation:
        """The conversation without its messages."""
        return await self._store.conversation(conversation_id)

    async def path(self, conversation_id: int) -> list[Message]:
        """The messages from the root to the head."""
        return await self._store.path(conversation_id)

    async def rename(self, conversation_id: int, title: str) -> None:
        """Give it a title of one's own; an empty one lets the automatic title return."""
        title = " ".join(title.split())
        await self._store.rename(conversation_id, title, automatic=False)
        self._facts.publish(ConversationsChanged())

    async def trash(self, conversation_id: int) -> None:
        """Put it into the trash; `restore` brings it back."""
        await self._store.trash(conversation_id, self._clock())
        self._facts.publish(ConversationsChanged())
        try:
            # At once, not when the trash is emptied: who restores it waits for one reading.
            await self._forget(cache_tag(conversation_id))
        except EngineError as error:
            self._facts.publish(Trouble(error))

    async def restore(self, conversation_id: int) -> None:
        """Bring it back from the trash."""
        await self._store.restore(conversation_id)
        self._facts.publish(ConversationsChanged())

    async def set_params(self, conversation_id: int, params: ChatParams) -> None:
        """What the next answers in it are asked with."""
        await self._store.set_params(conversation_id, params)

    async def set_draft(self, conversation_id: int, draft: str) -> None:
        """What is written and not sent."""
        await self._store.set_draft(conversation_id, draft)

    async def show_sibling(self, message_id: int) -> None:
        """Show the branch of this message, down to what was written last in it."""
        message = await self._store.message(message_id)
        leaf = await self._store.newest_leaf(message_id)
        await self._store.set_head(message.conversation_id, leaf)
        self._facts.publish(PathChanged(message.conversation_id))


def starting_params(chat: ChatSettings, model: LocalModel | None) -> ChatParams:
    """What a new conversation starts with.

    What the model's file recommends stands where the settings were left at their default.
    """
    untouched = ChatSettings()
    own = {
        field.name
        for field in fields(ChatSettings)
        if getattr(chat, field.name) != getattr(untouched, field.name)
    }
    sampling = Sampling(
        repeat_penalty=chat.repeat_penalty,
        top_k=chat.top_k,
        top_p=chat.top_p,
        min_p=chat.min_p,
        temperature=chat.temperature,
    )
    if model is not None:
        advice = tuple((name, value) for name, value in model.advice if name not in own)
        sampling = recommended(sampling, advice)
    defaults = model.defaults if model is not None else ModelDefaults()
    return ChatParams(
        chat.system_prompt or defaults.system_prompt,
        sampling,
        chat.max_tokens or None,
        stop=defaults.stop,
        overflow=Overflow(chat.overflow),
    )
