"""How the chosen model comes into memory: one load at a time, for all who wait for it."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.errors import AppError, ModelFileError, StoreError
from app.domain.facts import ModelPhase, ModelState
from app.domain.generation import (
    Failed,
    Loaded,
    LoadedInfo,
    LoadEvent,
    LoadProgress,
    LoadRequest,
)
from app.domain.load_params import LoadParams
from app.domain.localmodel import LocalModel
from app.domain.ports import ConversationStore, Engine, ModelLibrary
from app.flow.tasks import TaskOwner
from app.services.chosen_model import ChosenModel
from app.services.fit import FitService
from app.services.load_guard import LoadGuard
from app.services.load_settings import LoadSettingsService

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Load:
    """A load that is not done. Confined to the event loop's thread."""

    request_id: str
    path: str
    wish: _Wish
    task: asyncio.Task[LoadedInfo | AppError | None] | None = None
    cancelled: bool = False
    superseded: bool = False
    """Cancelled for another way of loading the same: whoever waits for it is still to be served."""

    def serves(self, wish: _Wish, *, again: bool) -> bool:
        """Whether one who wishes that need not begin a load."""
        if self.cancelled:
            return False
        if again:
            return self.wish == wish
        return wish.context_length in (None, self.wish.context_length)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a load was asked for."""

    params: LoadParams
    """The model's settings."""
    context_length: int | None
    """The conversation's own; None leaves it to them."""

    @property
    def together(self) -> LoadParams:
        """The conversation's word counts."""
        if self.context_length is None:
            return self.params
        return replace(self.params, context_length=self.context_length)


