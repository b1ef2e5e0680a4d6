"""What services ask for; `app.bootstrap` supplies the adapters.

Every coroutine raises `AppError` cases only; anything else is a bug.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from typing import Protocol

from app.domain.benchmark import BenchEvent, BenchRecord, BenchRequest, BenchResult, BenchSubject
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
    CountRequest,
    GenerateEvent,
    GenerateRequest,
    LoadedInfo,
    LoadEvent,
    LoadRequest,
    PartKind,
    Role,
    TokenCount,
)
from app.domain.load_params import LoadParams
from app.domain.localmodel import BeginningTooShort, FileBeginning, LocalModel
from app.domain.placement import Device
from app.domain.quantise import QuantiseSizes, QuantiseWork
from app.domain.settings import Settings


class Engine(Protocol):
    """Loaded models, each in a host process of its own or in a thread of this one.

    Streams yield batches (never empty) and end after exactly one terminal event.
    """

    @property
    def loaded(self) -> Mapping[str, LoadedInfo]:
        """What is loaded now, by path, the one used last at the end; not what died."""
        ...

    def load(self, request: LoadRequest) -> AsyncIterable[Sequence[LoadEvent]]:
        """Load this; ends with `Loaded`, `LoadCancelled` or `Failed`.

        Others stay loaded if memory allows, else idle ones make way, and busy ones are waited for.
        What was loaded of the same path is unloaded first.
        """
        ...

    def generate(self, request: GenerateRequest) -> AsyncIterable[Sequence[GenerateEvent]]:
        """Answer; ends with `Finished` or `Failed`.

        Answers run together, as many as a model has room for; the others wait in order. Loading it
        again waits for those asked before.
        """
        ...

    def benchmark(self, request: BenchRequest) -> AsyncIterable[Sequence[BenchEvent]]:
        """Measure the loaded model; ends with `Benchmarked`, `BenchCancelled` or `Failed`.

        One at a time, in memory of its own: what is warm stays so. Whatever else is asked for goes
        first; a load or an unload ends it as cancelled.
        """
        ...

    def cancel(self, request_id: str) -> None:
        """End that load, answer or measurement soon; it still sends its terminal event.

        Unknown ids are fine.
        """
        ...

    async def count_tokens(self, request: CountRequest) -> TokenCount:
        """What would be sent. Running answers are neither waited for nor held up.

        Raises `EngineError` cases: `NothingLoaded` where that model is not.
        """
        ...

    async def unload(self, path: str) -> None:
        """Free that model with all its memory; a running answer is cancelled first."""
        ...

    async def describe(self) -> dict[str, str | list[str]]:
        """Facts for `doctor`: llama.cpp's version, devices with memory, processor features."""
        ...

    async def devices(self) -> tuple[Device, ...]:
        """What computes here, with its memory as it is now; raises `EngineError` cases."""
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

    def on_lost(self, heard: Callable[[str, AppError], None]) -> None:
        """Call `heard` in the event loop, with the path of a model whose engine died while nothing
        was asked of it."""
        ...

    def on_changed(self, heard: Callable[[], None]) -> None:
        """Call `heard` in the event loop when other models are loaded than before."""
        ...

    async def close(self) -> None:
        """Cancel, unload, end the host; afterwards nothing of it is left running."""
        ...


class Quantiser(Protocol):
    """Makes smaller models, each time in a process of its own."""

    async def sizes(self, path: str) -> QuantiseSizes:
        """How large each of `TARGETS` would be, from the header alone.

        Raises `EngineError`, `ModelFileError` and `QuantiseError` cases.
        """
        ...

    async def quantise(
        self,
        work: QuantiseWork,
        expected_bytes: int,
        heard: Callable[[float], None],
        *,
        replace: bool = False,
    ) -> int:
        """Make the result, which appears whole or not at all; its bytes.

        `heard` is told the fraction that is done, in the event loop. Cancelling the caller ends the
        process and removes what was written. Raises as `sizes` does; `ResultExists` where something
        has the result's name, unless `replace` is set.
        """
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

    async def keep_benchmark(
        self, machine: str, subject: BenchSubject, result: BenchResult, now: int
    ) -> BenchRecord:
        """Add a measurement to the history of its file on a machine."""
        ...

    async def benchmarks(
        self, machine: str, path: str, file_bytes: int, limit: int = 100
    ) -> list[BenchRecord]:
        """The history of a file on a machine; what was measured last comes first."""
        ...

    async def forget_benchmark(self, record_id: int) -> None: ...

    async def longest_conversation(self) -> int:
        """The most tokens that any answer and what was read for it had together."""
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

    async def require_adapter(self, path: str, architecture: str) -> None:
        """Read the header of a LoRA adapter; raises `LoadSettingsRefused` or a `ModelFileError`
        case where it is none for models of this architecture."""
        ...

    async def starter(self) -> LocalModel | None:
        """The starter model, where it is installed."""
        ...

    async def inspect_beginnings(
        self, shards: Sequence[FileBeginning]
    ) -> LocalModel | BeginningTooShort:
        """As `inspect`, for a model that lies elsewhere: all its shards, as far as they were read.

        The path of what is found is the first shard's name.
        """
        ...

    async def sha256(self, path: str) -> str:
        """Of the file (of all shards in order), in lower-case hex; raises `FileUnreadable`."""
        ...


class LoadSettingsKeeper(Protocol):
    """How each model is to be loaded, and what was measured on each machine."""

    def params(self, path: str) -> LoadParams:
        """What is wished for the model of this file; the defaults where nothing is."""
        ...

    def keep_params(self, path: str, params: LoadParams) -> None:
        """Remember the wish; raises `ConfigError` if it cannot be written, and holds it then."""
        ...

    def threads(self, machine: str) -> int | None:
        """The count of threads that was measured to be the best on a machine."""
        ...

    def keep_threads(self, machine: str, threads: int | None) -> None:
        """Remember it, or forget it; raises `ConfigError` as `keep_params` does."""
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
