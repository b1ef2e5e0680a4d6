"""Tell a model's reasoning from its answer, while the text comes in pieces.

Two forms are known. Most models put the reasoning between two tags at the beginning, `<think>` and
`</think>` or another of `TAGS`; often the template's generation prompt opens it already. gpt-oss
writes messages with a channel each (OpenAI's "harmony" format): `<|channel|>analysis<|message|>…`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Protocol

from app.domain.generation import PartKind
from app.engine.markers import Marker, MarkerScanner

TAGS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("◁think▷", "◁/think▷"),
    ("<mm:think>", "</mm:think>"),
    ("<think:opensource>", "</think:opensource>"),
    ("<|channel>thought", "<channel|>"),
)
"""Qwen, DeepSeek and many more; some fine-tunes; Granite; Seed-OSS; Magistral; Command A; Kimi;
MiniMax; Hunyuan; Gemma 4."""

_PARTS_OF_TAGS = ("<|channel>", "<channel|>")
"""Control tokens within the tags of Gemma 4."""

CHANNEL, MESSAGE, END, START = "<|channel|>", "<|message|>", "<|end|>", "<|start|>"
_ANSWER_CHANNEL = "final"

Pieces = Iterator[tuple[PartKind, str]]


class Splitter(Protocol):
    """Text in, pieces of a kind out; never an empty piece."""

    @property
    def reasons(self) -> bool:
        """Whether what comes next is reasoning."""
        ...

    def feed(self, text: str) -> Pieces: ...

    def flush(self) -> Pieces: ...


def control_markers(template: str) -> frozenset[str]:
    """The control tokens that the splitter for this template must see written out."""
    if CHANNEL in template:
        return frozenset((CHANNEL, MESSAGE, END, START))
    return frozenset((*(tag for pair in TAGS for tag in pair), *_PARTS_OF_TAGS))


def splitter_for(template: str, prompt: str) -> Splitter:
    """The splitter for answers to `prompt`, which `template` made."""
    if CHANNEL in template:
        return ChannelSplitter()
    return TagSplitter(_opened_by(prompt))


def _opened_by(prompt: str) -> str | None:
    """The tag that closes the reasoning which the prompt's end has opened."""
    end = prompt.rstrip()
    return next((close for opening, close in TAGS if end.endswith(opening)), None)


class TagSplitter:
    """Reasoning between tags, at the beginning of the answer only: later a tag is just text.

    White space around both parts belongs to the tags and is left out.
    """

    def __init__(self, closing: str | None = None) -> None:
        """`closing`: the answer begins inside reasoning that this tag ends."""
        self._kind = PartKind.TEXT if closing is None else PartKind.REASONING
        self._scanner: MarkerScanner | None
        if closing is None:
            self._scanner = MarkerScanner(opening for opening, _ in TAGS)
        else:
            self._scanner = MarkerScanner((closing,))
        self._begun = False
        self._spaces = ""

    @property
    def reasons(self) -> bool:
        """Whether what comes next is reasoning."""
        return self._kind is PartKind.REASONING

    def feed(self, text: str) -> Pieces:
        """The pieces that are certain after `text`."""
        while text:
            if self._scanner is None:
                yield from self._plain(text)
                return
            text = yield from self._scan(self._scanner, text)

    def _scan(
        self, scanner: MarkerScanner, text: str
    ) -> Generator[tuple[PartKind, str], None, str]:
        """Read on until the scanner is another; what must then be read again is returned."""
        for piece in scanner.feed(text):
            if isinstance(piece, Marker):
                return self._cross(scanner, piece)
            yield from self._plain(piece)
            if self._begun and self._kind is PartKind.TEXT:
                # The answer has begun, so no tag can come any more.
                self._scanner = None
                return scanner.flush()
        return ""

    def _cross(self, scanner: MarkerScanner, tag: Marker) -> str:
        """Go into the reasoning or out of it; what the scanner still holds is to be read again."""
        self._begun = False
        self._spaces = ""
        if self._kind is PartKind.TEXT:
            self._kind = PartKind.REASONING
            self._scanner = MarkerScanner((dict(TAGS)[tag.text],))
        else:
            self._kind = PartKind.TEXT
            self._scanner = None
        return scanner.flush()

    def _plain(self, text: str) -> Pieces:
        if not self._begun:
            text = text.lstrip()
            self._begun = bool(text)
        if self._kind is PartKind.REASONING:
            # Space before the closing tag is left out, so it waits for what follows.
            text = self._spaces + text
            kept = text.rstrip()
            self._spaces = text[len(kept) :]
            text = kept
        if text:
            yield self._kind, text

    def flush(self) -> Pieces:
        """The end of the answer: what was held back is no tag."""
        if self._scanner is not None:
            held, self._scanner = self._scanner.flush(), None
            yield from self._plain(held)


class ChannelSplitter:
    """gpt-oss: the channel `final` is the answer, every other one is reasoning."""

    def __init__(self) -> None:
        self._scanner = MarkerScanner((CHANNEL, MESSAGE, END, START))
        self._header: list[str] | None = None
        self._kind = PartKind.TEXT

    @property
    def reasons(self) -> bool:
        """Whether what comes next is reasoning."""
        return self._kind is PartKind.REASONING

    def feed(self, text: str) -> Pieces:
        """The pieces that are certain after `text`."""
        for piece in self._scanner.feed(text):
            if isinstance(piece, Marker):
                self._turn(piece.text)
            elif self._header is not None:
                self._header.append(piece)
            else:
                yield self._kind, piece

    def _turn(self, marker: str) -> None:
        if marker == MESSAGE:
            channel = "".join(self._header or ()).split()
            final = not channel or channel[0] == _ANSWER_CHANNEL
            self._kind = PartKind.TEXT if final else PartKind.REASONING
            self._header = None
        elif marker in (START, CHANNEL):
            # A message begins with its author and its channel; only the channel matters.
            self._header = []

    def flush(self) -> Pieces:
        """The end of the answer: what was held back is no marker."""
        held = self._scanner.flush()
        if held and self._header is None:
            yield self._kind, held
