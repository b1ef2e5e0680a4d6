"""How the rows of the library are painted."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle

from app.domain.fit import Verdict
from app.domain.library import LibraryEntry, RefusedFile
from app.gui import fit_words
from app.gui.library.arrange import Heading
from app.gui.library.rows import CHOSEN_ROLE, FIT_ROLE, LOADED_ROLE, ROW_ROLE
from app.gui.library.words import badges, facts_line, file_name, refused_line, used_text
from app.gui.row_delegate import RowDelegate, small_font
from app.gui.theme.keeper import ThemeKeeper
from app.gui.theme.tokens import SPACE_1, SPACE_2, SPACE_3, SPACE_4
from app.gui.wording import size_text

if TYPE_CHECKING:
    from PySide6.QtWidgets import QStyleOptionViewItem

Index = QModelIndex | QPersistentModelIndex

_STAR = 14
_SIGN = 9
_NAME_LEAST = 140
"""Logical pixels of the name, before badges take from its room."""
_FIT_TOKENS = {Verdict.FITS: "success", Verdict.TIGHT: "accent", Verdict.TOO_LARGE: "danger"}
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class LibraryDelegate(RowDelegate):
    """A star; name, badges and whether it fits; what is known of it, and when it was used."""

    star_clicked = Signal(str)
    """The path of the entry."""

    def __init__(self, theme: ThemeKeeper, parent: QObject | None = None) -> None:
        super().__init__(theme, parent)
        self._warning = theme.icon("triangle-alert", "danger")
        self._sizes: dict[int, tuple[QSize, QSize]] = {}
        """By the height of the font: of an entry, and of a heading."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        # Asked for each of thousands of rows whenever the list changes.
        height = option.fontMetrics.height()
        if height not in self._sizes:
            small = QFontMetrics(small_font(option.font)).height()
            entry = QSize(80, height + small + SPACE_1 + 2 * SPACE_2 + 2)
            self._sizes[height] = entry, QSize(80, small + SPACE_4 + SPACE_2)
        return self._sizes[height][isinstance(index.data(ROW_ROLE), Heading)]

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = index.data(ROW_ROLE)
        painter.save()
        if isinstance(row, Heading):
            self._paint_heading(painter, option, row)
        else:
            inner = self.paint_ground(painter, option).adjusted(_STAR + SPACE_2, 0, 0, 0)
            small = small_font(option.font)
            height = QFontMetrics(option.font).height()
            first = QRect(inner.left(), inner.top() + SPACE_2, inner.width(), height)
            second = QRect(first)
            second.setTop(first.bottom() + 1 + SPACE_1)
            second.setHeight(QFontMetrics(small).height())
            if isinstance(row, RefusedFile):
                self._paint_refused(painter, option, row, first, second)
            else:
                self._paint_entry(painter, option, index, first, second)
        painter.restore()

    # --------------------------------------------------------------------------- kinds of row

    def _paint_heading(
        self, painter: QPainter, option: QStyleOptionViewItem, heading: Heading
    ) -> None:
        rect: QRect = option.rect
        box = rect.adjusted(SPACE_2 + SPACE_3, SPACE_3, -SPACE_4, 0)
        painter.setFont(small_font(option.font))
        size = f" · {size_text(heading.size_bytes)}" if heading.size_bytes else ""
        self._text(painter, box, f"{heading.title} · {heading.count:,}{size}", "muted")

    def _paint_refused(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        file: RefusedFile,
        first: QRect,
        second: QRect,
    ) -> None:
        self._warning.paint(painter, _star_box(option.rect))
        small = small_font(option.font)
        painter.setFont(small)
        first.setRight(self._at_right(painter, first, file.refusal.value, "danger"))
        painter.setFont(option.font)
        self._text(painter, first, file_name(file.path), "text")
        painter.setFont(small)
        self._text(painter, second, refused_line(file), "muted")

    def _paint_entry(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: Index,
        first: QRect,
        second: QRect,
    ) -> None:
        entry: LibraryEntry = index.data(ROW_ROLE)
        small = small_font(option.font)
        self._paint_star(painter, option, entry)
        painter.setFont(small)
        fit = index.data(FIT_ROLE)
        if index.data(LOADED_ROLE):
            first.setRight(self._paint_loaded(painter, first))
        elif fit is not None:
            words = fit_words.badge(fit)
            first.setRight(self._at_right(painter, first, words, _FIT_TOKENS[fit.verdict]))
        bold = QFont(option.font)
        bold.setWeight(QFont.Weight.DemiBold)
        chips = self._fitting(badges(entry), small, first, QFontMetrics(bold), entry.name)
        room = first.adjusted(0, 0, -sum(width for _, width in chips), 0)
        painter.setFont(bold)
        token = "accent" if index.data(CHOSEN_ROLE) else "text"
        used = self._text(painter, room, entry.name, token)
        self._paint_chips(painter, chips, small, first, room.left() + used + SPACE_2)
        painter.setFont(small)
        when = used_text(entry.last_used, datetime.now().astimezone())
        second.setRight(self._at_right(painter, second, when, "muted"))
        self._text(painter, second, facts_line(entry), "muted")

    # --------------------------------------------------------------------------------- pieces

    def _paint_star(
        self, painter: QPainter, option: QStyleOptionViewItem, entry: LibraryEntry
    ) -> None:
        state: Any = option.state
        active = QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_Selected
        if not entry.is_favourite and not state & active:
            return
        colour = QColor(self._theme.tokens.accent if entry.is_favourite else "")
        muted = QColor(self._theme.tokens.muted)
        painter.setPen(QPen(colour if entry.is_favourite else muted, 1.2))
        painter.setBrush(colour if entry.is_favourite else Qt.BrushStyle.NoBrush)
        painter.drawPolygon(_star(QRectF(_star_box(option.rect))))

    def _paint_loaded(self, painter: QPainter, box: QRect) -> int:
        left = self._at_right(painter, box, "in memory", "success")
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.tokens.success))
        middle = box.top() + box.height() / 2
        # Nearer to its words than what else stands before them.
        centre = QPointF(left + SPACE_3 - SPACE_1 - _SIGN / 2, middle + 0.5)
        painter.drawEllipse(centre, _SIGN / 2 - 1, _SIGN / 2 - 1)
        return left - _SIGN

    def _fitting(
        self, words: tuple[str, ...], small: QFont, box: QRect, name: QFontMetrics, title: str
    ) -> list[tuple[str, int]]:
        """As many badges as there is room for beside the name, each with the width it takes."""
        metrics = QFontMetrics(small)
        room = box.width() - min(name.horizontalAdvance(title), max(_NAME_LEAST, box.width() // 2))
        chips: list[tuple[str, int]] = []
        for word in words:
            width = metrics.horizontalAdvance(word) + 2 * SPACE_2 + SPACE_1
            if width + SPACE_3 > room:
                break
            room -= width
            chips.append((word, width))
        return chips

    def _paint_chips(
        self, painter: QPainter, chips: list[tuple[str, int]], small: QFont, box: QRect, left: int
    ) -> None:
        painter.setFont(small)
        tokens = self._theme.tokens
        height = QFontMetrics(small).height()
        top = box.center().y() - height // 2
        for word, width in chips:
            chip = QRectF(left + 0.5, top + 0.5, width - SPACE_1 - 1, height)
            painter.setPen(QPen(QColor(tokens.line), 1))
            painter.setBrush(QColor(tokens.surface))
            painter.drawRoundedRect(chip, height / 2, height / 2)
            painter.setPen(QColor(tokens.muted))
            painter.drawText(chip, int(Qt.AlignmentFlag.AlignCenter), word)
            left += width

    def _at_right(self, painter: QPainter, box: QRect, text: str, token: str) -> int:
        """At the right end; where the room for the rest ends."""
        if not text:
            return box.right()
        painter.setPen(QColor(getattr(self._theme.tokens, token)))
        painter.drawText(box, int(_RIGHT), text)
        return box.right() - painter.fontMetrics().horizontalAdvance(text) - SPACE_3

    def _text(self, painter: QPainter, box: QRect, text: str, token: str) -> int:
        """On one line at the left, with an ellipsis where it ends; its width."""
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        painter.setPen(QColor(getattr(self._theme.tokens, token)))
        painter.drawText(box, int(_LEFT), shown)
        return metrics.horizontalAdvance(shown)

    # ---------------------------------------------------------------------------------- mouse

    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: Index,
    ) -> bool:
        row = index.data(ROW_ROLE)
        if (
            event.type() == QEvent.Type.MouseButtonRelease
            and isinstance(event, QMouseEvent)
            and event.button() == Qt.MouseButton.LeftButton
            and isinstance(row, LibraryEntry)
            and _star_box(option.rect).adjusted(-6, -8, 6, 8).contains(event.position().toPoint())
        ):
            self.star_clicked.emit(row.path)
            return True
        return super().editorEvent(event, model, option, index)


def _star_box(rect: QRect) -> QRect:
    return QRect(rect.left() + SPACE_2 + SPACE_2, rect.top() + SPACE_2 + 4, _STAR, _STAR)


def _star(box: QRectF) -> QPolygonF:
    centre, outer = box.center(), box.width() / 2
    points: list[QPointF] = []
    for number in range(10):
        reach = outer if number % 2 == 0 else outer * 0.45
        angle = math.pi * number / 5 - math.pi / 2
        points.append(centre + QPointF(reach * math.cos(angle), reach * math.sin(angle)))
    return QPolygonF(points)
