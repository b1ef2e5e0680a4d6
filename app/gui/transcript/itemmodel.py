"""The messages of the shown path with what is still coming in, and the diff between two paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from app.domain.conversation import Message, MessageStatus, Run
from app.domain.errors import AppError
from app.domain.generation import PartKind


@dataclass(slots=True, eq=False)
class Entry:
    """One message as it is shown. While it streams, its text is longer than the message's."""

    message: Message
    text: str
    reasoning: str
    progress: tuple[int, int] | None = None
    """Prompt tokens read, and all of them."""
    left_out: int = 0
    """Messages that the prompt was made without."""
    thinking_since: float | None = None
    """Monotonic seconds at the first word of reasoning."""
    thought_seconds: float | None = None
    is_unfolded: bool = False
    """Whether the reader has opened the reasoning."""

    @classmethod
    def of(cls, message: Message) -> Entry:
        """The entry of a message as it is stored."""
        left_out = message.run.stats.left_out if message.run else 0
        return cls(message, message.text, message.reasoning, left_out=left_out)

    @property
    def is_live(self) -> bool:
        """Whether it may still grow."""
        return _is_streaming(self.message)

    def grow(self, kind: PartKind, text: str, now: float) -> None:
        """Take new text; `now` is in monotonic seconds."""
        self.progress = None
        if kind is PartKind.REASONING:
            self.reasoning += text
            if self.thinking_since is None:
                self.thinking_since = now
            return
        self.text += text
        self.end_thinking(now)

    def end_thinking(self, now: float) -> None:
        """The reasoning is over."""
        if self.thinking_since is not None and self.thought_seconds is None:
            self.thought_seconds = now - self.thinking_since

    def end(self, status: MessageStatus, run: Run, error: AppError | None, now: float) -> None:
        """The answer has its last word."""
        self.progress = None
        self.end_thinking(now)
        if error is not None and not run.error_title:
            run = replace(
                run,
                error_title=error.title,
                error_detail=error.detail,
                error_remedy=error.remedy,
            )
        self.left_out = run.stats.left_out
        self.message = replace(self.message, status=status, run=run)


@dataclass(frozen=True, slots=True)
class PathDiff:
    """What another path means for the rows that are shown."""

    kept: frozenset[int] = field(default_factory=frozenset)
    """Ids of messages whose rows can stay as they are."""
    siblings: frozenset[int] = field(default_factory=frozenset)
    """Of these, whose siblings are others now."""
    missed: tuple[tuple[int, PartKind, str], ...] = ()
    """What of them streams still, and the text by which the message is ahead of its entry."""
    begins: bool = False
    """An answer that was not here before streams in at the end."""


class MessageItemModel:
    """The path from the root to the head."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._index: dict[int, int] = {}

    @property
    def entries(self) -> Sequence[Entry]:
        """From the first message to the last."""
        return self._entries

    def index_of(self, message_id: int) -> int | None:
        """Where a message stands; None if it is not on the path."""
        return self._index.get(message_id)

    def entry(self, message_id: int) -> Entry | None:
        """The entry of a message; None if it is not on the path."""
        index = self._index.get(message_id)
        return None if index is None else self._entries[index]

    def set_path(self, messages: Sequence[Message]) -> PathDiff:
        """Show these; entries of messages that have not changed stay the same objects."""
        kept: set[int] = set()
        siblings: set[int] = set()
        missed: list[tuple[int, PartKind, str]] = []
        entries: list[Entry] = []
        last = messages[-1] if messages else None
        begins = last is not None and _is_streaming(last) and last.id not in self._index
        for message in messages:
            old = self.entry(message.id)
            if old is None or not _still_shown(old, message):
                entries.append(Entry.of(message))
                continue
            kept.add(message.id)
            if old.is_live:
                missed += [(message.id, kind, text) for kind, text in _missed(old, message)]
            if old.message.sibling_ids != message.sibling_ids:
                siblings.add(message.id)
                old.message = replace(old.message, sibling_ids=message.sibling_ids)
            entries.append(old)
        self._entries = entries
        self._index = {entry.message.id: at for at, entry in enumerate(entries)}
        return PathDiff(frozenset(kept), frozenset(siblings), tuple(missed), begins)


def _is_streaming(message: Message) -> bool:
    return message.status is MessageStatus.STREAMING


def _still_shown(entry: Entry, message: Message) -> bool:
    """Whether the entry shows this message already, the list of its siblings aside."""
    if entry.message.status is not message.status:
        return False
    pairs = ((entry.reasoning, message.reasoning), (entry.text, message.text))
    if entry.is_live:
        # What streams in may be ahead of what is stored, or of what is shown.
        return all(shown.startswith(text) or text.startswith(shown) for shown, text in pairs)
    return all(shown == text for shown, text in pairs)


def _missed(entry: Entry, message: Message) -> Iterator[tuple[PartKind, str]]:
    """By what the message is ahead of the entry that shows it."""
    if len(message.reasoning) > len(entry.reasoning):
        yield PartKind.REASONING, message.reasoning[len(entry.reasoning) :]
    if len(message.text) > len(entry.text):
        yield PartKind.TEXT, message.text[len(entry.text) :]
