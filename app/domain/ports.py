"""What services ask for; `app.bootstrap` supplies the adapters.

Every coroutine raises `AppError` cases only; anything else is a bug.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Sequence
from typing import Protocol

from app.domain.conversation import (
    ChatParams,
    Conversation,
    ConversationSummary,
    Message,
    MessageStatus,
    Run,
    SearchHit,
)
from app.domain.errors import AppError
from app.domain.fit import FitRecord, MeasuredSizes
from app.domain.generation import (
    GenerateEvent,
    GenerateRequest,
    LoadedInfo,
    LoadEvent,
    LoadParams,
    LoadRequest,
    PartKind,
    Role,
)
from app.domain.localmodel import LocalModel
from app.domain.settings import Settings


class Engine(Protocol):
    """One loaded model, in a host process or in a thread of this one.

    Streams yield batches (never empty) and end after exactly one terminal event.
    """

    @property
    def loaded(self) -> LoadedInfo | None:
        """What is loaded now; None as well after the host died."""
        ...

    def load(self, request: LoadRequest) -> AsyncIterable[Sequence[LoadEvent]]:
        """Unload what is loaded and load this; ends with `Loaded`, `LoadCancelled` or `Failed`."""
        ...

    def generate(self, request: GenerateRequest) -> AsyncIterable[Sequence[GenerateEvent]]:
        """Answer; ends with `Finished` or `Failed`.

        Answers run together, as many as the engine has room for; the others wait in order. A load
        waits for those asked before it.
        """
        ...

    def cancel(self, request_id: str) -> None:
        """End that load or answer soon; it still sends its terminal event. Unknown ids are fine."""
        ...

    async def unload(self) -> None:
        """Free the model; a running answer is cancelled first."""
        ...

    async def describe(self) -> dict[str, str | list[str]]:
        """Facts for `doctor`: llama.cpp's version, devices with memory, processor features."""
        ...

    async def dry_run(self, path: str, params: LoadParams) -> MeasuredSizes:
        """What a load would take, without doing it and without harm to what is loaded.

        The file's weights are not read: a header in a file of the full length is enough. Raises
        `EngineError` and `ModelFileError` cases; `EngineCrashed` where llama.cpp does not survive
        the file.
        """
        ...

    async def forget(self, tag: str | None) -> None:
        """Drop what was read of a conversation (`GenerateRequest.cache_tag`), in memory and on
        disk; None: everything that is on disk. Raises `EngineError`."""
        ...

    async def kept_bytes(self) -> int:
        """What is kept on disk of conversations that left the memory."""
        ...

    def on_lost(self, heard: Callable[[AppError], None]) -> None:
        """Call `heard` in the event loop when the engine dies while nothing was asked of it."""
        ...

    async def close(self) -> None:
        """Cancel, unload, end the host; afterwards nothing of it is left running."""
        ...


class ConversationStore(Protocol):
    """Conversations on disk. Times in milliseconds since 1970 UTC come from the caller."""

    async def create_conversation(
        self, params: ChatParams, model_path: str | None, now: int
    ) -> Conversation: ...

    async def conversation(self, conversation_id: int) -> Conversation: ...

    async def list_conversations(self, *, trashed: bool = False) -> list[ConversationSummary]:
        """Most recently updated first."""
        ...

    async def rename(self, conversation_id: int, title: str, *, automatic: bool) -> None:
        """An automatic title never replaces one that a person gave."""
        ...

    async def set_params(self, conversation_id: int, params: ChatParams) -> None: ...

    async def set_model(self, conversation_id: int, model_path: str | None) -> None: ...

    async def set_draft(self, conversation_id: int, draft: str) -> None: ...

    async def trash(self, conversation_id: int, now: int) -> None: ...

    async def restore(self, conversation_id: int) -> None: ...

    async def set_head(self, conversation_id: int, message_id: int | None) -> None: ...

    async def add_message(
        self,
        conversation_id: int,
        parent_id: int | None,
        role: Role,
        text: str,
        status: MessageStatus,
        now: int,
        *,
        clear_draft: bool = False,
    ) -> Message:
        """Write a message and move the head to it, in one transaction that is on disk on return."""
        ...

    async def add_turn(
        self, conversation_id: int, parent_id: int | None, text: str, now: int
    ) -> tuple[Message, Message]:
        """Write a user message and its empty streaming answer, clear the draft, move the head.

        One transaction; on disk on return.
        """
        ...

    async def append(self, message_id: int, kind: PartKind, text: str) -> None:
        """Append to a streaming message; on disk on return. Consecutive pieces of a kind join."""
        ...

    async def finish(self, message_id: int, status: MessageStatus, run: Run, now: int) -> None:
        """End a streaming message and record its run."""
        ...

    async def message(self, message_id: int) -> Message: ...

    async def path(self, conversation_id: int) -> list[Message]:
        """From the root to the head."""
        ...

    async def newest_leaf(self, message_id: int) -> int:
        """The leaf below (or at) a message that was written last: where a branch switch goes."""
        ...

    async def search(self, query: str, limit: int = 50) -> list[SearchHit]:
        """Newest first; every word must occur, the last one as a prefix; trash is left out."""
        ...

    async def recover(self, now: int) -> int:
        """Mark answers left streaming as interrupted; how many. Only for the profile's owner."""
        ...

    async def note_model_file(self, path: str, size: int, mtime_ns: int) -> str | None:
        """Remember a model's file; its SHA-256 if it is known for this size and time."""
        ...

    async def set_model_hash(self, path: str, size: int, mtime_ns: int, sha256: str) -> None: ...

    async def keep_fit(self, machine: str, record: FitRecord, now: int) -> None:
        """Remember what a model took on a machine, in the place of what it took before."""
        ...

    async def fits(self, machine: str, limit: int = 500) -> list[FitRecord]:
        """What models took on a machine; what was measured last comes first."""
        ...

    async def health(self) -> dict[str, str]:
        """For `doctor`: file, size, schema version, SQLite version, `quick_check`, row counts."""
        ...

    async def close(self) -> None: ...


class ModelLibrary(Protocol):
    """Model files on this machine. Blocking work runs in the adapter's own pool."""

    async def inspect(self, path: str) -> LocalModel:
        """Read the header; raises a `ModelFileError` case where it cannot be used for chat."""
        ...

    async def starter(self) -> LocalModel | None:
        """The starter model, where it is installed."""
        ...

    async def sha256(self, path: str) -> str:
        """Of the file (of all shards in order), in lower-case hex; raises `FileUnreadable`."""
        ...


class LoadMark(Protocol):
    """A note that outlives the application, about the load that is under way."""

    def read(self) -> str:
        """What was being loaded when the application ended; empty: nothing."""
        ...

    def write(self, loading: str) -> None:
        """What is loaded from now on; empty: nothing. Raises `ConfigError`."""
        ...


class SettingsKeeper(Protocol):
    """The settings file."""

    @property
    def current(self) -> Settings: ...

    def replace(self, settings: Settings) -> None:
        """Keep these from now on and write them; raises `ConfigError` if they cannot be written."""
        ...


Clock = Callable[[], int]
"""Milliseconds since 1970 UTC."""
