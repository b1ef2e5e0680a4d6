"""Between the downloads and what the window shows of them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from app.domain.errors import ConfigError
from app.domain.facts import Fact, TransfersChanged
from app.domain.settings import HubSettings
from app.domain.transfer import Transfer, TransferPhase
from app.flow.tasks import TaskOwner
from app.gui.controls import label, text_button
from app.gui.downloads.glance import Glance
from app.gui.downloads.notifier import Notifier
from app.gui.downloads.page import DownloadsPage
from app.gui.downloads.row import Wish
from app.gui.downloads.words import (
    badge_text,
    fraction_of,
    glance_text,
    is_going,
    is_pending,
    lost_text,
    short_title,
)
from app.gui.pages import DOWNLOADS, MODELS, Badge, Page
from app.gui.present.dialogs import Dialog
from app.gui.window import MainWindow
from app.services import Services

_MUCH = 100_000_000
"""Bytes; to throw away more than this is asked about first."""


def open_folder(path: str) -> bool:
    """Show a folder with the system's own program; False where there is none."""
    return QDesktopServices.openUrl(QUrl.fromLocalFile(path))


class DownloadsController(QObject):
    """Shows every change, does what is wished for, and tells how a download has ended."""

    use_wished = Signal(str)
    """The path of a model that has come."""

    def __init__(
        self,
        services: Services,
        window: MainWindow,
        tasks: TaskOwner,
    ) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        self._presenter = window.presenter
        self._tasks = tasks
        self.show_folder: Callable[[str], bool] = open_folder
        self._transfers: tuple[Transfer, ...] = ()
        self._ended: dict[str, TransferPhase] = {}
        """How those that do not go on by themselves any more came to that."""
        self._unseen: set[str] = set()
        """Those of them that nobody has seen on the page."""
        self.page = DownloadsPage(window.theme)
        self.glance = Glance(window.theme)
        self._notifier = Notifier(window)
        self._wire()

    def _wire(self) -> None:
        page, pages = self.page, self._window.pages
        page.browse_wished.connect(lambda: pages.go(MODELS))
        page.limits.changed.connect(self._set_limits)
        page.list.clear_wished.connect(self._clear)
        page.list.moved.connect(self._move)
        page.list.wished.connect(self._on_wish)
        page.pause_all_wished.connect(lambda: self._do(self._services.transfers.pause_all()))
        page.resume_all_wished.connect(lambda: self._do(self._services.transfers.resume_all()))
        pages.changed.connect(self._on_page)
        self.glance.clicked.connect(lambda: pages.go(DOWNLOADS))
        self._notifier.pressed.connect(self._window.come_forward)

    def show_now(self) -> None:
        """Show what there is."""
        self._hear(self._services.transfers.transfers)
        self.page.empty.browse.setVisible(self._window.pages.has(MODELS))

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        if isinstance(fact, TransfersChanged):
            self._hear(fact.transfers)

    # ------------------------------------------------------------------------------- showing

    def _show(self) -> None:
        if self._is_seen():
            self.page.show_transfers(self._transfers)
        going = [each for each in self._transfers if is_going(each)]
        # Whole percents: what cannot be seen is not painted.
        fraction = int(fraction_of(going) * 100) / 100
        self.glance.show_progress(glance_text(self._transfers), fraction)
        self._show_badge(len(going), fraction)

    def _show_badge(self, going: int, fraction: float) -> None:
        failed = sum(self._ended[each] is not TransferPhase.FINISHED for each in self._unseen)
        words = badge_text(going, len(self._unseen) - failed, failed)
        badge = Badge(words, going, fraction if going else None, failed > 0) if words else None
        self._window.pages.set_badge(DOWNLOADS, badge)

    def _is_seen(self) -> bool:
        return self._window.pages.shown == DOWNLOADS

    def _on_page(self, page: Page) -> None:
        if page is self.page:
            self._unseen.clear()
            self.page.limits.show_settings(self._services.settings.current.hub)
            self._show()

    def _hear(self, transfers: tuple[Transfer, ...]) -> None:
        known, ended = {each.transfer_id for each in self._transfers}, self._ended
        self._transfers, self._ended = transfers, _ended(transfers)
        news = self._ended.items() - ended.items()
        self._unseen &= self._ended.keys()
        for transfer in transfers:
            if (transfer.transfer_id, transfer.phase) in news:
                self._on_end(transfer, told=transfer.transfer_id in known)
        self._show()

    def _on_end(self, transfer: Transfer, *, told: bool) -> None:
        if not self._is_seen():
            self._unseen.add(transfer.transfer_id)
        # One that failed in an earlier run is marked, but is no news.
        if told or transfer.phase is TransferPhase.FINISHED:
            self._tell_end(transfer)

    def _tell_end(self, transfer: Transfer) -> None:
        title = short_title(transfer)
        if transfer.phase is TransferPhase.FINISHED:
            self._presenter.toast(f"“{title}” is ready.", Wish.USE, lambda: self._use(transfer))
            self._notifier.tell("Download finished", f"“{title}” is ready to use.")
        elif not self._is_seen():
            self._presenter.toast(
                f"“{title}” has stopped.", "Show", lambda: self._window.pages.go(DOWNLOADS)
            )
            reason = transfer.error.title if transfer.error else ""
            self._notifier.tell("Download stopped", f"“{title}”: {reason}")

    # -------------------------------------------------------------------------------- wishes

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.spawn(work, "downloads")

    def _on_wish(self, transfer_id: str, wish: Wish) -> None:
        transfer = next((t for t in self._transfers if t.transfer_id == transfer_id), None)
        if transfer is None:
            return
        match wish:
            case Wish.PAUSE:
                self._do(self._services.transfers.pause(transfer_id))
            case Wish.RESUME | Wish.TRY_NOW | Wish.TRY_AGAIN:
                self._do(self._services.transfers.resume(transfer_id))
            case Wish.UP | Wish.DOWN:
                place = self._line().index(transfer_id)
                self._move(transfer_id, place + (1 if wish is Wish.DOWN else -1))
            case Wish.USE:
                self._use(transfer)
            case Wish.SHOW:
                self._show_in_folder(transfer)
            case Wish.REMOVE:
                self._remove(transfer)

    def _line(self) -> list[str]:
        """Those that are under way, in their order."""
        return [each.transfer_id for each in self._transfers if is_pending(each)]

    def _move(self, transfer_id: str, place: int) -> None:
        """To a place among those that are under way; the finished ones are in the list, too."""
        line = self._line()
        inside = transfer_id in line and 0 <= place < len(line)
        if not inside or line.index(transfer_id) == place:
            return
        line.remove(transfer_id)
        others = [t.transfer_id for t in self._transfers if t.transfer_id != transfer_id]
        before = others.index(line[place - 1]) if place else others.index(line[0]) - 1
        self._do(self._services.transfers.move(transfer_id, before + 1))

    def _use(self, transfer: Transfer) -> None:
        self.use_wished.emit(transfer.paths[0])

    def _show_in_folder(self, transfer: Transfer) -> None:
        if not self.show_folder(str(Path(transfer.paths[0]).parent)):
            self._presenter.toast("No program on this computer shows folders.", seconds=5)

    def _remove(self, transfer: Transfer) -> None:
        removal = self._services.transfers.remove
        if not is_pending(transfer) or transfer.done_bytes < _MUCH:
            self._do(removal(transfer.transfer_id))
            return
        dialog = removal_dialog(self._window, transfer)
        dialog.accepted.connect(lambda: self._do(removal(transfer.transfer_id)))
        dialog.open()

    def _clear(self) -> None:
        for transfer in self._transfers:
            if not is_pending(transfer):
                self._do(self._services.transfers.remove(transfer.transfer_id))

    def _set_limits(self, hub: HubSettings) -> None:
        settings = self._services.settings
        try:
            settings.change(replace(settings.current, hub=hub))
        except ConfigError as error:
            # It holds until the window closes; that it is not kept must be said.
            self._presenter.trouble(error)
        self._do(self._services.transfers.set_limits(hub))


def _ended(transfers: Sequence[Transfer]) -> dict[str, TransferPhase]:
    return {each.transfer_id: each.phase for each in transfers if _has_ended(each)}


def _has_ended(transfer: Transfer) -> bool:
    """Whether it is done, or something other than a person has stopped it."""
    if transfer.phase is TransferPhase.PAUSED:
        return transfer.error is not None
    return transfer.phase in (
        TransferPhase.FINISHED,
        TransferPhase.FAILED,
        TransferPhase.UNUSABLE,
    )


def removal_dialog(parent: MainWindow, transfer: Transfer) -> Dialog:
    """Ask before much is thrown away; `accepted` means: do."""
    dialog = Dialog(parent, "Remove this download?")
    dialog.setMinimumWidth(min(400, parent.width() - 48))
    dialog.column.addWidget(label(transfer.request.title, wrap=True))
    dialog.column.addWidget(label(lost_text(transfer), tone="muted", wrap=True))
    keep = text_button("Keep it")
    keep.clicked.connect(dialog.reject)
    go = text_button("Remove and delete", kind="primary")
    go.clicked.connect(dialog.accept)
    dialog.add_buttons([keep, go])
    # Enter must not delete by accident.
    keep.setDefault(True)
    keep.setFocus()
    return dialog
