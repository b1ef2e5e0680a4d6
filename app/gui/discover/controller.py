"""Between the hub service and the list of what can be had."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.domain.errors import AppError, EngineError, UsageError
from app.domain.hub import RepoQuery, RepoSummary
from app.domain.quick_fit import (
    by_room,
    bytes_at_four_bits,
    graphics_bytes,
    most_parameters,
    parameters_of,
    quick_verdict,
)
from app.domain.repo_name import ModelName, OllamaName
from app.domain.variants import quantisation_in
from app.gui.discover import words
from app.gui.discover.filters import Wish, narrowed
from app.gui.discover.repo_controller import RepoController
from app.gui.discover.trouble import OFFLINE
from app.gui.wording import size_text

if TYPE_CHECKING:
    from app.domain.facts import Fact
    from app.domain.fit import Verdict
    from app.domain.placement import Room
    from app.flow.tasks import TaskOwner
    from app.gui.discover.panel import DiscoverPanel
    from app.gui.discover.words import FoundRow
    from app.gui.present.presenter import Presenter
    from app.services import Services

_MOST_PAGES = 4
"""Asked for at once, where what comes is all left out because it does not fit."""


class DiscoverController(QObject):
    """Owns what is under way: a request that is overtaken is cancelled.

    Nothing is asked of the network before a person types, asks for what is popular, or chooses.
    """

    chat_wished = Signal()
    """A model was chosen: on to the conversation."""
    library_wished = Signal()
    ollama_wished = Signal(str)
    """The address of a model of Ollama's was pasted."""
    network_wished = Signal()
    """How the hub is reached is to be looked at."""
    token_wished = Signal(str)
    """An access token is needed, and why."""

    def __init__(
        self,
        services: Services,
        panel: DiscoverPanel,
        presenter: Presenter,
        tasks: TaskOwner,
        path_of: Callable[[str], str | None],
    ) -> None:
        """`path_of` tells where a file of this SHA-256 lies on this computer, if anywhere."""
        super().__init__(panel)
        self._services = services
        self._panel = panel
        self._browser = panel.browser
        self._tasks = tasks
        self._asking: asyncio.Task[None] | None = None
        self._popular = False
        """The list of the hub is wished for without any words."""
        self._following: str | None = None
        self._wish = Wish(RepoQuery(), only_fitting=False)
        self.repo = RepoController(services, panel, presenter, tasks, path_of)
        self._wire()

    def _wire(self) -> None:
        browser, repo = self._browser, self.repo
        browser.chosen.connect(repo.open)
        browser.more_wished.connect(self._more)
        browser.popular_wished.connect(self._show_popular)
        browser.proposals_wished.connect(self.show_proposals)
        browser.search_wished.connect(self._search)
        browser.trouble.again_wished.connect(self.again)
        browser.trouble.library_wished.connect(self.library_wished)
        browser.trouble.network_wished.connect(self.network_wished)
        browser.trouble.token_wished.connect(self.token_wished)
        repo.opened.connect(browser.select)
        repo.chat_wished.connect(self.chat_wished)
        repo.library_wished.connect(self.library_wished)
        repo.network_wished.connect(self.network_wished)
        repo.token_wished.connect(self.token_wished)
        self._panel.shown.connect(self._on_shown)

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        self.repo.heard(fact)

    def again(self) -> None:
        """Ask anew for what could not be had: the network or the token may be another one."""
        if self._browser.trouble.error is not None:
            self._browser.trouble.clear()
            if self._following is not None:
                self._more()
            else:
                self._search()
        self.repo.again()

    def finish(self) -> None:
        """Ask nobody any more."""
        self._stop()
        self._browser.trouble.clear()
        self.repo.finish()

    # ----------------------------------------------------------------------------- proposals

    def _on_shown(self) -> None:
        if not self._services.fit.devices:
            self._tasks.spawn(self._look_at_devices(), "discover-devices")
        if self._is_at_rest():
            self.show_proposals()

    async def _look_at_devices(self) -> None:
        try:
            await self._services.fit.look_at_devices()
        except EngineError:
            # Then only the machine's own memory is compared with; a load tells what is wrong.
            return
        if self._is_at_rest():
            self.show_proposals()

    def _is_at_rest(self) -> bool:
        """Whether Lamplight's own list is what is wished for."""
        return not self._browser.text and not self._popular

    def show_proposals(self) -> None:
        """Lamplight's own list, which is known without a network."""
        self._stop()
        self._popular = False
        if self._browser.text:
            self._browser.field.clear()
            return
        room = self._services.fit.room()
        dated = self._services.hub.curated().dated
        self._browser.show_proposals(self._proposed(room), _proposals_sentence(room, dated))
        self._browser.select(self.repo.shown)

    def _proposed(self, room: Room) -> list[FoundRow]:
        repos = by_room(self._services.hub.curated().repos, room)
        verdicts = [quick_verdict(repo.size_bytes, room) for repo in repos]
        fits = bool(verdicts) and words.tone_of(verdicts[0]) == "success"
        return [
            words.proposed_row(repo, verdict, first=fits and not number)
            for number, (repo, verdict) in enumerate(zip(repos, verdicts, strict=True))
        ]

    # -------------------------------------------------------------------------------- search

    def _show_popular(self) -> None:
        self._popular = True
        self._search()

    def _search(self) -> None:
        text = self._browser.text
        if self._is_at_rest():
            self.show_proposals()
            return
        self._stop()
        self._following = None
        named = self._named_by_address(text)
        if isinstance(named, OllamaName):
            self._browser.field.clear()
            self.ollama_wished.emit(text)
            return
        if named is not None:
            self.repo.open(named.repo_id, named.quantisation or quantisation_in(named.path))
            text = named.repo_id
        self._wish = self._browser.filters.wish(text)
        self._browser.show_waiting("Asking the hub…")
        self._asking = self._tasks.spawn(self._find(self._wish), "search-hub")

    def _named_by_address(self, text: str) -> ModelName | None:
        """The model whose address was pasted; what has none is words to look for."""
        if "://" not in text and "." not in text.partition("/")[0]:
            return None
        try:
            return self._services.hub.read_name(text)
        except UsageError:
            return None

    async def _find(self, wish: Wish) -> None:
        try:
            rows = await self._rows(wish, None)
        except AppError as error:
            self._show_trouble(error)
            return
        sentence = "" if rows else f"Nothing was found for “{wish.query.text}”."
        if not wish.query.text:
            sentence = "Popular now." if rows else "Nothing was found."
        has_more = self._following is not None
        self._browser.show_found(rows, sentence, has_more=has_more)
        self._browser.select(self.repo.shown)

    def _more(self) -> None:
        if self._following is not None:
            self._asking = self._tasks.spawn(self._find_more(self._following), "search-more")

    async def _find_more(self, page: str) -> None:
        try:
            rows = await self._rows(self._wish, page)
        except AppError as error:
            # What is there stays, and the list goes on from here when it is asked again.
            self._following = page
            self._browser.trouble.show_error(error)
            return
        self._browser.found.add_rows(rows, has_more=self._following is not None)

    async def _rows(self, wish: Wish, page: str | None) -> list[FoundRow]:
        """Those of a part of the list; of the next ones too, where none of it fits."""
        room = self._services.fit.room()
        query = narrowed(wish, most_parameters(room))
        rows: list[FoundRow] = []
        for _ in range(_MOST_PAGES):
            found = await self._services.hub.search(query, page)
            page = self._following = found.next_page
            rows += _found_rows(found.repos, room, only_fitting=wish.only_fitting)
            if rows or page is None:
                break
        return rows

    def _show_trouble(self, error: AppError) -> None:
        """In the place of what it keeps away; without a network, with what is known without one."""
        self._following = None
        if isinstance(error, OFFLINE):
            room = self._services.fit.room()
            sentence = "What Lamplight knows without a network:"
            self._browser.show_found(self._proposed(room), sentence, has_more=False)
        else:
            self._browser.show_found((), "", has_more=False)
        self._browser.trouble.show_error(error)

    def _stop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None


def _found_rows(
    repos: tuple[RepoSummary, ...], room: Room, *, only_fitting: bool
) -> list[FoundRow]:
    now = datetime.now().astimezone()
    rows: list[FoundRow] = []
    for repo in repos:
        verdict = _verdict(repo, room)
        if not (only_fitting and verdict is not None and words.tone_of(verdict) == "danger"):
            rows.append(words.found_row(repo, verdict, now))
    return rows


def _verdict(repo: RepoSummary, room: Room) -> Verdict | None:
    """Whether it fits at about four bits; None where nobody says how large it is."""
    parameters = parameters_of(repo)
    return quick_verdict(bytes_at_four_bits(parameters), room) if parameters else None


def _proposals_sentence(room: Room, dated: date) -> str:
    free = f"{size_text(room.memory)} of memory"
    graphics = graphics_bytes(room)
    if graphics:
        free += f" and {size_text(graphics)} of graphics memory"
    return (
        f"The list of {dated:%B %Y} that comes with Lamplight, for this computer with {free} free."
    )
