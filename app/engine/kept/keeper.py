"""Opens the kept states for one loaded model after another, and ends their threads."""

from __future__ import annotations

import logging
from pathlib import Path

from app.domain.generation import LoadRequest
from app.engine.kept.background import BackgroundFiles
from app.engine.kept.folder import Keeping, KeptFolder
from app.engine.kept.identity import model_keys
from app.engine.kept.kept_states import KeptStates
from app.engine.loaded import LoadedModel

_logger = logging.getLogger("app.engine.kept")

WRITE_SECONDS = 1.0
"""How long it may take to write them when the engine ends; the rest is dropped."""


class Keeper:
    """Belongs to the worker's thread."""

    def __init__(self) -> None:
        self._files: BackgroundFiles | None = None
        self._keeping: Keeping | None = None

    def open(self, keeping: Keeping | None, request: LoadRequest, loaded: LoadedModel) -> None:
        """Let what leaves this model's context be kept, if that is wished."""
        if keeping != self._keeping:
            self.close()
            self._files = _opened(keeping)
            self._keeping = keeping
        if self._files is not None:
            try:
                keys = model_keys(request, stretched=_is_stretched(loaded))
            except OSError as error:
                _logger.info("a loaded file cannot be looked at: %s", error.strerror)
                return
            loaded.slots.kept = KeptStates(self._files, loaded.context, keys)

    def forget(self, tag: str | None) -> None:
        """Remove what is kept of a conversation; None: everything."""
        if self._files is not None:
            self._files.forget(tag)

    def close(self) -> None:
        """Write what waits, `WRITE_SECONDS` at most, and end the threads."""
        if self._files is not None:
            self._files.close(WRITE_SECONDS)
            self._files = self._keeping = None


def _opened(keeping: Keeping | None) -> BackgroundFiles | None:
    if keeping is None:
        return None
    folder = KeptFolder(Path(keeping.folder))
    try:
        if not keeping.most_bytes:
            folder.forget(None)
            return None
        folder.prepare()
    except OSError as error:
        _logger.info("states cannot be kept on disk: %s", error.strerror)
        return None
    return BackgroundFiles(folder, keeping.most_bytes)


def _is_stretched(loaded: LoadedModel) -> bool:
    """Whether the context is longer than the one that the weights were first trained for: there
    some models turn to other rotations (llama.cpp's get_rope_factors)."""
    weights, info = loaded.weights, loaded.info
    first = weights.meta(f"{info.architecture}.rope.scaling.original_context_length")
    return info.context_length > (int(first) if first.isdigit() else info.trained_context)
