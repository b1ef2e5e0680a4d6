"""Which model answers: known files, the chosen one, and what the engine has of them."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.errors import (
    AppError,
    ConfigError,
    FileMissing,
    LoadSettingsRefused,
    ModelFileError,
    NothingLoaded,
    StoreError,
)
from app.domain.facts import (
    Fact,
    LoadedModelsChanged,
    ModelPhase,
    ModelsChanged,
    ModelState,
    ModelStateChanged,
    Trouble,
)
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
from app.domain.ports import ConversationStore, Engine, LoadMark, ModelLibrary
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner
from app.services.fit import FitService
from app.services.known_models import KnownModels
from app.services.load_guard import LoadGuard
from app.services.load_settings import LoadSettingsService
from app.services.settings import SettingsService

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


class ModelService:
    """Chooses, loads and unloads; publishes `ModelStateChanged`, `ModelsChanged` and
    `LoadedModelsChanged`."""

    def __init__(
        self,
        engine: Engine,
        library: ModelLibrary,
        store: ConversationStore,
        settings: SettingsService,
        load_settings: LoadSettingsService,
        fit: FitService,
        facts: Broadcast[Fact],
        tasks: TaskOwner,
        mark: LoadMark | None = None,
    ) -> None:
        self._engine = engine
        self._library = library
        self._store = store
        self._settings = settings
        self._load_settings = load_settings
        self._fit = fit
        self._facts = facts
        self._tasks = tasks
        self._known = KnownModels(settings)
        self._models = self._known.models
        self._state = ModelState()
        self._loading: _Load | None = None
        self._loaded_with: dict[str, _Wish] = {}
        self._loaded: tuple[LoadedInfo, ...] = ()
        self._guard = LoadGuard(mark)
        self._numbers = itertools.count(1)
        engine.on_lost(self._engine_lost)
        engine.on_changed(self.look_again)

    @property
    def state(self) -> ModelState:
        """The chosen model and what the engine has of it."""
        return self._state

    @property
    def models(self) -> tuple[LocalModel, ...]:
        """What can be chosen: the starter model first, then the files that were opened, then what
        the library has found."""
        return tuple(self._models.values())

    @property
    def loaded(self) -> tuple[LoadedInfo, ...]:
        """All models that are in memory, the one used last at the end."""
        return tuple(self._engine.loaded.values())

    async def start(self) -> None:
        """Look for the starter model and the remembered files, and choose one."""
        starter = await self._library.starter()
        if starter is not None:
            self._models[starter.path] = starter
        library = self._settings.current.library
        # The chosen one may be of the library, which is looked through later.
        for path in dict.fromkeys((*library.model_files, library.chosen)):
            if not path or path in self._models:
                continue
            try:
                model = await self._library.inspect(path)
            except ModelFileError as error:
                # It stays remembered: its disk may only be unplugged.
                log.info("a remembered model cannot be offered: %s", error.kind)
                continue
            if path in library.model_files:
                self._known.open(model)
            else:
                self._models.setdefault(model.path, replace(model, read_only=True))
        await self._look_at_drafts()
        self._facts.publish(ModelsChanged())
        chosen = self._models.get(self._settings.current.library.chosen)
        chosen = chosen or next(iter(self._models.values()), None)
        if chosen is not None and self._state.model is None:
            self._show(ModelState(ModelPhase.CHOSEN, chosen))

    async def _look_at_drafts(self) -> None:
        """So that the list tells what the models take together with theirs."""
        for path in self._models:
            try:
                await self._fit.look_at_draft(self._load_settings.wished(path))
            except LoadSettingsRefused as error:
                # Whoever loads that model is told.
                log.info("a draft model cannot be used: %s", error.kind)

    async def open_file(self, path: str) -> LocalModel:
        """Read a file's header, remember the file and choose it; raises `ModelFileError` cases."""
        model = await self._library.inspect(path)
        model = self._known.open(model)
        self._facts.publish(ModelsChanged())
        await self.choose(model.path)
        return model

    async def offer(self, path: str, *, remember: bool = True) -> None:
        """Have a new file among those that can be chosen; raises `ModelFileError` cases.

        Without `remember` until the library looks again, which then has found it by itself.
        """
        model = await self._library.inspect(path)
        known = self._models.get(model.path)
        if known is not None:
            # In the place of a file that was there before.
            self._models[model.path] = known.read_again(model)
        elif remember:
            self._known.open(model)
        else:
            self._known.offer(model)
        self._facts.publish(ModelsChanged())
        self._remember(self._settings.current.library.chosen)

    def show_found(self, found: Sequence[LocalModel], elsewhere: Mapping[str, str]) -> None:
        """What the library has found takes the place of what it had found before.

        What was opened or has just come stays, and so does what is used just now. `elsewhere`:
        other paths of these models, under which they are not offered a second time, and their own.
        """
        chosen = self._state.model
        used = {info.path for info in self.loaded} | {chosen.path if chosen else ""}
        if not self._known.show_found(found, elsewhere, used):
            return
        self._facts.publish(ModelsChanged())
        if chosen is not None and self._models[chosen.path] != chosen:
            # The library knows it by another name.
            self._show(replace(self._state, model=self._models[chosen.path]))

    async def choose(self, path: str) -> None:
        """Make a known model the one that answers; it is loaded when it is first needed.

        Raises `FileMissing` where it is not known any more.
        """
        path = self._known.shown_as(path)
        model = self._models.get(path)
        if model is None:
            raise FileMissing(
                "This model is not in the list any more.",
                path,
                "Look for it on the page Models, or choose another one.",
            )
        self._guard.forgive(path)
        if self._state.model is not None and self._state.model.path == path:
            self._remember(path)
            return
        self.cancel_load()
        self._show(self._at_rest(model))
        self._remember(path)

    async def forget(self, path: str) -> None:
        """Take a file out of the list; the file stays where it is."""
        if not self._models[path].read_only:
            await self.drop(path)

    async def drop(self, path: str) -> None:
        """Offer a model no more, whose file goes; its memory is given back."""
        if not self._known.take_out(path):
            return
        self._facts.publish(ModelsChanged())
        chosen = self._settings.current.library.chosen
        await self.unload(path)
        if self._state.model is not None and self._state.model.path == path:
            following = next(iter(self._models.values()), None)
            phase = ModelPhase.CHOSEN if following else ModelPhase.NONE
            self._show(ModelState(phase, following))
            chosen = following.path if following else ""
        self._remember(chosen, forgotten=path)

    async def moved(self, paths: Mapping[str, str]) -> None:
        """The files of models lie elsewhere now: what is remembered of them goes along."""
        for path in self._models.keys() & paths.keys():
            await self.unload(path)
        self._known.move(paths)
        chosen = self._state.model
        if chosen is not None and chosen.path in paths:
            self._show(ModelState(ModelPhase.CHOSEN, self._models[paths[chosen.path]]))
        self._facts.publish(ModelsChanged())
        library = self._settings.current.library
        self._remember(paths.get(library.chosen, library.chosen))

    async def load(
        self, context_length: int | None = None, *, again: bool = False
    ) -> LoadedInfo | None:
        """Have the chosen model ready, with this context length if one is given.

        `again` loads it even if it is there, with the settings as they are now. None if the load
        was cancelled, or gave way to another one `again`. Raises `EngineError` and
        `ModelFileError` cases.
        """
        model = self._state.model
        if model is None:
            raise NothingLoaded(
                "No model is chosen",
                remedy="Open a model file (GGUF) from the model menu, then send again.",
            )
        yields = False
        while True:
            wish = _Wish(self._load_settings.effective(model.path), context_length)
            load = self._loading
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
        load = self._loading = _Load(f"load-{next(self._numbers)}", model.path, wish)
        load.task = self._tasks.spawn(self._load(load, model), load.request_id)
        return load

    async def _over(self, load: _Load, model: LocalModel, *, yields: bool) -> bool:
        """Wait until `load` is over, which stands in the way of another one of `model`; unless
        one `yields` to it, it is cancelled. False if there is nothing to load any more."""
        assert load.task is not None
        # Who comes after a cancel wants a load of his own.
        unwanted_before = load.cancelled and not load.superseded
        if not (yields or load.cancelled):
            self.cancel_load()
            load.superseded = True
        await asyncio.wait({load.task})
        chosen = self._state.model
        if chosen is None or chosen.path != model.path:
            return False
        return unwanted_before or load.superseded or not load.cancelled

    async def preload(self, *, at_start: bool = False) -> None:
        """Load the chosen model before the next question; a failure is only shown in the state.

        `at_start` of the application nobody has asked for it: one that crashed is left alone.
        """
        model = self._state.model
        if model is not None and at_start:
            refusal = self._guard.refusal_at_start(model)
            if refusal is not None:
                self._show(ModelState(ModelPhase.FAILED, model, error=refusal))
                return
        elif model is not None:
            self._guard.forgive(model.path)
        try:
            await self.load()
        except AppError as error:
            log.info("the chosen model could not be loaded: %s", error.kind)

    def _fits(self, loaded: LoadedInfo, context_length: int | None) -> bool:
        wish = self._loaded_with.get(loaded.path)
        asked = wish.context_length if wish else None
        return context_length in (None, asked, loaded.context_length)

    def is_outdated(self, path: str) -> bool:
        """Whether the model is loaded in another way than its settings say now."""
        wish = self._loaded_with.get(path)
        if wish is None or path not in self._engine.loaded:
            return False
        return wish.params != self._load_settings.effective(path)

    def loaded_automatically(self, path: str) -> bool:
        """Whether the model is loaded with the context that its settings leave to Lamplight."""
        wish = self._loaded_with.get(path)
        return path in self._engine.loaded and wish is not None and not wish.together.context_length

    def cancel_load(self) -> None:
        """End a running load soon; nothing is loaded then."""
        if self._loading is not None:
            self._loading.cancelled = True
            self._loading.superseded = False
            self._engine.cancel(self._loading.request_id)

    async def unload(self, path: str | None = None) -> None:
        """Give the memory of a model back, of the chosen one if none is named; it stays known."""
        chosen = self._state.model
        if path is None:
            if chosen is None:
                return
            path = chosen.path
        if self._loading is not None and self._loading.path == path:
            self.cancel_load()
        await self._engine.unload(path)
        if chosen is not None and chosen.path == path:
            self._show_for(chosen, ModelState(ModelPhase.CHOSEN, chosen))

    async def kept_bytes(self) -> int:
        """What is kept on disk of conversations, to go on with them without reading them again."""
        return await self._engine.kept_bytes()

    async def clear_kept(self) -> None:
        """Remove it; the conversations are read again when they go on. Raises `EngineError`."""
        await self._engine.forget(None)

    def look_again(self) -> None:
        """Show what the engine has now (it made room, or an answer failed and its host died)."""
        loaded = self.loaded
        if loaded != self._loaded:
            self._loaded = loaded
            self._facts.publish(LoadedModelsChanged(loaded))
        model = self._state.model
        gone = model is not None and model.path not in self._engine.loaded
        if gone and self._state.phase is ModelPhase.READY:
            self._show(ModelState(ModelPhase.CHOSEN, model))

    async def _load(self, load: _Load, model: LocalModel) -> LoadedInfo | AppError | None:
        """The failure as a value: the waiters raise it, and there may be none."""
        self._show(ModelState(ModelPhase.LOADING, model))
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
            self._show_for(model, ModelState(ModelPhase.FAILED, model, error=error))
            return error
        finally:
            self._loading = None
        # One that was cancelled before it began has left in memory what was there.
        self._show_for(model, self._at_rest(model))
        return None

    def _at_rest(self, model: LocalModel) -> ModelState:
        """While nothing is done with it."""
        loaded = self._engine.loaded.get(model.path)
        if loaded is None:
            return ModelState(ModelPhase.CHOSEN, model)
        return ModelState(ModelPhase.READY, model, 1.0, loaded)

    def _on_load_events(
        self, batch: Sequence[LoadEvent], model: LocalModel, wish: _Wish
    ) -> LoadedInfo | None:
        for event in batch:
            match event:
                case LoadProgress(fraction):
                    self._show_for(model, ModelState(ModelPhase.LOADING, model, fraction))
                case Loaded(info):
                    self._loaded_with[model.path] = wish
                    self._show_for(model, ModelState(ModelPhase.READY, model, 1.0, info))
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

    def _engine_lost(self, path: str, error: AppError) -> None:
        model = self._state.model
        if model is not None and model.path == path and self._loading is None:
            self._show(ModelState(ModelPhase.FAILED, model, error=error))

    def _show_for(self, model: LocalModel, state: ModelState) -> None:
        """Show a state of `model`, unless another one has been chosen meanwhile."""
        if self._state.model is not None and self._state.model.path == model.path:
            self._show(state)

    def _show(self, state: ModelState) -> None:
        if state != self._state:
            self._state = state
            self._facts.publish(ModelStateChanged(state))

    def _remember(self, chosen: str, forgotten: str | None = None) -> None:
        try:
            self._known.remember(chosen, forgotten)
        except ConfigError as error:
            # The choice holds until the window closes; that it is not kept must be said.
            self._facts.publish(Trouble(error))


def _or_raise(result: LoadedInfo | AppError | None) -> LoadedInfo | None:
    if isinstance(result, AppError):
        raise result
    return result
