"""The adapter for `ConversationStore`: which job runs on which connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from app.domain.benchmark import BenchRecord, BenchResult, BenchSubject
from app.domain.conversation import (
    ChatParams,
    Conversation,
    ConversationSummary,
    Message,
    MessageStatus,
    Run,
    SearchHit,
)
from app.domain.errors import DiskFull, StoreError, StoreReadOnly
from app.domain.fit import FitRecord
from app.domain.generation import PartKind, Role
from app.store import benchmarks, conversations, fits, messages, model_files, tree
from app.store.connection_thread import ConnectionThread
from app.store.health import health
from app.store.opening import open_for_reading, open_for_writing, open_in_memory, open_protected
from app.store.query import parse
from app.store.search import search
from app.store.transaction import snapshot, transaction

T = TypeVar("T")


class SqliteStore:
    """Conversations in one SQLite file, or (`path` None) in memory until it is closed.

    Three threads with a connection each: the only one that writes, one that reads, one that
    searches, so that a slow search delays neither an append nor the opening of a conversation. What
    a write has returned from, every later read sees. In memory one connection does everything.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is None:
            self._writer = ConnectionThread("store", open_in_memory, None)
            self._reader = self._searcher = self._writer
        else:
            self._writer = ConnectionThread("store-writer", lambda: open_for_writing(path), path)
            self._reader = ConnectionThread("store-reader", lambda: self._look_into(path), path)
            self._searcher = ConnectionThread("store-search", lambda: self._look_into(path), path)
        self._ready = False
        self._protected = False
        self._searches = 0

    async def open(self) -> StoreError | None:
        """Open, check and bring up to date; any other call does it too where it is needed.

        None, or (`StoreReadOnly`, `DiskFull`) why reading is all that is possible now. Raises
        `StoreDamaged`, `StoreNewer`, `StoreBusy` or `StoreError`, and the former two where there
        is nothing to read. After a failure it may be tried again.
        """
        try:
            await self._write(_nothing)
        except (StoreReadOnly, DiskFull) as error:
            if self._path is None or not self._path.exists():
                raise
            self._protected = True
            try:
                await self._reader.run(_nothing)
            except StoreReadOnly:
                # There is nothing in it yet, or its shape is an older one.
                raise error from None
            self._ready = True
            return error
        self._ready = True
        return None

    def _look_into(self, path: Path) -> sqlite3.Connection:
        return open_protected(path) if self._protected else open_for_reading(path)

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def job(connection: sqlite3.Connection) -> T:
            with transaction(connection):
                return work(connection)

        written = await self._writer.run(job)
        if self._protected:
            self._protected = False
            await self._look_again()
        return written

    async def _look_again(self) -> None:
        """A connection that takes the file as unchanging must not outlive that state."""
        await self._reader.disconnect()
        await self._searcher.disconnect()

    async def _read(
        self, work: Callable[[sqlite3.Connection], T], thread: ConnectionThread | None = None
    ) -> T:
        def job(connection: sqlite3.Connection) -> T:
            with snapshot(connection):
                return work(connection)

        if not self._ready:
            await self.open()
        return await (thread or self._reader).run(job)

    # ------------------------------------------------------------------------- conversations

    async def create_conversation(
        self, params: ChatParams, model_path: str | None, now: int
    ) -> Conversation:
        """An empty conversation without a title."""
        return await self._write(lambda db: conversations.create(db, params, model_path, now))

    async def conversation(self, conversation_id: int) -> Conversation:
        """The conversation, in the trash or not."""
        return await self._read(lambda db: conversations.load(db, conversation_id))

    async def list_conversations(self, *, trashed: bool = False) -> list[ConversationSummary]:
        """Most recently updated first."""
        return await self._read(lambda db: conversations.summaries(db, trashed=trashed))

    async def rename(self, conversation_id: int, title: str, *, automatic: bool) -> None:
        """An automatic title never replaces one that a person gave."""
        await self._write(
            lambda db: conversations.rename(db, conversation_id, title, automatic=automatic)
        )

    async def set_params(self, conversation_id: int, params: ChatParams) -> None:
        """Replace what the conversation asks of the model."""
        await self._write(lambda db: conversations.set_params(db, conversation_id, params))

    async def set_model(self, conversation_id: int, model_path: str | None) -> None:
        """Choose a model for it."""
        await self._write(lambda db: conversations.set_model(db, conversation_id, model_path))

    async def set_draft(self, conversation_id: int, draft: str) -> None:
        """Keep what is in the composer."""
        await self._write(lambda db: conversations.set_draft(db, conversation_id, draft))

    async def trash(self, conversation_id: int, now: int) -> None:
        """Put into the trash."""
        await self._write(lambda db: conversations.set_trashed(db, conversation_id, now))

    async def restore(self, conversation_id: int) -> None:
        """Take out of the trash."""
        await self._write(lambda db: conversations.set_trashed(db, conversation_id, None))

    async def set_head(self, conversation_id: int, message_id: int | None) -> None:
        """Show the path that ends at this message; None: an empty one."""
        await self._write(lambda db: conversations.set_head(db, conversation_id, message_id))

    # ------------------------------------------------------------------------------ messages

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
        """Write a message and move the head to it; on disk on return."""

        def work(db: sqlite3.Connection) -> Message:
            added = messages.add(db, conversation_id, parent_id, role, text, status, now)
            if clear_draft:
                conversations.set_draft(db, conversation_id, "")
            return tree.message(db, added)

        return await self._write(work)

    async def add_turn(
        self, conversation_id: int, parent_id: int | None, text: str, now: int
    ) -> tuple[Message, Message]:
        """A user message and its empty streaming answer; clears the draft, moves the head."""

        def work(db: sqlite3.Connection) -> tuple[Message, Message]:
            turn = messages.add_turn(db, conversation_id, parent_id, text, now)
            conversations.set_draft(db, conversation_id, "")
            return turn

        return await self._write(work)

    async def append(self, message_id: int, kind: PartKind, text: str) -> None:
        """Append to a streaming message; on disk on return."""
        await self._write(lambda db: messages.append(db, message_id, kind, text))

    async def finish(self, message_id: int, status: MessageStatus, run: Run, now: int) -> None:
        """End a streaming message and record its run."""
        await self._write(lambda db: messages.finish(db, message_id, status, run, now))

    async def message(self, message_id: int) -> Message:
        """One message with its siblings and its run."""
        return await self._read(lambda db: tree.message(db, message_id))

    async def path(self, conversation_id: int) -> list[Message]:
        """From the root to the head."""
        return await self._read(lambda db: tree.path(db, conversation_id))

    async def newest_leaf(self, message_id: int) -> int:
        """The leaf below (or at) a message that was written last."""
        return await self._read(lambda db: tree.newest_leaf(db, message_id))

    async def recover(self, now: int) -> int:
        """Mark answers left streaming as interrupted; how many."""
        return await self._write(lambda db: messages.recover(db, now))

    # -------------------------------------------------------------------------------- search

    async def search(self, query: str, limit: int = 50) -> list[SearchHit]:
        """Newest first. A search that a newer one overtakes ends at once with nothing."""
        self._searches += 1
        number = self._searches
        if self._searcher is not self._writer:
            self._searcher.interrupt()

        def work(db: sqlite3.Connection) -> list[SearchHit]:
            return search(db, parse(query), limit) if number == self._searches else []

        return await self._read(work, self._searcher)

    # --------------------------------------------------------------------------- model files

    async def note_model_file(self, path: str, size: int, mtime_ns: int) -> str | None:
        """Remember a model's file; its SHA-256 if it is known for this size and time."""
        return await self._write(lambda db: model_files.note(db, path, size, mtime_ns))

    async def set_model_hash(self, path: str, size: int, mtime_ns: int, sha256: str) -> None:
        """Remember the hash of a model's file as it was at this size and time."""
        await self._write(lambda db: model_files.set_hash(db, path, size, mtime_ns, sha256))

    # ---------------------------------------------------------------------------------- fit

    async def keep_fit(self, machine: str, record: FitRecord, now: int) -> None:
        """Remember what a model took on a machine."""
        await self._write(lambda db: fits.keep(db, machine, record, now))

    async def fits(self, machine: str, limit: int = 500) -> list[FitRecord]:
        """What models took on a machine; what was measured last comes first."""
        return await self._read(lambda db: fits.newest(db, machine, limit))

    # --------------------------------------------------------------------------- benchmarks

    async def keep_benchmark(
        self, machine: str, subject: BenchSubject, result: BenchResult, now: int
    ) -> BenchRecord:
        """Add a measurement to the history of its file on a machine."""
        return await self._write(lambda db: benchmarks.add(db, machine, subject, result, now))

    async def benchmarks(
        self, machine: str, path: str, file_bytes: int, limit: int = 100
    ) -> list[BenchRecord]:
        """The history of a file on a machine; what was measured last comes first."""
        return await self._read(lambda db: benchmarks.newest(db, machine, path, file_bytes, limit))

    async def forget_benchmark(self, record_id: int) -> None:
        """Take a measurement out of the history."""
        await self._write(lambda db: benchmarks.forget(db, record_id))

    async def longest_conversation(self) -> int:
        """The most tokens that any answer and what was read for it had together."""
        return await self._read(messages.most_tokens)

    # ------------------------------------------------------------------------ the whole file

    async def health(self) -> dict[str, str]:
        """For `doctor`."""
        return await self._read(lambda db: health(db, self._path))

    async def close(self) -> None:
        """Do what was asked for, close the file, end the threads."""
        # The writer last: as the last connection it folds the write-ahead log into the file.
        for thread in dict.fromkeys((self._searcher, self._reader, self._writer)):
            await thread.close()


def _nothing(_: sqlite3.Connection) -> None:
    """A job that only needs the connection to be open."""
