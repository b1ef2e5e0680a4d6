"""The page of a repository: what it is, its variants, and its card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.domain.hub import Access
from app.gui.controls import Sign, icon_button, label, named, styled, text_button
from app.gui.discover import words
from app.gui.discover.card import CardView
from app.gui.discover.trouble import TroubleNote
from app.gui.discover.variants import VariantList
from app.gui.flow_layout import FlowLayout
from app.gui.theme.tokens import READING_WIDTH, SPACE_1, SPACE_2, SPACE_3, SPACE_4, SPACE_6

if TYPE_CHECKING:
    from datetime import datetime

    from app.domain.errors import AppError
    from app.domain.hub import RepoDetails
    from app.gui.theme.keeper import ThemeKeeper


class RepoPage(QWidget):
    """Shows what it is given and says what is wished for."""

    back_wished = Signal()
    again_wished = Signal()
    """The repository is to be asked for again."""
    browse_wished = Signal(str)
    """The page of this repository in a web browser; empty: of this one."""
    link_activated = Signal(str)
    token_wished = Signal(str)
    library_wished = Signal()
    network_wished = Signal()

    def __init__(self, theme: ThemeKeeper, closer: QWidget) -> None:
        """`closer`: what stands below the variant that is looked at."""
        super().__init__()
        named(self, "Repository")
        self._theme = theme
        self.back = text_button(" Back", "Back", kind="quiet")
        self.back.setIcon(theme.icon("arrow-left", "muted"))
        self.browse = icon_button(
            theme, "external-link", "Open in a web browser", "Its page in your web browser"
        )
        self.title = label(wrap=True, size=1.35)
        self.title.setObjectName("Repository name")
        self._make_bold(self.title)
        self.author = label(tone="muted")
        self.terms = label(tone="muted", wrap=True)
        self.terms.setObjectName("Terms")
        self.tags = label(tone="muted", wrap=True, size=0.92)
        self.tags.setObjectName("Tags")
        self.bases = FlowLayout(spacing=SPACE_1)
        self.gate = self._make_gate()
        self.trouble = TroubleNote(theme)
        self.variants = VariantList(theme, closer)
        self.incomplete = label(tone="muted", wrap=True, size=0.92)
        self.no_variants = label(wrap=True)
        self.card = CardView(theme)
        self.card_sentence = label(tone="muted", wrap=True)
        self.card_sentence.setObjectName("Card sentence")
        self._lay_out()
        self._wire()

    @staticmethod
    def _make_bold(words_: QWidget) -> None:
        font = words_.font()
        font.setWeight(font.Weight.DemiBold)
        words_.setFont(font)

    def _make_gate(self) -> QFrame:
        gate = styled(named(QFrame(), "Access on request"), ground="card")
        sentence = label(
            "Its owner wants to be asked: sign in on its page, accept the terms, and give "
            "Lamplight an access token of your account.",
            wrap=True,
        )
        self.request = text_button("Request access", kind="primary")
        self.token = text_button("Give an access token…", "Give an access token")
        buttons = FlowLayout(spacing=SPACE_2)
        buttons.addWidget(self.request)
        buttons.addWidget(self.token)
        row = QHBoxLayout(gate)
        row.setContentsMargins(SPACE_4, SPACE_3, SPACE_4, SPACE_3)
        row.setSpacing(SPACE_3)
        row.addWidget(Sign(self._theme.icon("lock", "muted"), 18), 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(SPACE_2)
        column.addWidget(sentence)
        column.addLayout(buttons)
        row.addLayout(column, 1)
        return gate

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.back)
        top.addStretch()
        self._top = QWidget()
        self._top.setLayout(top)
        top.setContentsMargins(SPACE_2, SPACE_2, SPACE_2, 0)
        inside = QWidget()
        inside.setMaximumWidth(READING_WIDTH + 2 * SPACE_6)
        column = self._column = QVBoxLayout(inside)
        column.setContentsMargins(SPACE_6, SPACE_4, SPACE_6, SPACE_6)
        column.setSpacing(SPACE_2)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.browse, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(head)
        for widget in (self.author, self.terms):
            column.addWidget(widget)
        column.addLayout(self.bases)
        for widget in (self.tags, self.gate, self.trouble):
            column.addWidget(widget)
        column.addSpacing(SPACE_2)
        for widget in (self.no_variants, self.variants, self.incomplete):
            column.addWidget(widget)
        column.addSpacing(SPACE_3)
        self._about = label("About this model", size=1.12)
        self._make_bold(self._about)
        for widget in (self._about, self.card_sentence, self.card):
            column.addWidget(widget)
        column.addStretch()
        self._inside = inside
        self._lay_out_scroll(inside)

    def _lay_out_scroll(self, inside: QWidget) -> None:
        middle = QWidget()
        row = QHBoxLayout(middle)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(inside, 100)
        row.addStretch(1)
        self.view = QScrollArea()
        self.view.setWidgetResizable(True)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.setWidget(middle)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._top)
        column.addWidget(self.view, 1)

    def _wire(self) -> None:
        self.back.clicked.connect(self.back_wished)
        self.browse.clicked.connect(lambda: self.browse_wished.emit(""))
        self.request.clicked.connect(lambda: self.browse_wished.emit(""))
        self.token.clicked.connect(
            lambda: self.token_wished.emit(f"“{self.title.text()}” is given on request only.")
        )
        self.trouble.again_wished.connect(self.again_wished)
        self.trouble.page_wished.connect(lambda: self.browse_wished.emit(""))
        self.trouble.token_wished.connect(self.token_wished)
        self.trouble.library_wished.connect(self.library_wished)
        self.trouble.network_wished.connect(self.network_wished)
        self.card.link_activated.connect(self.link_activated)

    # ------------------------------------------------------------------------------- content

    def set_narrow(self, narrow: bool) -> None:
        """Whether it lies on top of the list, and needs a way back."""
        self._top.setVisible(narrow)
        side = SPACE_4 if narrow else SPACE_6
        self._column.setContentsMargins(side, SPACE_2 if narrow else SPACE_4, side, SPACE_6)

    def show_waiting(self, repo_id: str) -> None:
        """The hub is being asked about this one."""
        self._show_name(repo_id)
        self.terms.setText("Asking the hub about it…")
        self._show_parts(None)
        self.view.verticalScrollBar().setValue(0)

    def show_error(self, repo_id: str, error: AppError) -> None:
        """It cannot be shown, and why."""
        self._show_name(repo_id)
        self.terms.setText("")
        self._show_parts(None)
        self.trouble.show_error(error, has_page=True)

    def show_details(self, details: RepoDetails, now: datetime) -> None:
        """What the hub said of it; its card comes later."""
        repo = details.summary
        self._show_name(repo.repo_id)
        self.terms.setText(words.terms(details, now))
        self.tags.setText(words.tags_text(details))
        self._show_bases(details.base_models)
        self.gate.setVisible(repo.access is Access.ON_REQUEST)
        self.variants.show_variants(details)
        self.incomplete.setText(words.incomplete_text(details.incomplete))
        self.no_variants.setText(
            "" if details.variants else "There is no file in it that Lamplight can use."
        )
        self._show_parts(details)
        self.show_card("", "Reading its card…")

    def show_card(self, text: str, sentence: str = "") -> None:
        """Its card in Markdown, and a sentence above it (or in its stead)."""
        self._about.setVisible(bool(text or sentence))
        self.card_sentence.setText(sentence)
        self.card_sentence.setVisible(bool(sentence))
        self.card.show_text(text)
        self.card.setVisible(bool(text))

    def _show_name(self, repo_id: str) -> None:
        author, _, name = repo_id.rpartition("/")
        self.title.setText(name)
        self.author.setText(f"by {author}" if author else "")
        self.trouble.clear()

    def _show_parts(self, details: RepoDetails | None) -> None:
        """Those that have something to show."""
        for widget in (self.tags, self.incomplete, self.no_variants):
            widget.setVisible(details is not None and bool(widget.text()))
        self.variants.setVisible(details is not None and bool(details.variants))
        self.terms.setVisible(bool(self.terms.text()))
        if details is None:
            self.gate.hide()
            self._show_bases(())
            self.show_card("")

    def _show_bases(self, bases: tuple[str, ...]) -> None:
        while (item := self.bases.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for number, base in enumerate(bases[:3]):
            if not number:
                self.bases.addWidget(label("Made from", tone="muted"))
            button = text_button(base, f"Open {base} in a web browser", kind="link")
            button.clicked.connect(lambda _=False, base=base: self.browse_wished.emit(base))
            self.bases.addWidget(button)
