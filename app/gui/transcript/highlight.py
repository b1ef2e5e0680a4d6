"""Colours of code: Pygments, imported when the first block wants it, and never for long.

Importing Pygments and its first lexer takes about 50 ms, so nothing here does it before the window
has been painted; `warm` may do it in a thread beforehand.
"""

from __future__ import annotations

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
LONGEST_TIME = 0.25
"""Seconds a block may take."""

Span: TypeAlias = tuple[int, int, str]
"""Start and length in a line (UTF-16 units) and a field of `CodeColours`."""

_WARM = ("python", "javascript", "c", "bash", "json", "html")


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


def warm() -> None:
    """Import Pygments and the commonest lexers; about 100 ms, fit for a thread."""
    for language in _WARM:
        _lexer(language)


def spans_of(code: str, language: str) -> list[list[Span]]:
    """For each line of the code, from the first on, what is coloured; may end early."""
    if not language or len(language) > 40:
        return []
    lexer = _lexer(language.lower())
    if lexer is None:
        return []
    code = code[:LONGEST_CODE]
    if max(map(len, code.split("\n"))) > LONGEST_LINE:
        return []
    lines: list[list[Span]] = [[]]
    try:
        _collect(lexer, code, lines)
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError, re.error):
        # A lexer that stumbles over odd code: what it has coloured so far is kept.
        return lines
    return lines


def _collect(lexer: Lexer, code: str, lines: list[list[Span]]) -> None:
    deadline = time.monotonic() + LONGEST_TIME
    column = 0
    for kind, value in _tokens(lexer, code):
        if time.monotonic() > deadline:
            return
        for number, text in enumerate(value.split("\n")):
            if number:
                lines.append([])
                column = 0
            length = _units(text)
            if kind and length and not text.isspace():
                lines[-1].append((column, length, kind))
            column += length


def _tokens(lexer: Lexer, code: str) -> Iterator[tuple[str, str]]:
    for _, token_type, value in lexer.get_tokens_unprocessed(code):
        yield _kind_of(tuple(token_type)), value


def _units(text: str) -> int:
    """The length as Qt counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


class HighlightQueue(QObject):
    """Colours blocks one after the other when the event loop has nothing else to do.

    It waits for `open`, which the view calls after its first paint.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: list[ReferenceType[Callable[[], None]]] = []
        self._open = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._next)

    def open(self) -> None:
        """From now on blocks may be coloured."""
        if not self._open:
            self._open = True
            self._wake()

    def ask(self, work: ReferenceType[Callable[[], None]], *, small: bool = False) -> None:
        """Call this method soon, if its object is still there then (give a `WeakMethod`).

        `small` work is done at once if nothing has to be imported for it, so that code which is
        scrolled into view has its colours from the first moment.
        """
        if small and self._open and "pygments" in sys.modules:
            wanted = work()
            if wanted is not None:
                wanted()
            return
        self._waiting.append(work)
        self._wake()

    def _wake(self) -> None:
        if self._open and self._waiting and not self._timer.isActive():
            self._timer.start(0)

    def _next(self) -> None:
        while self._waiting:
            work = self._waiting.pop(0)()
            if work is not None:
                work()
                break
        self._wake()
