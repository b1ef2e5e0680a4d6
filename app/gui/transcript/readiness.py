"""Imports what the first answer needs, before it is asked for.

The Markdown reader and the lexers take 150 ms together. In the midst of the first answer the window
would stand still for it; from another thread no turn of the event loop waits for more than a part.
"""

from __future__ import annotations

from app.gui.transcript.highlight import Colouring
from app.gui.transcript.markdown import inline_runs, read_blocks

LANGUAGES = (
    "bash",
    "c",
    "cpp",
    "css",
    "html",
    "java",
    "javascript",
    "json",
    "python",
    "rust",
    "sql",
    "typescript",
    "yaml",
)
"""Of the code that answers hold most often; any other lexer takes up to 25 ms when it is needed."""


def import_readers() -> None:
    """Read a little Markdown and a little code; may run in any thread."""
    read_blocks("A *word*.\n", {})
    inline_runs("A *word*.", {})
    for language in LANGUAGES:
        Colouring("x = 1", language).advance()
