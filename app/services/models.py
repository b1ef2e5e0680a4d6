"""Which model answers: known files, the chosen one, and what the engine has of it."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Sequence
from dataclasses import replace

from app.domain.errors import AppError, ConfigError, ModelFileError, NothingLoaded, StoreError
from app.domain.facts import Fact, ModelPhase, ModelsChanged, ModelState, ModelStateChanged, Trouble
from app.domain.generation import (
    Failed,
    Loaded,
    LoadedInfo,
    LoadEvent,
    LoadParams,
    LoadProgress,
    LoadRequest,
)
from app.domain.localmodel import LocalModel
from app.domain.ports import ConversationStore, Engine, ModelLibrary
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner
from app.services.settings import SettingsService

log = logging.getLogger(__name__)


class ModelService:
    """Chooses, loads and unloads; publishes `ModelStateChanged` and `ModelsChanged`."""

    def __init__(
        self,
        engine: Engine,
        library: ModelLibrary,
        store: ConversationStore,
        settings: SettingsService,
        facts: Broadcast[Fact],
        tasks: TaskOwner,
    ) -> None:
        self._engine = engine
        self._library = library
        self._store = store
        self._settings = settings
        self._facts = facts
        self._tasks = tasks
        self._models: dict[str, LocalModel] = {}
        self._state = ModelState()
        self._loading: tuple[LoadRequest, asyncio.Task[LoadedInfo | AppError | None]] | None = None
        self._loaded_with: LoadParams | None = None
        self._numbers = itertools.count(1)
        engine.on_lost(self._engine_lost)

    @property
    def state(self) -> ModelState:
        """The chosen model and what the engine has of it."""
        return self._state

    @property
    def models(self) -> tuple[LocalModel, ...]:
        """What can be chosen: the starter model first, then the files that were opened."""
        return tuple(self._models.values())

    async def start(self) -> None:
        """Look for the starter model and the remembered files, and choose one."""
        starter = await self._library.starter()
        if starter is not None:
            self._models[starter.path] = starter
        for path in self._settings.current.library.model_files:
            try:
                model = await self._library.inspect(path)
            except ModelFileError as error:
                # It stays remembered: its disk may only be unplugged.
                log.info("a remembered model cannot be offered: %s", error.kind)
                continue
            self._models.setdefault(model.path, model)
        self._facts.publish(ModelsChanged())
        chosen = self._models.get(self._settings.current.library.chosen)
        chosen = chosen or next(iter(self._models.values()), None)
        if chosen is not None and self._state.model is None:
            self._show(ModelState(ModelPhase.CHOSEN, chosen))

    async def open_file(self, path: str) -> LocalModel:
        """Read a file's header, remember the file and choose it; raises `ModelFileError` cases."""
        model = await self._library.inspect(path)
        model = self._models.setdefault(model.path, model)
        self._facts.publish(ModelsChanged())
        await self.choose(model.path)
        return model

    async def offer(self, path: str) -> None:
        """Have a new file among those that can be chosen; raises `ModelFileError` cases."""
        model = await self._library.inspect(path)
        self._models.setdefault(model.path, model)
        self._facts.publish(ModelsChanged())
        self._remember(self._settings.current.library.chosen)

    async def choose(self, path: str) -> None:
        """Make a known model the one that answers; it is loaded when it is first needed."""
        model = self._models[path]
        if self._state.model is not None and self._state.model.path == path:
            self._remember(path)
            return
        self.cancel_load()
        loaded = self._engine.loaded
        if loaded is not None and loaded.path == path:
            self._show(ModelState(ModelPhase.READY, model, 1.0, loaded))
        else:
            self._show(ModelState(ModelPhase.CHOSEN, model))
        self._remember(path)

    async def forget(self, path: str) -> None:
        """Take a file out of the list; the file stays where it is."""
        if self._models[path].read_only:
            return
        del self._models[path]
        self._facts.publish(ModelsChanged())
        chosen = self._settings.current.library.chosen
        if self._state.model is not None and self._state.model.path == path:
            await self.unload()
            following = next(iter(self._models.values()), None)
            phase = ModelPhase.CHOSEN if following else ModelPhase.NONE
            self._show(ModelState(phase, following))
            chosen = following.path if following else ""
        self._remember(chosen, forgotten=path)

    async def load(self, context_length: int | None = None) -> LoadedInfo | None:
        """Have the chosen model ready, with this context length if one is given.

        None if the load was cancelled. Raises `EngineError` and `ModelFileError` cases.
        """
        model = self._state.model
        if model is None:
            raise NothingLoaded(
                "No model is chosen",
                remedy="Open a model file (GGUF) from the model menu, then send again.",
            )
        while self._loading is not None:
            request, task = self._loading
            asked = request.params.context_length
            if request.path == model.path and context_length in (None, asked):
                return _or_raise(await asyncio.shield(task))
            self.cancel_load()
            await asyncio.wait({task})
        loaded = self._engine.loaded
        if loaded is not None and loaded.path == model.path and self._fits(loaded, context_length):
            return loaded
        threads = self._settings.current.engine.threads or None
        request = LoadRequest(
            f"load-{next(self._numbers)}", model.path, LoadParams(context_length, threads)
        )
        task = self._tasks.spawn(self._load(request, model), request.request_id)
        self._loading = (request, task)
        return _or_raise(await asyncio.shield(task))

    async def preload(self) -> None:
        """Load the chosen model for the first question; a failure is only shown in the state."""
        try:
            await self.load()
        except AppError as error:
            log.info("the chosen model could not be loaded: %s", error.kind)

    def _fits(self, loaded: LoadedInfo, context_length: int | None) -> bool:
        asked = self._loaded_with.context_length if self._loaded_with else None
        return context_length in (None, asked, loaded.context_length)

    def cancel_load(self) -> None:
        """End a running load soon; nothing is loaded then."""
        if self._loading is not None:
            self._engine.cancel(self._loading[0].request_id)

    async def unload(self) -> None:
        """Give the memory back; the model stays chosen."""
        self.cancel_load()
        await self._engine.unload()
        if self._state.model is not None:
            self._show(ModelState(ModelPhase.CHOSEN, self._state.model))

    def look_again(self) -> None:
        """Show what the engine has now (an answer failed, so the host may have died)."""
        if self._state.phase is ModelPhase.READY and self._engine.loaded is None:
            self._show(ModelState(ModelPhase.CHOSEN, self._state.model))

    async def _load(self, request: LoadRequest, model: LocalModel) -> LoadedInfo | AppError | None:
        """The failure as a value: the waiters raise it, and there may be none."""
        self._show(ModelState(ModelPhase.LOADING, model))
        try:
            # The file may have changed or gone since it was listed; its header tells at once.
            model = await self._library.inspect(model.path)
            async for batch in self._engine.load(request):
                ended = self._on_load_events(batch, model, request)
                if ended is not None:
                    return ended
        except AppError as error:
            self._show_for(model, ModelState(ModelPhase.FAILED, model, error=error))
            return error
        finally:
            self._loading = None
        self._show_for(model, ModelState(ModelPhase.CHOSEN, model))
        return None

    def _on_load_events(
        self, batch: Sequence[LoadEvent], model: LocalModel, request: LoadRequest
    ) -> LoadedInfo | None:
        for event in batch:
            match event:
                case LoadProgress(fraction):
                    self._show_for(model, ModelState(ModelPhase.LOADING, model, fraction))
                case Loaded(info):
                    self._loaded_with = request.params
                    self._show_for(model, ModelState(ModelPhase.READY, model, 1.0, info))
                    self._tasks.spawn(self._remember_hash(model), "model-hash")
                    return info
                case Failed(error):
                    raise error
                case _:
                    return None
        return None

    async def _remember_hash(self, model: LocalModel) -> None:
        """Runs name the file by its hash, which takes seconds for a large file: done beside."""
        size, mtime = model.facts.file_bytes, model.mtime_ns
        try:
            if await self._store.note_model_file(model.path, size, mtime) is None:
                digest = await self._library.sha256(model.path)
                await self._store.set_model_hash(model.path, size, mtime, digest)
        except (StoreError, ModelFileError) as error:
            log.info("the model's hash is not kept: %s", error.kind)

    def _engine_lost(self, error: AppError) -> None:
        model = self._state.model
        if model is not None and self._loading is None:
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
        settings = self._settings.current
        files = [path for path, model in self._models.items() if not model.is_starter]
        # What was not found at the start stays: its disk may only be unplugged.
        files += [path for path in settings.library.model_files if path not in self._models]
        kept = tuple(path for path in files if path != forgotten)
        library = replace(settings.library, model_files=kept, chosen=chosen)
        if library == settings.library:
            return
        try:
            self._settings.change(replace(settings, library=library))
        except ConfigError as error:
            # The choice holds until the window closes; that it is not kept must be said.
            self._facts.publish(Trouble(error))


def _or_raise(result: LoadedInfo | AppError | None) -> LoadedInfo | None:
    if isinstance(result, AppError):
        raise result
    return result
