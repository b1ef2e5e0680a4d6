"""The widgets of a text: streaming ends as loading does, nothing is cut off, nothing is fetched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QUrl
from PySide6.QtGui import QImage, QTextCursor, QTextDocument

from app.gui.transcript import body as body_module
from app.gui.transcript.body import Body
from app.gui.transcript.codeblock import CodeBlock
from app.gui.transcript.markdown import BULLET, Place, Text
from app.gui.transcript.page import Page
from app.gui.transcript.richtext import RichText
from app.gui.transcript.table import TablePage
from tests.gui.transcript.samples import EVERYTHING

Make = Callable[[], Body]


def shown(body: Body) -> list[tuple[str, str]]:
    """Kind and full content of every segment, formats included."""
    result: list[tuple[str, str]] = []
    for widget in body.segments:
        if isinstance(widget, CodeBlock):
            result.append(("code", widget.text.toPlainText()))
        else:
            result.append((type(widget).__name__, widget.document().toHtml()))
    return result


def loaded(make: Make, text: str) -> Body:
    body = make()
    body.finish(text)
    body.fit(600)
    return body


def streamed(make: Make, text: str, sizes: list[int]) -> Body:
    body = make()
    at, turn = 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        body.feed(text[at : at + size])
        body.fit(600)
        at, turn = at + size, turn + 1
    body.finish()
    body.fit(600)
    return body


def only(body: Body) -> RichText:
    (page,) = body.segments
    assert isinstance(page, RichText)
    return page


def test_everything_is_shown(make_body: Make) -> None:
    body = loaded(make_body, EVERYTHING)
    kinds = [type(widget) for widget in body.segments]
    assert kinds == [
        RichText, CodeBlock, RichText, TablePage, RichText, CodeBlock, CodeBlock, RichText,
    ]  # fmt: skip


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_streaming_ends_as_loading_does(make_body: Make, sizes: list[int]) -> None:
    whole = loaded(make_body, EVERYTHING)
    parts = streamed(make_body, EVERYTHING, sizes)
    assert shown(parts) == shown(whole)
    assert parts.fit(600) == whole.fit(600)
    for body in (whole, parts):
        body.deleteLater()


def test_taking_back_leaves_an_empty_item_as_it_was(make_body: Make) -> None:
    page = only(loaded(make_body, "text"))
    empty = Text("", Place(2), marker=BULLET)
    page.put(0, [(empty, 3), (Text("title", heading=1), 30)], {})
    before = page.document().firstBlock().blockFormat()
    page.put(1, [], {})
    assert page.document().blockCount() == 1
    assert page.document().firstBlock().blockFormat() == before
    page.put(0, [(Text("again"), 0)], {})
    assert page.document().toPlainText() == "again"


def test_closed_segments_keep_their_widgets(make_body: Make) -> None:
    body = make_body()
    body.feed("text\n\n```\na\n```\n\nmore text\n\n")
    before = body.segments
    body.feed("and more\n\nstill\n")
    assert body.segments == before


def test_growing_code_is_appended(make_body: Make) -> None:
    body = make_body()
    body.feed("```py\na = 1\n")
    (block,) = body.segments
    for number in range(20):
        body.feed(f"b = {number}\n")
    assert body.segments == [block]
    assert isinstance(block, CodeBlock)
    assert block.text.blockCount() == 21


def test_a_growing_table_keeps_its_widget(make_body: Make) -> None:
    body = make_body()
    body.feed("| a | b |\n|---|---|\n| 1 | 2 |\n")
    (table,) = body.segments
    body.feed("| 3 | 4 |\n| 5 |\n")
    body.fit(600)
    assert body.segments == [table]
    assert isinstance(table, TablePage)
    assert [text for text in table.document().toPlainText().split() if text.isdigit()] == [
        "1", "2", "3", "4", "5",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [150, 400, 760])
def test_nothing_is_cut_off(make_body: Make, width: int) -> None:
    body = loaded(make_body, EVERYTHING)
    height = body.fit(width)
    bottom = 0
    for widget in body.segments:
        assert widget.y() >= bottom
        bottom = widget.y() + widget.height()
        if isinstance(widget, CodeBlock):
            last = widget.text.blockBoundingGeometry(widget.text.document().lastBlock())
            room = widget.text.viewport().height()
            assert last.translated(widget.text.contentOffset()).bottom() <= room
        else:
            assert widget.document().size().height() <= widget.viewport().height()
    assert height == bottom


def test_a_wide_table_scrolls_by_itself(make_body: Make) -> None:
    cell = "several words of text " * 4
    table = "| a | b | c | d |\n|-|-|-|-|\n" + f"| {cell} | {cell} | {cell} | {cell} |\n"
    (page,) = loaded(make_body, table).segments
    assert isinstance(page, TablePage)
    height = page.fit(300)
    page.resize(300, height)
    assert page.horizontalScrollBar().maximum() > 0
    assert page.horizontalScrollBar().value() == 0
    assert page.verticalScrollBar().maximum() == 0


def test_late_definitions_make_links_of_what_was_text(make_body: Make) -> None:
    body = make_body()
    body.feed("see [here]\n\ntext\n\n")
    assert "example.com" not in only(body).document().toHtml()
    body.feed("[here]: https://example.com/x\n")
    body.finish()
    assert "https://example.com/x" in only(body).document().toHtml()


def test_too_much_is_cut_and_said(make_body: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "LONGEST_SHOWN", 1_000)
    for feed in (True, False):
        body = make_body()
        if feed:
            for _ in range(30):
                body.feed("word " * 20)
            body.finish()
        else:
            body.set_plain("word " * 600)
        text = only(body).document().toPlainText()
        assert text.count("word") == 200
        assert text.endswith("Copy takes all of it.")


def test_too_many_pieces_are_cut_and_said(make_body: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "MOST_PIECES", 10)
    body = loaded(make_body, "- item\n" * 50)
    assert len(body.pieces) == 11
    assert only(body).document().toPlainText().endswith("Copy takes all of it.")


HOSTILE = [
    "<img src='file://{path}'> <iframe src='file://{path}'></iframe>",
    "![x](file://{path}) ![x](<{path}>) ![x](\\\\\\\\host\\share\\a.png)",
    "[x](javascript:alert(1)) ![x](data:image/png;base64,AAAA)",
    "![x](https://example.com/{path})",
    "| ![x](file://{path}) |\n|---|\n| <img src='{path}'> |",
    "```html\n<img src='file://{path}'>\n```",
    "> " * 100_000,
    "x" * 100_000,
    "\x00\x07\u202e\u2066\u2029\ufffc\ufdd0\ufdd1 \ud7ff",
    "```\n````\n~~~\n```python",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_loads_nothing(
    make_body: Make, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "picture.png"
    QImage(4, 4, QImage.Format.Format_RGB32).save(str(path))
    asked: list[str] = []
    monkeypatch.setattr(Page, "loadResource", lambda page, kind, name: asked.append(str(name)))
    body = loaded(make_body, text.replace("{path}", str(path)))
    for widget in body.segments:
        widget.grab()
        if isinstance(widget, Page):
            assert "<img" not in widget.document().toHtml()
    assert asked == []


def test_a_page_would_not_load_even_if_asked(make_body: Make, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    QImage(4, 4, QImage.Format.Format_RGB32).save(str(path))
    page = only(loaded(make_body, "text"))
    kind = QTextDocument.ResourceType.ImageResource
    found = page.document().resource(kind.value, QUrl.fromLocalFile(str(path)))
    assert not found


def test_a_link_is_told_and_not_opened(make_body: Make) -> None:
    body = loaded(make_body, "[x](https://example.com/a?b=c)")
    told: list[str] = []
    body.link_activated.connect(told.append)
    page = only(body)
    page.anchorClicked.emit(QUrl("https://example.com/a?b=c"))
    assert told == ["https://example.com/a?b=c"]
    assert page.document().toPlainText() == "x"


def test_copied_lists_have_their_markers(make_body: Make) -> None:
    page = only(loaded(make_body, "before\n\n3. three\n   - in 🙂 `x`\n   - [x] done\n"))
    page.selectAll()
    assert page.selected_text() == "before\n3. three\n  - in 🙂 x\n  - [x] done"


def test_a_selection_inside_an_item_has_no_marker(make_body: Make) -> None:
    page = only(loaded(make_body, "- 🙂 smile\n"))
    # The smiley takes two of Qt's positions.
    page.select(4, 8)
    assert page.selected_text() == "mile"


def test_a_drag_selects_across_segments(make_body: Make) -> None:
    body = loaded(make_body, "first text\n\n```\ncode\n```\n\nlast text\n")
    body.resize(614, body.fit(600))
    first, code, last = body.selectable
    cursor = first.textCursor()
    cursor.setPosition(6)
    first.setTextCursor(cursor)
    inside = last.cursorRect(QTextCursor(last.document())).center()
    first.dragged.emit(last.viewport().mapToGlobal(QPoint(inside.x() + 300, inside.y())))
    assert body.selected_text() == "text\n\ncode\n\nlast text"
    first.dragged.emit(first.viewport().mapToGlobal(QPoint(5, 5)))
    assert not code.has_selection()
    assert not last.has_selection()
