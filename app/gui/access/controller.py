"""Between the dialog “Network and access” and the services."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.domain.errors import AppError, KeyringUnusable
from app.domain.settings import Settings
from app.flow.tasks import TaskOwner
from app.gui.access import words
from app.gui.present.presenter import Presenter
from app.gui.window import MainWindow
from app.services import Services

if TYPE_CHECKING:
    from app.gui.access.dialog import AccessDialog


class AccessController(QObject):
    """Opens the dialog, and does at once what is changed there."""

    changed = Signal()
    """The hub is reached in another way, or with another token: what it refused may work now."""

    def __init__(
        self, services: Services, window: MainWindow, presenter: Presenter, tasks: TaskOwner
    ) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        self._presenter = presenter
        self._tasks = tasks
        self._dialog: AccessDialog | None = None
        # One change after the other, as they were made.
        self._turn = asyncio.Lock()

    def show(self) -> None:
        """Open the dialog, or bring it forward."""
        if self._dialog is None:
            self._dialog = self._make()
        self._dialog.bring_forward()

    def ask_token(self, reason: str = "") -> None:
        """The same, at the field for a token; `reason` is a sentence that tells why."""
        self.show()
        if self._dialog is not None:
            self._dialog.ask_token(reason)

    def close(self) -> None:
        """Close the dialog, if it is open."""
        if self._dialog is not None:
            self._dialog.close()

    def _make(self) -> AccessDialog:
        # Imported when it is wanted: few starts need it.
        from app.gui.access.dialog import AccessDialog

        dialog = AccessDialog(self._window, self._window.theme)
        dialog.show_settings(self._services.settings.current)
        dialog.account.page_wished.connect(self._presenter.ask_link)
        dialog.account.sign_in_wished.connect(
            lambda token, for_session: self._spawn(self._sign_in(dialog, token, for_session))
        )
        dialog.account.sign_out_wished.connect(lambda: self._spawn(self._sign_out(dialog)))
        dialog.changed.connect(lambda: self._apply(dialog))
        dialog.finished.connect(lambda: self._on_closed(dialog))
        dialog.try_wished.connect(lambda: self._spawn(self._try_out(dialog)))
        self._spawn(self._look(dialog))
        return dialog

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.spawn(work, "access")

    def _on_closed(self, dialog: AccessDialog) -> None:
        if dialog is self._dialog:
            # What was written last was told when its field lost the focus.
            self._dialog = None

    def _is_open(self, dialog: AccessDialog) -> bool:
        return dialog is self._dialog

    async def _look(self, dialog: AccessDialog) -> None:
        try:
            access = await self._services.access.look()
        except AppError as error:
            if self._is_open(dialog):
                dialog.show_problem(words.told(error))
            return
        if self._is_open(dialog):
            dialog.show_access(access)

    # ------------------------------------------------------------------------------- settings

    def _apply(self, dialog: AccessDialog) -> None:
        current = self._services.settings.current
        wished = dialog.applied(current)
        if wished != current:
            self._spawn(self._change(dialog, wished))
        elif self._is_open(dialog):
            dialog.show_problem("")

    async def _change(self, dialog: AccessDialog, wished: Settings) -> None:
        async with self._turn:
            try:
                await self._services.access.change(wished)
            except AppError as error:
                if self._is_open(dialog):
                    dialog.show_problem(words.told(error))
                else:
                    self._presenter.trouble(error)
                return
        self.changed.emit()
        if self._is_open(dialog):
            dialog.show_problem("")
            dialog.show_answer("")
            await self._look(dialog)

    async def _try_out(self, dialog: AccessDialog) -> None:
        dialog.show_answer(words.CHECKING, "muted")
        async with self._turn:
            try:
                account = await self._services.access.try_out()
                text, tone = words.answered(await self._services.access.look(), account), "success"
            except AppError as error:
                text, tone = words.told(error), "danger"
        if self._is_open(dialog):
            dialog.show_answer(text, tone)

    # ------------------------------------------------------------------------------- the token

    async def _sign_in(self, dialog: AccessDialog, token: str, for_session: bool) -> None:
        dialog.account.show_answer(words.CHECKING, "muted")
        try:
            account = await self._services.access.sign_in(token, for_session=for_session)
        except AppError as error:
            if self._is_open(dialog):
                text = words.told(error)
                if isinstance(error, KeyringUnusable):
                    text = f"{text}\n{words.NO_KEYRING}"
                dialog.account.show_answer(text, "danger")
            return
        self.changed.emit()
        if self._is_open(dialog):
            dialog.account.show_answer(words.signed_in(account), "success")
            dialog.account.done()
            await self._look(dialog)

    async def _sign_out(self, dialog: AccessDialog) -> None:
        text = ""
        try:
            await self._services.access.sign_out()
        except AppError as error:
            text = words.told(error)
        self.changed.emit()
        if self._is_open(dialog):
            dialog.account.show_answer(text, "danger" if text else "")
            await self._look(dialog)
