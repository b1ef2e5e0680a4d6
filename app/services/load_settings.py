"""How each model is to be loaded: what is wished, what was measured here, and what is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.domain.facts import Fact, LoadSettingsChanged
from app.domain.load_params import AutomaticThreads, LoadParams, ThreadsFrom, bounded, check
from app.domain.localmodel import LocalModel
from app.domain.ports import LoadSettingsKeeper, ModelLibrary
from app.flow.broadcast import Broadcast
from app.services.settings import SettingsService


class LoadSettingsService:
    """Reads and changes the load settings of models; they hold from the next load on.

    Publishes `LoadSettingsChanged`.
    """

    def __init__(
        self,
        keeper: LoadSettingsKeeper,
        library: ModelLibrary,
        settings: SettingsService,
        machine: str,
        facts: Broadcast[Fact],
    ) -> None:
        """`machine` names this one, whose threads were measured."""
        self._keeper = keeper
        self._library = library
        self._settings = settings
        self._machine = machine
        self._facts = facts

    def wished(self, path: str) -> LoadParams:
        """What is set for the model of this file, and nothing else."""
        return self._keeper.params(path)

    def change(self, path: str, params: LoadParams) -> None:
        """Remember the wish; raises `LoadSettingsRefused` for what cannot be, and `ConfigError`
        where it cannot be written."""
        check(params)
        try:
            self._keeper.keep_params(path, bounded(params))
        finally:
            self._facts.publish(LoadSettingsChanged(path))

    def moved(self, paths: Mapping[str, str]) -> None:
        """Files of models lie elsewhere now: what is set for them goes along.

        Raises `ConfigError` where it cannot be written.
        """
        for old, new in paths.items():
            wished = self.wished(old)
            if wished != LoadParams():
                self._keeper.keep_params(new, wished)
                self._keeper.keep_params(old, LoadParams())

    def effective(self, path: str) -> LoadParams:
        """The wish, with the threads of the settings or of this machine where it leaves them."""
        wished = self.wished(path)
        return replace(wished, threads=wished.threads or self.automatic_threads.count)

    @property
    def automatic_threads(self) -> AutomaticThreads:
        """The threads of a model that leaves them automatic: as the settings say, else what was
        measured to be the best here."""
        wished = self._settings.current.engine.threads
        if wished:
            return AutomaticThreads(wished, ThreadsFrom.SETTINGS)
        measured = self._keeper.threads(self._machine)
        source = ThreadsFrom.CORES if measured is None else ThreadsFrom.MEASURED
        return AutomaticThreads(measured, source)

    def use_threads(self, path: str, threads: int) -> None:
        """Compute with so many: the model of this file, where its own number or that of the
        settings would win, else all models that leave it automatic.

        Raises `ConfigError` where it cannot be written.
        """
        wished = self.wished(path)
        if wished.threads or self._settings.current.engine.threads:
            self.change(path, replace(wished, threads=threads))
            return
        self._keeper.keep_threads(self._machine, threads)
        self._facts.publish(LoadSettingsChanged(path))

    def forget_threads(self, path: str) -> None:
        """Forget what was measured on this machine; asked for at the model of this file.

        Raises `ConfigError` where it cannot be written.
        """
        self._keeper.keep_threads(self._machine, None)
        self._facts.publish(LoadSettingsChanged(path))

    async def require_usable(self, model: LocalModel, params: LoadParams) -> None:
        """Look at the files that these need; raises `LoadSettingsRefused` and `ModelFileError`."""
        check(params)
        for adapter in params.adapters:
            await self._library.require_adapter(adapter.path, model.facts.architecture)
