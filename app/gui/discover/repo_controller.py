"""Between the services and the page of a repository."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.domain.errors import AppError, EngineError, UsageError
from app.domain.facts import Fact, TransfersChanged
from app.domain.quick_fit import quick_verdict
from app.domain.transfer import Transfer, TransferPhase
from app.domain.variants import find_variant
from app.gui.discover.card_text import is_cut, readable
from app.gui.discover.variant_row import Holding

if TYPE_CHECKING:
    from app.domain.hub import RepoDetails, Variant
    from app.domain.localmodel import LocalModel
    from app.flow.tasks import TaskOwner
    from app.gui.discover.panel import DiscoverPanel
    from app.gui.present.presenter import Presenter
    from app.services import Services


class RepoController(QObject):
    """Shows a repository, looks into a variant, begins and steers its download."""

    opened = Signal(str)
    """The page of this repository is shown."""
    chat_wished = Signal()
    library_wished = Signal()
    network_wished = Signal()
    token_wished = Signal(str)

    def __init__(
        self,
        services: Services,
        panel: DiscoverPanel,
        presenter: Presenter,
        tasks: TaskOwner,
        path_of: Callable[[str], str | None],
    ) -> None:
        super().__init__(panel)
        self._services = services
        self._panel = panel
        self._page = panel.page
        self._presenter = presenter
        self._tasks = tasks
        self._path_of = path_of
        self._asking: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._details: RepoDetails | None = None
        self._looked: dict[tuple[str, str], LocalModel] = {}
        """What was read of variants, by commit and path."""
        self.shown = ""
        """The repository whose page is shown, or is to be."""
        self._quantisation = ""
        self._wire()

    def _wire(self) -> None:
        page, variants = self._page, self._page.variants
        page.again_wished.connect(self.again)
        page.browse_wished.connect(self._browse)
        page.link_activated.connect(self._presenter.ask_link)
        page.library_wished.connect(self.library_wished)
        page.network_wished.connect(self.network_wished)
        page.token_wished.connect(self.token_wished)
        variants.closer_wished.connect(self._look)
        variants.download_wished.connect(self._download)
        variants.use_wished.connect(lambda path: self._do(self._use(path)))
        transfers = self._services.transfers
        variants.pause_wished.connect(lambda each: self._do(transfers.pause(each)))
        variants.resume_wished.connect(lambda each: self._do(transfers.resume(each)))
        variants.cancel_wished.connect(lambda each: self._do(transfers.remove(each)))

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        if isinstance(fact, TransfersChanged):
            self._show_holdings()

    def finish(self) -> None:
        """Ask nobody any more."""
        self._stop()
        self._page.trouble.clear()

    # ------------------------------------------------------------------------------ the page

    def open(self, repo_id: str, quantisation: str = "") -> None:
        """Show the page of a repository, perhaps with one of its variants looked into."""
        self._panel.show_page()
        if repo_id == self.shown and self._details is not None and not quantisation:
            return
        self._stop()
        self.shown, self._quantisation, self._details = repo_id, quantisation, None
        self._page.show_waiting(repo_id)
        self.opened.emit(repo_id)
        self._asking = self._tasks.spawn(self._ask(repo_id), "repository")

    def again(self) -> None:
        """Ask anew for what could not be shown."""
        if self.shown and self._details is None:
            repo_id, self.shown = self.shown, ""
            self.open(repo_id, self._quantisation)

    async def _ask(self, repo_id: str) -> None:
        try:
            details = await self._services.hub.details(repo_id)
        except AppError as error:
            self._page.show_error(repo_id, error)
            return
        self._details = details
        self._page.show_details(details, datetime.now().astimezone())
        self._show_verdicts(details)
        self._show_holdings()
        wanted = self._quantisation and find_variant(details.variants, self._quantisation)
        if wanted:
            self._page.variants.open(wanted.path)
            self._look(wanted.path)
        await self._show_card(details)

    async def _show_card(self, details: RepoDetails) -> None:
        try:
            card = await self._services.hub.card(details)
        except AppError as error:
            self._page.show_card("", f"Its card cannot be read. {error.title}")
            return
        text = readable(card)
        sentence = "" if text else "It has no card."
        if is_cut(card):
            sentence = "This is the beginning of its card; all of it is on its page."
        self._page.show_card(text, sentence)

    def _show_verdicts(self, details: RepoDetails) -> None:
        room = self._services.fit.room()
        self._page.variants.show_verdicts(
            {
                variant.path: quick_verdict(sum(f.size_bytes for f in variant.files), room)
                for variant in details.variants
            }
        )

    def _browse(self, repo_id: str) -> None:
        try:
            self._presenter.ask_link(self._services.hub.page_address(repo_id or self.shown))
        except UsageError as error:
            self._presenter.trouble(error)

    # ------------------------------------------------------------------------ a closer look

    def _look(self, path: str) -> None:
        """Read a variant's header, which only a person's choice of it sets off."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        if path and self._details is not None:
            variant = self._variant(path)
            self._looking = self._tasks.spawn(self._look_into(self._details, variant), "look-into")

    async def _look_into(self, details: RepoDetails, variant: Variant) -> None:
        fit = self._services.fit
        self._panel.fit.show_waiting()
        known = (details.commit, variant.path)
        try:
            if known not in self._looked:
                self._looked[known] = await self._services.hub.look_into(details, variant)
        except AppError as error:
            self._panel.fit.show_unknown(f"{error.title} {error.remedy}".strip())
            return
        if not fit.devices:
            # Where that fails, only the machine's own memory is compared with.
            with contextlib.suppress(EngineError):
                await fit.look_at_devices()
        inputs = fit.inputs(self._looked[known])
        if inputs is None:
            self._panel.fit.show_unknown()
        else:
            self._panel.fit.show_inputs(inputs)

    # ---------------------------------------------------------------------------- downloads

    def _download(self, path: str) -> None:
        if self._details is not None:
            self._do(self._services.transfers.download(self._details, self._variant(path)))

    async def _use(self, path: str) -> None:
        await self._services.models.open_file(path)
        self.chat_wished.emit()
        await self._services.models.preload()

    def _show_holdings(self) -> None:
        if self._details is None:
            return
        transfers = self._services.transfers.transfers
        found = {
            variant.path: holding
            for variant in self._details.variants
            if (holding := self._holding(variant, transfers)) is not None
        }
        self._page.variants.show_holdings(found)

    def _holding(self, variant: Variant, transfers: tuple[Transfer, ...]) -> Holding | None:
        places = [self._path_of(file.sha256) if file.sha256 else None for file in variant.files]
        if places and None not in places:
            return Holding(path=places[0] or "")
        for transfer in transfers:
            if (
                transfer.request.repo_id == self.shown
                and variant.files[0] in transfer.request.files
            ):
                if transfer.phase is TransferPhase.FINISHED:
                    return Holding(path=transfer.paths[0])
                return Holding(transfer=transfer)
        return None

    def _variant(self, path: str) -> Variant:
        assert self._details is not None
        return next(variant for variant in self._details.variants if variant.path == path)

    def _do(self, work: Coroutine[Any, Any, Any]) -> None:
        self._tasks.spawn(work, "discover")

    def _stop(self) -> None:
        for task in (self._asking, self._looking):
            if task is not None:
                task.cancel()
        self._asking = self._looking = None
