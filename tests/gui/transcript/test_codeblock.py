"""Code blocks: exact copies, colours that come later, no import before they are wanted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from app.gui.theme.tokens import DARK, LIGHT, Tokens
from app.gui.transcript import highlight
from app.gui.transcript.codeblock import CodeBlock
from app.gui.transcript.highlight import Colouring, code_colours

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from app.gui.transcript.body import Body

CODE = 'def f(x):\n    """Two\n    lines."""\n    return f"{x}" + \'🙂\'  # end\n'


def block_of(body: Body, code: str = CODE, language: str = "python") -> CodeBlock:
    body.finish(f"```{language}\n{code}```\n")
    body.resize(600, body.fit(600))
    (block,) = body.segments
    assert isinstance(block, CodeBlock)
    return block


def coloured(block: CodeBlock) -> list[int]:
    """For each line how many coloured stretches it has."""
    document = block.text.document()
    return [
        len(document.findBlockByNumber(number).layout().formats())
        for number in range(document.blockCount())
    ]


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=lambda tokens: tokens.name)
def test_colours_can_be_read(tokens: Tokens) -> None:
    colours = code_colours(tokens)
    ground = luminance(tokens.code_ground)
    for name in colours.__dataclass_fields__:
        ink = luminance(getattr(colours, name))
        contrast = (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05)
        assert contrast >= 4.5, f"{name} {contrast:.2f}"


def test_copy_puts_the_exact_code_on_the_clipboard(
    make_body: Callable[[], Body], qtbot: QtBot
) -> None:
    odd = "\tx = '\u202e'  \n\n  y\u2028z\n"
    block = block_of(make_body(), odd)
    qtbot.mouseClick(block.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == odd.removesuffix("\n")


def test_copy_says_that_it_has_copied(make_body: Callable[[], Body], qtbot: QtBot) -> None:
    block = block_of(make_body())
    assert block.copy_button.accessibleName() == "Copy code"
    assert block.copy_button.text().strip() == "Copy"
    block.copy_button.click()
    assert block.copy_button.text().strip() == "Copied"
    qtbot.waitUntil(lambda: block.copy_button.text().strip() == "Copy")


def test_the_name_says_the_language(make_body: Callable[[], Body]) -> None:
    assert block_of(make_body()).accessibleName() == "Code block, python"
    assert block_of(make_body(), language="").accessibleName() == "Code block"


def test_finished_code_is_coloured_in_every_line(
    make_body: Callable[[], Body], qtbot: QtBot
) -> None:
    block = block_of(make_body())
    qtbot.waitUntil(lambda: all(coloured(block)))


def test_streaming_code_is_coloured_by_finished_lines(
    make_body: Callable[[], Body], qtbot: QtBot
) -> None:
    body = make_body()
    body.feed("```python\nimport os\nimport sys\nimp")
    (block,) = body.segments
    assert isinstance(block, CodeBlock)
    qtbot.waitUntil(lambda: coloured(block)[:2] != [0, 0])
    assert coloured(block)[2] == 0


def test_unknown_languages_stay_plain(make_body: Callable[[], Body], qtbot: QtBot) -> None:
    block = block_of(make_body(), language="no-such-language")
    qtbot.wait(20)
    assert not any(coloured(block))


def test_colours_start_where_qt_counts() -> None:
    (spans,) = Colouring("'🙂🙂' # end", "python").advance()
    assert spans[-1] == (7, 5, "comment")


def test_slices_give_what_the_whole_gives() -> None:
    code = CODE * 200
    whole = Colouring(code, "python").advance()
    slices = Colouring(code, "python")
    lines = []
    while not slices.is_done:
        lines += slices.advance(0.0)
    assert lines == whole
    assert len(lines) == code.count("\n") + 1


@pytest.mark.parametrize("code", ["x" * 5_000, '{"a": ' * 20_000, "\\" * 50_000, "'" * 3_000])
def test_odd_code_takes_bounded_time(code: str) -> None:
    colouring = Colouring(code, "python")
    for _ in range(200):
        if colouring.is_done:
            break
        colouring.advance(highlight.SLICE)
    assert colouring.is_done


def test_a_lexer_that_fails_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stumbling:
        def get_tokens_unprocessed(self, code: str):
            from pygments.token import Keyword

            yield 0, Keyword, "if"
            raise IndexError

    monkeypatch.setattr(highlight, "_lexer", lambda language: Stumbling())
    assert Colouring("if x\nelse", "odd").advance() == [[(0, 2, "keyword")]]


def test_neither_markdown_nor_colours_are_imported_with_the_window() -> None:
    script = (
        "import sys, app.gui.transcript.view\n"
        "bad = [name for name in ('pygments', 'markdown_it') if name in sys.modules]\n"
        "assert not bad, bad"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
