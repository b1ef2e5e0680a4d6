"""Models that Ollama fetches: pulled through it, and then used where it keeps them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import PurePath

from app.domain.errors import (
    EngineError,
    EngineNotStarted,
    FileMissing,
    FileUnreadable,
    ModelFileError,
    OllamaOnly,
)
from app.domain.localmodel import LocalModel
from app.domain.network_ports import OllamaServer
from app.domain.ollama import OllamaProgress
from app.services.fit import FitService
from app.services.library import LibraryService
from app.services.models import ModelService


class OllamaService:
    """Raises `OllamaError` cases and `NetworkOff`. What Ollama has is read and never changed."""

    def __init__(
        self,
        server: OllamaServer,
        library: LibraryService,
        models: ModelService,
        fit: FitService,
    ) -> None:
        self._server = server
        self._library = library
        self._models = models
        self._fit = fit

    def pull(self, name: str) -> AsyncGenerator[OllamaProgress]:
        """How far Ollama is, until it has all; closing the generator stops it, and what has come is
        kept. `use` makes the model one that can be chosen."""
        return self._server.pull(name)

    async def look_at(self, name: str) -> LocalModel:
        """The header of a model that Ollama has; raises `OllamaOnly` where it is of no use here."""
        paths = await self._server.files(name)
        if not paths:
            raise _only(name, "it is not in the format GGUF")
        try:
            return await self._fit.look_at(paths[0])
        except FileMissing as error:
            raise OllamaOnly(
                f"The files of “{name}” are not on this computer.",
                paths[0],
                "If Ollama runs on another computer or in a container, its models stay there. Get "
                "the model from Hugging Face instead: write AUTHOR/NAME.",
            ) from error
        except FileUnreadable as error:
            raise OllamaOnly(
                "Your account may not read the models of Ollama.",
                str(PurePath(paths[0]).parent),
                "Let whoever looks after this computer give you the right to read that folder, or "
                "get the model from Hugging Face instead: write AUTHOR/NAME.",
            ) from error
        except ModelFileError as error:
            raise _only(name, error.detail or error.kind) from error

    async def use(self, name: str) -> LocalModel:
        """Have a model that Ollama has among those that can be chosen.

        llama.cpp is asked first whether it can use the file, without loading it: Ollama runs some
        families by code of its own.
        """
        model = await self.look_at(name)
        try:
            await self._fit.measure(model)
        except EngineNotStarted:
            # That is said when a model is loaded, and says nothing about this one.
            pass
        except EngineError as error:
            raise _only(name, error.detail or error.title) from error
        # It tells the name and the values that Ollama has for the model.
        await self._library.scan()
        entry = self._library.entry(model.path)
        if entry is not None and entry.can_chat:
            return entry.model
        # Ollama keeps it elsewhere than usual, or its folder is not to be looked at.
        await self._models.offer(model.path)
        return model


def _only(name: str, why: str) -> OllamaOnly:
    return OllamaOnly(
        f"“{name}” is made for Ollama alone, and cannot be used here.",
        why,
        "It stays in Ollama, where it works. For Lamplight, get the same model from Hugging Face: "
        "write AUTHOR/NAME.",
    )
