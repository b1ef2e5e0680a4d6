"""Loads that the engine did not survive: the same one is not begun again by itself."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from app.domain.errors import ConfigError, EngineCrashed, EngineNotStarted
from app.domain.generation import LoadParams
from app.domain.localmodel import LocalModel
from app.domain.ports import LoadMark

log = logging.getLogger(__name__)

_Key = tuple[str, int, int, LoadParams]


class LoadGuard:
    """Remembers crashes for a run of the application, and over its end the load that was begun and
    did not come to an end (it may have taken the application, or the machine, with it)."""

    def __init__(self, mark: LoadMark | None) -> None:
        """`mark`: what outlives the application; None: nothing does."""
        self._mark = mark
        self._crashed: set[_Key] = set()
        self._unended = mark.read() if mark is not None else ""

    def refusal_at_start(self, model: LocalModel) -> EngineCrashed | None:
        """Why this model is not loaded without being asked for."""
        if self._unended != _file(model):
            return None
        return EngineCrashed(
            f"“{model.label}” is not loaded by itself, because loading it was not finished last "
            "time.",
            "",
            "Send a message to load it, or choose another model.",
        )

    @contextmanager
    def watching(self, model: LocalModel, params: LoadParams) -> Generator[None]:
        """Around a load that raises what it fails with. Raises `EngineCrashed` at once if the same
        file, loaded in the same way, has stopped the engine in this run."""
        key = (model.path, model.facts.file_bytes, model.mtime_ns, params)
        if key in self._crashed:
            raise EngineCrashed(
                f"“{model.label}” stopped the engine when it was loaded, so it is not tried again.",
                "",
                "Choose it once more in the model menu to try again, or choose another model.",
            )
        self._write(_file(model))
        try:
            yield
        except EngineNotStarted:
            self._write("")
            raise
        except EngineCrashed:
            self._crashed.add(key)
            raise
        except BaseException:
            self._write("")
            raise
        self._write("")

    def forgive(self, path: str) -> None:
        """Somebody wants this file to be tried again."""
        self._crashed = {key for key in self._crashed if key[0] != path}
        if self._unended.startswith(f"{path}\n"):
            self._unended = ""

    def _write(self, unended: str) -> None:
        self._unended = unended
        if self._mark is not None:
            try:
                self._mark.write(unended)
            except ConfigError as error:
                log.info("the load is not marked: %s", error.detail)


def _file(model: LocalModel) -> str:
    return f"{model.path}\n{model.facts.file_bytes}\n{model.mtime_ns}"
