"""The composition root's second part: whatever finds, fetches, makes and keeps models."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from app.config.library_notes_file import LibraryNotesFile
from app.config.network_gate import SettingsGate
from app.config.paths import ProfilePaths
from app.config.profile_lock import ProfileLock
from app.config.secrets import SessionSecrets
from app.domain.facts import Fact
from app.domain.ports import Clock, ModelLibrary, SettingsKeeper
from app.engine.quantising import QuantisingHosts
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner
from app.gui.resources import resource
from app.hub.curated import curated
from app.hub.hub import Hub
from app.hub.ollama import Ollama
from app.library.shelf import Shelf
from app.services.access import AccessService, way_of
from app.services.fit import FitService
from app.services.hub import HubService
from app.services.library import LibraryService
from app.services.load_settings import LoadSettingsService
from app.services.models import ModelService
from app.services.ollama import OllamaService
from app.services.quantise import QuantiseService
from app.services.settings import SettingsService
from app.services.transfers import TransferService, limits_of


@dataclass(frozen=True, slots=True)
class Ground:
    """What stands already."""

    paths: ProfilePaths
    keeps: bool
    """Whether what is found and noted is kept in the profile."""
    keeper: SettingsKeeper
    secrets: SessionSecrets
    downloads: ProfileLock
    files: ModelLibrary
    settings: SettingsService
    load_settings: LoadSettingsService
    fit: FitService
    models: ModelService
    facts: Broadcast[Fact]
    tasks: TaskOwner
    clock: Clock
    stops: list[Callable[[], Awaitable[None]]]
    """What ends each thing that was begun, in the order of its beginning; is added to."""


@dataclass(frozen=True, slots=True)
class ModelSide:
    """The services that are built on it."""

    hub: HubService
    access: AccessService
    transfers: TransferService
    ollama: OllamaService
    library: LibraryService
    quantise: QuantiseService


def build_model_side(ground: Ground) -> ModelSide:
    """Build and wire them; nothing is read or asked yet."""
    hub = _hub(ground)
    ground.stops.append(hub.close)
    library = _library(ground, hub)
    environment = _hub_in_environment()
    return ModelSide(
        hub=_hub_service(ground, hub),
        access=AccessService(hub, ground.secrets, ground.settings, environment),
        transfers=TransferService(hub, ground.models, ground.facts, ground.tasks),
        ollama=_ollama(ground, library),
        library=library,
        quantise=_quantise(ground),
    )


def _hub(ground: Ground) -> Hub:
    settings = ground.keeper.current
    way = way_of(settings, _hub_in_environment())
    return Hub(
        way.address,
        Path(next(iter(settings.library.own_folders), ground.paths.models)),
        SettingsGate(ground.keeper),
        ground.secrets.read,
        limits_of(settings.hub),
        ground.downloads.acquire,
        way,
    )


def _hub_service(ground: Ground, hub: Hub) -> HubService:
    path = resource("curated/models.json")

    def address() -> str:
        return way_of(ground.keeper.current, _hub_in_environment()).address

    return HubService(hub, ground.files, lambda: curated(path), address)


def _ollama(ground: Ground, library: LibraryService) -> OllamaService:
    ollama = Ollama(os.environ.get("OLLAMA_HOST", ""), SettingsGate(ground.keeper))
    ground.stops.append(ollama.close)
    return OllamaService(ollama, library, ground.models, ground.fit)


def _library(ground: Ground, hub: Hub) -> LibraryService:
    shelf = Shelf(ground.paths.library_index if ground.keeps else None)
    noted = ground.paths.library_notes
    library = LibraryService(
        shelf,
        LibraryNotesFile(noted if ground.keeps else None, read_from=noted),
        ground.models,
        ground.settings,
        ground.load_settings,
        ground.facts,
        ground.tasks,
        ground.clock,
        str(ground.paths.models),
        hub.use_folder,
    )
    ground.stops.extend((shelf.close, library.close))
    return library


def _quantise(ground: Ground) -> QuantiseService:
    quantiser = QuantisingHosts()
    ground.stops.append(quantiser.close)
    return QuantiseService(
        quantiser,
        ground.files,
        ground.models,
        ground.fit,
        ground.load_settings.effective,
        str(ground.paths.models),
        ground.facts,
        ground.tasks,
    )


def _hub_in_environment() -> str:
    return os.environ.get("HF_ENDPOINT", "")
