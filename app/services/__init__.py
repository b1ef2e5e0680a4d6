"""Use-cases: asynchronous, without Qt."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.facts import Fact
from app.flow.broadcast import Broadcast
from app.services.access import AccessService
from app.services.benchmarks import BenchmarkService
from app.services.chat import ChatService
from app.services.context_meter import ContextMeterService
from app.services.conversations import ConversationService
from app.services.doctor import DoctorService
from app.services.fit import FitService
from app.services.hub import HubService
from app.services.library import LibraryService
from app.services.load_settings import LoadSettingsService
from app.services.models import ModelService
from app.services.ollama import OllamaService
from app.services.quantise import QuantiseService
from app.services.settings import SettingsService
from app.services.transfers import TransferService


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a face (window or terminal) may ask for."""

    facts: Broadcast[Fact]
    models: ModelService
    conversations: ConversationService
    chat: ChatService
    settings: SettingsService
    doctor: DoctorService
    fit: FitService
    load_settings: LoadSettingsService
    meter: ContextMeterService
    benchmarks: BenchmarkService
    hub: HubService
    library: LibraryService
    ollama: OllamaService
    access: AccessService
    quantise: QuantiseService
    transfers: TransferService
