"""How each model is to be loaded: what is wished, what was measured here, and what is checked."""

from __future__ import annotations

from dataclasses import replace

from app.domain.load_params import LoadParams, bounded, check
from app.domain.localmodel import LocalModel
from app.domain.ports import LoadSettingsKeeper, ModelLibrary
from app.services.settings import SettingsService


class LoadSettingsService:
    """Reads and changes the load settings of models; they hold from the next load on."""

    def __init__(
        self,
        keeper: LoadSettingsKeeper,
        library: ModelLibrary,
        settings: SettingsService,
        machine: str,
    ) -> None:
        """`machine` names this one, whose threads were measured."""
        self._keeper = keeper
        self._library = library
        self._settings = settings
        self._machine = machine

    def wished(self, path: str) -> LoadParams:
        """What is set for the model of this file, and nothing else."""
        return self._keeper.params(path)

    def change(self, path: str, params: LoadParams) -> None:
        """Remember the wish; raises `LoadSettingsRefused` for what cannot be, and `ConfigError`
        where it cannot be written."""
        check(params)
        self._keeper.keep_params(path, bounded(params))

    def effective(self, path: str) -> LoadParams:
        """The wish, with the threads of the settings or of this machine where it leaves them."""
        wished = self.wished(path)
        threads = self._settings.current.engine.threads or self.measured_threads
        return replace(wished, threads=wished.threads or threads)

    @property
    def measured_threads(self) -> int | None:
        """The count of threads that was measured to be the best here; None: not measured."""
        return self._keeper.threads(self._machine)

    def set_threads(self, threads: int | None) -> None:
        """Remember the best count on this machine, for all models that leave it automatic.

        Raises `ConfigError` where it cannot be written.
        """
        self._keeper.keep_threads(self._machine, threads)

    async def require_usable(self, model: LocalModel, params: LoadParams) -> None:
        """Look at the files that these need; raises `LoadSettingsRefused` and `ModelFileError`."""
        check(params)
        for adapter in params.adapters:
            await self._library.require_adapter(adapter.path, model.facts.architecture)
