"""One message of the transcript: who, what, and under an answer what it took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPainter
from PySide6.QtWidgets import QWidget

from app.domain.context_notes import shifted_sentence
from app.domain.conversation import MessageStatus
from app.domain.generation import PartKind, Role
from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4
from app.gui.transcript import clean, words
from app.gui.transcript.body import Body
from app.gui.transcript.codeblock import CodeBlock
from app.gui.transcript.footer import Footer
from app.gui.transcript.notices import ErrorCard, QuietLine, Waiting, plain_label, small_font
from app.gui.transcript.reasoning import Reasoning
from app.gui.transcript.styles import GUTTER

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from app.gui.transcript.highlight import HighlightQueue
    from app.gui.transcript.itemmodel import Entry
    from app.gui.transcript.styles import Styles

BUBBLE_SHARE = 0.86
"""Of the column: the widest bubble of a user's message."""
BUBBLE_RADIUS = 14
_PAD_X, _PAD_Y = SPACE_4, SPACE_1 + 2


class _Fits(Protocol):
    def fit(self, width: int) -> int: ...
    def setGeometry(self, x: int, y: int, width: int, height: int, /) -> None: ...


def _is_bubble(entry: Entry) -> bool:
    return entry.message.role is not Role.ASSISTANT


class MessageRow(QWidget):
    """A row. It stands `GUTTER` to the left of the column, for the numbers of lists."""

    copy_wished = Signal()
    link_activated = Signal(str)
    regenerate_requested = Signal(int)
    sibling_requested = Signal(int)
    resized = Signal()
    """Its height changed by itself."""
    pressed = Signal()
    """A selection may begin in this row."""

    def __init__(
        self,
        entry: Entry,
        looks: tuple[Styles, Styles],
        queue: HighlightQueue,
        parent: QWidget,
    ) -> None:
        """`looks`: the styles of text and of reasoning."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents, not _is_bubble(entry))
        self.entry = entry
        self.styles, self._quiet = looks
        self._queue = queue
        self._fitted: tuple[int, int] | None = None
        """Width and height, while both hold."""
        self._is_last = False
        self._is_hovered = False
        strong = small_font(self.styles, strong=True)
        name = clean.encodable(words.speaker(entry.message))
        self.header = plain_label(self, strong, self.styles.tokens.muted, text=name)
        self.reasoning: Reasoning | None = None
        self.body = Body(self.styles, queue, self, gutter=0 if self.is_bubble else GUTTER)
        self.body.copy_wished.connect(self.copy_wished)
        self.body.link_activated.connect(self.link_activated)
        self.body.pressed.connect(self.pressed)
        self.left_out: QuietLine | None = None
        self.shifted: QuietLine | None = None
        self.waiting: Waiting | None = None
        self.error: ErrorCard | None = None
        self.footer: Footer | None = None
        self._fill()

    @property
    def is_bubble(self) -> bool:
        """What a person wrote stands in a bubble, what a model wrote on the paper."""
        return _is_bubble(self.entry)

    @property
    def bodies(self) -> list[Body]:
        """Thoughts and text, where they are shown."""
        thoughts = self.reasoning.body if self.reasoning else None
        return [thoughts, self.body] if thoughts else [self.body]

    # -------------------------------------------------------------------------------- content

    def _fill(self) -> None:
        entry = self.entry
        if self.is_bubble:
            self.body.set_plain(entry.text)
        else:
            self._show_left_out()
            if entry.reasoning:
                self._add_reasoning()
            if entry.is_live:
                self.body.feed(entry.text)
                self._show_waiting()
            else:
                self.body.finish(entry.text)
                self._show_end()
        self._describe()

    def _add_reasoning(self) -> Reasoning:
        block = Reasoning(self._quiet, self._queue, self.entry, self)
        block.copy_wished.connect(self.copy_wished)
        block.folded.connect(self._on_folded)
        block.link_activated.connect(self.link_activated)
        block.pressed.connect(self.pressed)
        block.show()
        self.reasoning = block
        return block

    def _show_waiting(self) -> None:
        """Dots or progress as long as there is no word."""
        wanted = self.entry.is_live and not self.entry.text and not self.entry.reasoning
        if wanted and self.waiting is None:
            self.waiting = Waiting(self.styles, self)
            self.waiting.show()
        elif not wanted and self.waiting is not None:
            self.waiting.hide()
            self.waiting.deleteLater()
            self.waiting = None
        if self.waiting is not None:
            self.waiting.set_progress(self.entry.progress)

    def _show_left_out(self) -> None:
        """What the prompt was made without, above the answer."""
        sentence = words.left_out(self.entry.message.run, self.entry.left_out)
        if sentence and self.left_out is None:
            self.left_out = QuietLine(self.styles, self, "Left out", sentence)
            self.left_out.show()
            self._changed()

    def show_progress(self) -> None:
        """The entry's progress is another one."""
        self._show_left_out()
        self._show_waiting()

    def grow(self, kind: PartKind, text: str) -> None:
        """The entry has grown by this."""
        if kind is PartKind.REASONING:
            if self.reasoning is None:
                self._add_reasoning()
            else:
                self.reasoning.grow(text)
        else:
            if self.reasoning is not None and not self.body.pieces:
                self.reasoning.end()
            self.body.feed(text)
        self._show_waiting()
        if len(self.entry.text) <= words.LONGEST_DESCRIPTION + len(text):
            self._describe()
        self._changed()

    def end(self) -> None:
        """The entry has ended."""
        self._show_waiting()
        if self.reasoning is not None:
            self.reasoning.end()
        self.header.setText(clean.encodable(words.speaker(self.entry.message)))
        self.body.finish()
        self._show_end()
        self._describe()
        self._changed()

    def _show_end(self) -> None:
        message = self.entry.message
        run = message.run
        self._show_left_out()
        if run is not None and run.stats.shifted_tokens:
            sentence = shifted_sentence(run.stats.shifted_tokens)
            self.shifted = QuietLine(self.styles, self, "Dropped while writing", sentence)
            self.shifted.show()
        if message.status is MessageStatus.FAILED and run is not None:
            title = run.error_title or "The answer failed."
            self.error = ErrorCard(self.styles, self, title, run.error_detail, run.error_remedy)
            self.error.show()
        self.footer = Footer(self.styles, self)
        wordings = words.statistics_wordings(message.status, run)
        self.footer.set_statistics(*(clean.encodable(line) for line in wordings))
        self.footer.set_siblings(message.id, message.sibling_ids)
        self.footer.copy_requested.connect(self.copy_message)
        self.footer.regenerate_requested.connect(self._on_regenerate)
        self.footer.sibling_requested.connect(self.sibling_requested)
        self.footer.show()
        self._wake()

    def set_siblings(self) -> None:
        """The entry's siblings are others."""
        if self.footer is not None:
            message = self.entry.message
            self.footer.set_siblings(message.id, message.sibling_ids)

    def _describe(self) -> None:
        message = self.entry.message
        self.setObjectName(f"Message {message.id}")
        self.setAccessibleName(words.speaker(message))
        self.setAccessibleDescription(clean.encodable(words.description(message, self.entry.text)))

    def copy_message(self) -> None:
        """The whole message as it was written, on the clipboard."""
        QGuiApplication.clipboard().setText(clean.encodable(self.entry.text))

    def _on_regenerate(self) -> None:
        self.regenerate_requested.emit(self.entry.message.id)

    def _on_folded(self) -> None:
        self._changed()
        self.resized.emit()

    # ------------------------------------------------------------------------- keys, selection

    def tab_stops(self) -> list[QWidget]:
        """What Tab reaches, from top to bottom."""
        thoughts = self.reasoning
        stops: list[QWidget] = [thoughts.toggle] if thoughts else []
        for body in self.bodies:
            stops += [
                widget.copy_button if isinstance(widget, CodeBlock) else widget
                for widget in body.segments
            ]
        return stops + (self.footer.buttons if self.footer else [])

    def selected_text(self) -> str:
        """What is selected in this message."""
        texts = [body.selected_text() for body in self.bodies]
        return "\n\n".join(text for text in texts if text)

    def clear_selection(self) -> None:
        """Select nothing."""
        for body in self.bodies:
            body.clear_selection()

    # ---------------------------------------------------------------------------- wakefulness

    def set_last(self, last: bool) -> None:
        """The last answer always shows its actions."""
        self._is_last = last
        self._wake()

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Enter, QEvent.Type.Leave):
            self._is_hovered = event.type() == QEvent.Type.Enter
            self._wake()
        return super().event(event)

    def _wake(self) -> None:
        if self.footer is not None:
            self.footer.set_awake(self._is_last or self._is_hovered)

    # --------------------------------------------------------------------------------- layout

    def _changed(self) -> None:
        self._fitted = None

    def fit(self, width: int) -> int:
        """Place everything in a column of this width; the height, without space around it."""
        if self._fitted is None or self._fitted[0] != width:
            height = self._fit_bubble(width) if self.is_bubble else self._fit_answer(width)
            self._fitted = (width, height)
        return self._fitted[1]

    def _fit_header(self, left: int, width: int) -> int:
        height = self.header.sizeHint().height()
        self.header.setGeometry(GUTTER + left, 0, width, height)
        return height + SPACE_1

    def _fit_bubble(self, width: int) -> int:
        most = round(width * BUBBLE_SHARE) - 2 * _PAD_X
        self.body.fit(most)
        inner = min(most, max(self.body.ideal_width(), 24))
        height = self.body.fit(inner)
        left = GUTTER + width - inner - _PAD_X
        top = self._fit_header(0, width)
        self.header.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.body.setGeometry(left, top + _PAD_Y, inner, height)
        return top + height + 2 * _PAD_Y

    def _fit_answer(self, width: int) -> int:
        top = self._fit_header(0, width) + SPACE_1
        parts: list[tuple[_Fits | None, int, int]] = [
            (self.left_out, 0, SPACE_2),
            (self.reasoning, 0, SPACE_3),
            (self.body if self.body.pieces else None, GUTTER, SPACE_3),
            (self.waiting, 0, SPACE_3),
            (self.shifted, 0, SPACE_1),
            (self.error, 0, SPACE_2),
            (self.footer, 0, 0),
        ]
        for part, gutter, below in parts:
            if part is not None:
                height = part.fit(width)
                part.setGeometry(GUTTER - gutter, top, width + gutter, height)
                top += height + below
        return top - (0 if self.footer else SPACE_3)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.is_bubble:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.styles.tokens.user_bubble))
        bubble = self.body.geometry().adjusted(-_PAD_X, -_PAD_Y, _PAD_X, _PAD_Y)
        painter.drawRoundedRect(QRectF(bubble), BUBBLE_RADIUS, BUBBLE_RADIUS)
