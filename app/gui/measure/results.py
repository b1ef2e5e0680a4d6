"""What was measured: a table of depths, and a chart of how it changed over time."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.domain.benchmark import BenchRecord, DepthSpeed
from app.gui.controls import named, styled
from app.gui.theme.keeper import ThemeKeeper
from app.gui.wording import rate_text

_COLUMNS = ("Tokens before", "Prompt tok/s", "Answer tok/s")
_ROW_HEIGHT = 26


class SpeedTable(QTableWidget):
    """Depth by depth."""

    def __init__(self) -> None:
        super().__init__(0, len(_COLUMNS))
        named(self, "Speeds", "How fast prompts are read and answers are written")
        styled(self, kind="figures")
        self.setHorizontalHeaderLabels(list(_COLUMNS))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        for policy in (self.setVerticalScrollBarPolicy, self.setHorizontalScrollBarPolicy):
            policy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_speeds(self, speeds: Sequence[DepthSpeed]) -> None:
        """Show these rows."""
        self.setRowCount(len(speeds))
        for place, speed in enumerate(speeds):
            cells = (f"{speed.depth:,}", f"{speed.prompt_rate:.1f}", f"{speed.decode_rate:.1f}")
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(place, column, item)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        header = self.horizontalHeader().sizeHint().height()
        return QSize(320, header + _ROW_HEIGHT * self.rowCount() + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, self.sizeHint().height())


class HistoryChart(QWidget):
    """How fast answers were, from the oldest measurement to the newest."""

    def __init__(self, theme: ThemeKeeper) -> None:
        super().__init__()
        named(self, "Speed over time")
        self._theme = theme
        self._rates: list[float] = []
        self._shown = -1
        self.setFixedHeight(84)
        self.hide()

    def show_records(self, records: Sequence[BenchRecord], shown: BenchRecord | None) -> None:
        """Draw these (the last one first) and mark the one that is shown."""
        ordered = list(reversed(records))
        self._rates = [record.result.speeds[0].decode_rate for record in ordered]
        ids = [record.id for record in ordered]
        self._shown = ids.index(shown.id) if shown is not None and shown.id in ids else -1
        told = ", ".join(rate_text(rate) for rate in self._rates)
        self.setAccessibleDescription(f"Answers, from the oldest to the newest: {told}")
        self.setVisible(len(self._rates) > 1)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if len(self._rates) < 2:
            return
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        words = self.fontMetrics().height()
        area = QRectF(self.rect()).adjusted(6, words + 10, -6, -8)
        painter.setPen(QPen(QColor(tokens.line), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        most = max(self._rates)
        points = [
            QPointF(
                area.left() + area.width() * place / (len(self._rates) - 1),
                area.bottom() - area.height() * rate / most,
            )
            for place, rate in enumerate(self._rates)
        ]
        painter.setPen(QPen(QColor(tokens.accent), 2))
        painter.drawPolyline(points)
        for place, point in enumerate(points):
            self._paint_point(painter, point, is_shown=place == self._shown)
        painter.setPen(QColor(tokens.muted))
        painter.drawText(6, words - 2, f"Answers, up to {rate_text(most)}")

    def _paint_point(self, painter: QPainter, point: QPointF, *, is_shown: bool) -> None:
        tokens = self._theme.tokens
        painter.setPen(QPen(QColor(tokens.accent), 2))
        painter.setBrush(QColor(tokens.accent if is_shown else tokens.paper))
        size = 4.0 if is_shown else 3.0
        painter.drawEllipse(point, size, size)
