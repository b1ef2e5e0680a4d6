"""Which model answers: known files, the chosen one, and what the engine has of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.domain.errors import (
    AppError,
    ConfigError,
    FileMissing,
    LoadSettingsRefused,
    ModelFileError,
    NothingLoaded,
)
from app.domain.facts import (
    Fact,
    LoadedModelsChanged,
    ModelPhase,
    ModelsChanged,
    ModelState,
    Trouble,
)
from app.domain.generation import LoadedInfo
from app.domain.localmodel import LocalModel
from app.domain.ports import ConversationStore, Engine, LoadMark, ModelLibrary
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner
from app.services.chosen_model import ChosenModel
from app.services.fit import FitService
from app.services.known_models import KnownModels
from app.services.load_guard import LoadGuard
from app.services.load_settings import LoadSettingsService
from app.services.loading import Loading
from app.services.settings import SettingsService

log = logging.getLogger(__name__)


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
        self._known = KnownModels(settings)
        self._models = self._known.models
        self._chosen = ChosenModel(facts)
        self._loaded: tuple[LoadedInfo, ...] = ()
        self._guard = LoadGuard(mark)
        self._loading = Loading(
            self._chosen, engine, library, store, load_settings, fit, self._guard, tasks
        )
        engine.on_lost(self._engine_lost)
        engine.on_changed(self.look_again)

    @property
    def state(self) -> ModelState:
        """The chosen model and what the engine has of it."""
        return self._chosen.state

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
        if chosen is not None and self._chosen.state.model is None:
            self._chosen.show(ModelState(ModelPhase.CHOSEN, chosen))

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
        chosen = self._chosen.state.model
        used = {info.path for info in self.loaded} | {chosen.path if chosen else ""}
        if not self._known.show_found(found, elsewhere, used):
            return
        self._facts.publish(ModelsChanged())
        if chosen is not None and self._models[chosen.path] != chosen:
            # The library knows it by another name.
            self._chosen.show(replace(self._chosen.state, model=self._models[chosen.path]))

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
        if self._chosen.is_at(path):
            self._remember(path)
            return
        self._loading.cancel()
        self._chosen.show(self._loading.at_rest(model))
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
        if self._chosen.is_at(path):
            following = next(iter(self._models.values()), None)
            phase = ModelPhase.CHOSEN if following else ModelPhase.NONE
            self._chosen.show(ModelState(phase, following))
            chosen = following.path if following else ""
        self._remember(chosen, forgotten=path)

    async def moved(self, paths: Mapping[str, str]) -> None:
        """The files of models lie elsewhere now: what is remembered of them goes along."""
        for path in self._models.keys() & paths.keys():
            await self.unload(path)
        self._known.move(paths)
        chosen = self._chosen.state.model
        if chosen is not None and chosen.path in paths:
            self._chosen.show(ModelState(ModelPhase.CHOSEN, self._models[paths[chosen.path]]))
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
        model = self._chosen.state.model
        if model is None:
            raise NothingLoaded(
                "No model is chosen",
                remedy="Open a model file (GGUF) from the model menu, then send again.",
            )
        return await self._loading.load(model, context_length, again=again)

    def cancel_load(self) -> None:
        """End a running load soon; nothing is loaded then."""
        self._loading.cancel()

    def is_outdated(self, path: str) -> bool:
        """Whether the model is loaded in another way than its settings say now."""
        return self._loading.is_outdated(path)

    def loaded_automatically(self, path: str) -> bool:
        """Whether the model is loaded with the context that its settings leave to Lamplight."""
        return self._loading.was_automatic(path)

    async def preload(self, *, at_start: bool = False) -> None:
        """Load the chosen model before the next question; a failure is only shown in the state.

        `at_start` of the application nobody has asked for it: one that crashed is left alone.
        """
        model = self._chosen.state.model
        if model is not None and at_start:
            refusal = self._guard.refusal_at_start(model)
            if refusal is not None:
                self._chosen.show(ModelState(ModelPhase.FAILED, model, error=refusal))
                return
        elif model is not None:
            self._guard.forgive(model.path)
        try:
            await self.load()
        except AppError as error:
            log.info("the chosen model could not be loaded: %s", error.kind)

    async def unload(self, path: str | None = None) -> None:
        """Give the memory of a model back, of the chosen one if none is named; it stays known."""
        chosen = self._chosen.state.model
        if path is None:
            if chosen is None:
                return
            path = chosen.path
        if self._loading.path == path:
            self._loading.cancel()
        await self._engine.unload(path)
        if chosen is not None and chosen.path == path:
            self._chosen.show_for(chosen, ModelState(ModelPhase.CHOSEN, chosen))

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
        model = self._chosen.state.model
        gone = model is not None and model.path not in self._engine.loaded
        if gone and self._chosen.state.phase is ModelPhase.READY:
            self._chosen.show(ModelState(ModelPhase.CHOSEN, model))

    def _engine_lost(self, path: str, error: AppError) -> None:
        model = self._chosen.state.model
        if model is not None and model.path == path and self._loading.path is None:
            self._chosen.show(ModelState(ModelPhase.FAILED, model, error=error))

    def _remember(self, chosen: str, forgotten: str | None = None) -> None:
        try:
            self._known.remember(chosen, forgotten)
        except ConfigError as error:
            # The choice holds until the window closes; that it is not kept must be said.
            self._facts.publish(Trouble(error))