class Loading:
    """Loads what is chosen in the way that its settings and the conversation wish."""

    def __init__(
        self,
        chosen: ChosenModel,
        engine: Engine,
        library: ModelLibrary,
        store: ConversationStore,
        load_settings: LoadSettingsService,
        fit: FitService,
        guard: LoadGuard,
        tasks: TaskOwner,
    ) -> None:
        self._chosen = chosen
        self._engine = engine
        self._library = library
        self._store = store
        self._load_settings = load_settings
        self._fit = fit
        self._guard = guard
        self._tasks = tasks
        self._current: _Load | None = None
        self._loaded_with: dict[str, _Wish] = {}
        self._numbers = itertools.count(1)

    @property
    def path(self) -> str | None:
        """What is being loaded now."""
        return self._current.path if self._current is not None else None

    async def load(
        self, model: LocalModel, context_length: int | None, *, again: bool
    ) -> LoadedInfo | None:
        """Have the chosen model ready; see `ModelService.load`."""
        yields = False
        while True:
            wish = _Wish(self._load_settings.effective(model.path), context_length)
            load = self._current
            if load is None:
                loaded = self._engine.loaded.get(model.path)
                if loaded is not None and not again and self._fits(loaded, context_length):
                    return loaded
                load = self._begin(model, wish)
            if load.path == model.path and load.serves(wish, again=again):
                assert load.task is not None
                info = _or_raise(await asyncio.shield(load.task))
                if info is not None or again or not load.superseded:
                    return info
            elif not await self._over(load, model, yields=yields):
                return None
            # Two that wish for different lengths must not supersede each other for ever.
            yields = True

    def _begin(self, model: LocalModel, wish: _Wish) -> _Load:
        load = self._current = _Load(f"load-{next(self._numbers)}", model.path, wish)
        load.task = self._tasks.spawn(self._run(load, model), load.request_id)
        return load

    async def _over(self, load: _Load, model: LocalModel, *, yields: bool) -> bool:
        """Wait until `load` is over, which stands in the way of another one of `model`; unless
        one `yields` to it, it is cancelled. False if there is nothing to load any more."""
        assert load.task is not None
        # Who comes after a cancel wants a load of his own.
        unwanted_before = load.cancelled and not load.superseded
        if not (yields or load.cancelled):
            self.cancel()
            load.superseded = True
        await asyncio.wait({load.task})
        if not self._chosen.is_at(model.path):
            return False
        return unwanted_before or load.superseded or not load.cancelled

    def cancel(self) -> None:
        """End a running load soon; nothing is loaded then."""
        if self._current is not None:
            self._current.cancelled = True
            self._current.superseded = False
            self._engine.cancel(self._current.request_id)

    def _fits(self, loaded: LoadedInfo, context_length: int | None) -> bool:
        wish = self._loaded_with.get(loaded.path)
        asked = wish.context_length if wish else None
        return context_length in (None, asked, loaded.context_length)

    def is_outdated(self, path: str) -> bool:
        """Whether it is loaded in another way than its settings say now."""
        wish = self._loaded_with.get(path)
        if wish is None or path not in self._engine.loaded:
            return False
        return wish.params != self._load_settings.effective(path)

    def was_automatic(self, path: str) -> bool:
        """Whether it is loaded with the context that its settings leave to Lamplight."""
        wish = self._loaded_with.get(path)
        return path in self._engine.loaded and wish is not None and not wish.together.context_length

    def at_rest(self, model: LocalModel) -> ModelState:
        """What is shown while nothing is done with it."""
        loaded = self._engine.loaded.get(model.path)
        if loaded is None:
            return ModelState(ModelPhase.CHOSEN, model)
        return ModelState(ModelPhase.READY, model, 1.0, loaded)

    async def _run(self, load: _Load, model: LocalModel) -> LoadedInfo | AppError | None:
        """The failure as a value: the waiters raise it, and there may be none."""
        self._chosen.show_for(model, ModelState(ModelPhase.LOADING, model))
        try:
            # The file may have changed or gone since it was listed; its header tells at once. The
            # devices are asked of the engine that will load it, which starts meanwhile.
            found, _ = await asyncio.gather(
                self._library.inspect(model.path), self._fit.look_at_devices()
            )
            model = model.read_again(found)
            wished = load.wish.together
            await self._load_settings.require_usable(model, wished)
            await self._fit.look_at_draft(wished)
            params = self._fit.fitted(model, wished)
            known = await self._known_hash(model)
            if not load.cancelled:
                needs = self._fit.needs(model, params)
                request = LoadRequest(load.request_id, model.path, params, needs, known)
                with self._guard.watching(model, params):
                    async for batch in self._engine.load(request):
                        ended = self._on_load_events(batch, model, load.wish)
                        if ended is not None:
                            return ended
        except AppError as error:
            self._chosen.show_for(model, ModelState(ModelPhase.FAILED, model, error=error))
            return error
        finally:
            self._current = None
        # One that was cancelled before it began has left in memory what was there.
        self._chosen.show_for(model, self.at_rest(model))
        return None

    def _on_load_events(
        self, batch: Sequence[LoadEvent], model: LocalModel, wish: _Wish
    ) -> LoadedInfo | None:
        for event in batch:
            match event:
                case LoadProgress(fraction):
                    self._chosen.show_for(model, ModelState(ModelPhase.LOADING, model, fraction))
                case Loaded(info):
                    self._loaded_with[model.path] = wish
                    self._chosen.show_for(model, ModelState(ModelPhase.READY, model, 1.0, info))
                    self._tasks.spawn(self._remember_hash(model), "model-hash")
                    return info
                case Failed(error):
                    raise error
                case _:
                    return None
        return None

    async def _known_hash(self, model: LocalModel) -> str:
        """The hash of a file that was hashed before; else empty."""
        try:
            known = await self._store.note_model_file(
                model.path, model.facts.file_bytes, model.mtime_ns
            )
        except StoreError:
            return ""
        return known or ""

    async def _remember_hash(self, model: LocalModel) -> None:
        """Runs name the file by its hash, which takes seconds for a large file: done beside."""
        size, mtime = model.facts.file_bytes, model.mtime_ns
        try:
            if await self._store.note_model_file(model.path, size, mtime) is None:
                digest = await self._library.sha256(model.path)
                await self._store.set_model_hash(model.path, size, mtime, digest)
        except (StoreError, ModelFileError) as error:
            log.info("the model's hash is not kept: %s", error.kind)


def _or_raise(result: LoadedInfo | AppError | None) -> LoadedInfo | None:
    if isinstance(result, AppError):
        raise result
    return result
