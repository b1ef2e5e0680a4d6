"""Colours of code: Pygments, never imported before the first paint, and never busy for long.

Importing Pygments and its first lexer takes about 25 ms; `readiness` does it ahead of the first
answer, and whatever else is needed is imported when a block wants it.
"""

from __future__ import annotations

import math
import re
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from PySide6.QtCore import QObject, QTimer

from app.gui.theme.tokens import DARK, LIGHT, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from weakref import ReferenceType

    from pygments.lexer import Lexer

LONGEST_CODE = 60_000
"""Characters of a block that are coloured; what follows stays plain."""
LONGEST_LINE = 4_000
"""Characters; code with a longer line is data, and lexers are slow on it."""
LONGEST_NAME = 40
"""Characters of a language's name."""
LONGEST_TIME = 0.5
"""Seconds that one block may take together."""
SLICE = 0.006
"""Seconds of one step, so that the window stays quick."""

Span: TypeAlias = tuple[int, int, str]
"""Start and length in a line (UTF-16 units) and a field of `CodeColours`."""

Work: TypeAlias = "ReferenceType[Callable[[], bool]]"
"""A `WeakMethod` that does a step and says whether there is more to do."""


@dataclass(frozen=True, slots=True)
class CodeColours:
    """`#rrggbb` by meaning, each at least 4.5:1 on the theme's `code_ground`."""

    keyword: str
    string: str
    number: str
    comment: str
    function: str
    type: str
    added: str
    removed: str


_LIGHT = CodeColours(
    keyword=LIGHT.accent,
    string=LIGHT.success,
    number="#8a3572",
    comment="#70665a",
    function="#28597f",
    type="#75560a",
    added=LIGHT.success,
    removed=LIGHT.danger,
)
_DARK = CodeColours(
    keyword=DARK.accent,
    string=DARK.success,
    number="#dda3cf",
    comment="#9a8e7d",
    function="#8fc0e3",
    type="#ddcb8a",
    added=DARK.success,
    removed=DARK.danger,
)

_KINDS = {
    "Keyword": "keyword",
    "Keyword.Constant": "number",
    "Keyword.Type": "type",
    "Operator.Word": "keyword",
    "Name.Function": "function",
    "Name.Builtin": "function",
    "Name.Builtin.Pseudo": "number",
    "Name.Class": "type",
    "Name.Exception": "type",
    "Name.Namespace": "type",
    "Name.Decorator": "function",
    "Name.Constant": "number",
    "Name.Tag": "keyword",
    "Name.Attribute": "type",
    "Name.Entity": "number",
    "Literal": "number",
    "Literal.String": "string",
    "Literal.String.Doc": "comment",
    "Literal.Number": "number",
    "Comment": "comment",
    "Comment.Preproc": "keyword",
    "Comment.PreprocFile": "string",
    "Generic.Inserted": "added",
    "Generic.Deleted": "removed",
    "Generic.Heading": "keyword",
    "Generic.Subheading": "function",
    "Generic.Prompt": "comment",
    "Generic.Output": "comment",
}


def code_colours(tokens: Tokens) -> CodeColours:
    """The colours that belong to a theme."""
    return _DARK if tokens.name == DARK.name else _LIGHT


@lru_cache(maxsize=512)
def _kind_of(token_type: tuple[str, ...]) -> str:
    for length in range(len(token_type), 0, -1):
        kind = _KINDS.get(".".join(token_type[:length]))
        if kind is not None:
            return kind
    return ""


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


class Colouring:
    """Colours one piece of code, a few milliseconds at a time."""

    def __init__(self, code: str, language: str) -> None:
        self._line: list[Span] = []
        self._column = 0
        self._left = LONGEST_TIME
        self._values = self._tokens(code[:LONGEST_CODE], language)
        self.is_done = False

    @staticmethod
    def _tokens(code: str, language: str) -> Iterator[tuple[str, str]]:
        lexer = _lexer(language.lower()) if 0 < len(language) <= LONGEST_NAME else None
        if lexer is None or max(map(len, code.split("\n"))) > LONGEST_LINE:
            return
        try:
            for _, token_type, value in lexer.get_tokens_unprocessed(code):
                yield _kind_of(tuple(token_type)), value
        except (LookupError, ValueError, TypeError, AttributeError, RecursionError, re.error):
            # A lexer that stumbles over odd code: what it has coloured so far is kept.
            return

    def advance(self, seconds: float = math.inf) -> list[list[Span]]:
        """The lines that are finished now and were not before; stops after about `seconds`."""
        lines: list[list[Span]] = []
        began = time.monotonic()
        limit = began + min(seconds, self._left)
        for kind, value in self._values:
            self._take(kind, value, lines)
            if time.monotonic() > limit:
                break
        else:
            self.is_done = True
        self._left -= time.monotonic() - began
        if self._left <= 0:
            self.is_done = True
        if self.is_done:
            lines.append(self._line)
        return lines

    def _take(self, kind: str, value: str, lines: list[list[Span]]) -> None:
        for number, text in enumerate(value.split("\n")):
            if number:
                lines.append(self._line)
                self._line, self._column = [], 0
            length = _units(text)
            if kind and length and not text.isspace():
                self._line.append((self._column, length, kind))
            self._column += length


def _units(text: str) -> int:
    """The length as Qt counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


class HighlightQueue(QObject):
    """Colours blocks one after the other when the event loop has nothing else to do.

    It waits for `open`, which the view calls after its first paint.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: list[Work] = []
        self._open = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._next)

    def open(self) -> None:
        """From now on blocks may be coloured."""
        if not self._open:
            self._open = True
            self._wake()

    def ask(self, work: Work, *, small: bool = False) -> None:
        """Call this method soon, if its object is still there then, until it says False.

        `small` work is begun at once if nothing has to be imported for it, so that code which is
        scrolled into view has its colours from the first moment.
        """
        if small and self._open and "pygments" in sys.modules and not self._step(work):
            return
        self._waiting.append(work)
        self._wake()

    @staticmethod
    def _step(work: Work) -> bool:
        wanted = work()
        return wanted is not None and wanted()

    def _wake(self) -> None:
        if self._open and self._waiting and not self._timer.isActive():
            self._timer.start(0)

    def _next(self) -> None:
        work = self._waiting[0]
        if not self._step(work):
            self._waiting.remove(work)
        self._wake()
