"""What can go wrong in the world, in sentences a person can act on.

`AppError` and its subclasses are the world's fault: a bad file, a full disk, a dead engine.
Anything else that is raised is our bug. Each case is a class with a stable `kind`, so that it can
cross the pipe to the engine host, be matched by a test, and be printed by the command line.
"""

from __future__ import annotations

from typing import ClassVar


class AppError(Exception):
    """A failure a person reads: what happened, the details, and what to do about it."""

    kind: ClassVar[str] = "error"
    _kinds: ClassVar[dict[str, type[AppError]]] = {}

    def __init__(self, title: str, detail: str = "", remedy: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.remedy = remedy

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.kind in AppError._kinds:
            raise TypeError(f"two error classes share the kind {cls.kind!r}")
        AppError._kinds[cls.kind] = cls

    def to_dict(self) -> dict[str, str]:
        """The form that crosses a pipe and that `lamplight … --json` prints."""
        return {
            "kind": self.kind,
            "title": self.title,
            "detail": self.detail,
            "remedy": self.remedy,
        }

    @staticmethod
    def from_dict(data: dict[str, str]) -> AppError:
        """The error that `to_dict` described; an unknown kind becomes a plain `AppError`."""
        case = AppError._kinds.get(data.get("kind", ""), AppError)
        return case(data.get("title", ""), data.get("detail", ""), data.get("remedy", ""))


class ModelFileError(AppError):
    """A file that cannot be used as a chat model."""

    kind = "model_file"


class FileMissing(ModelFileError):
    """The path names nothing (any more)."""

    kind = "model_file.missing"


class FileUnreadable(ModelFileError):
    """The path is a directory, or the system refuses to read it."""

    kind = "model_file.unreadable"


class NotGguf(ModelFileError):
    """Empty, or not a GGUF file at all, or of a GGUF version that nobody can read."""

    kind = "model_file.not_gguf"


class GgufFormUnknown(NotGguf):
    """A sound GGUF file of a version, or for a processor, that cannot be read here."""

    kind = "model_file.form"


class FileDamaged(ModelFileError):
    """A GGUF file that is cut short or contradicts itself."""

    kind = "model_file.damaged"


class ArchitectureUnknown(ModelFileError):
    """A sound file of a model family that this llama.cpp cannot run."""

    kind = "model_file.architecture"


class NotAChatModel(ModelFileError):
    """A sound file of another kind: vocabulary only, projector, adapter, embedding model."""

    kind = "model_file.not_chat"


class ShardMissing(ModelFileError):
    """One of the files of a split model is not beside the others."""

    kind = "model_file.shard_missing"


class EngineError(AppError):
    """The engine could not do what it was asked."""

    kind = "engine"


class EngineCrashed(EngineError):
    """The engine host process died while it was working."""

    kind = "engine.crashed"


class EngineNotStarted(EngineCrashed):
    """The engine host process could not be started at all."""

    kind = "engine.not_started"


class FileChanged(EngineCrashed):
    """The model's file became shorter while it was mapped, which ends whoever reads it."""

    kind = "engine.file_changed"


class LoadRefused(EngineError):
    """llama.cpp refused the file or could not create the context."""

    kind = "engine.load_refused"


class OutOfMemory(EngineError):
    """Not enough memory for the weights, the context or the buffers."""

    kind = "engine.out_of_memory"


class NothingLoaded(EngineError):
    """A request came for a model that is not loaded."""

    kind = "engine.nothing_loaded"


class EngineBusy(EngineError):
    """The engine does one such thing at a time."""

    kind = "engine.busy"


class ContextLengthRefused(EngineError):
    """The context length asked for is out of bounds for this model or this machine."""

    kind = "engine.context_length"


class LoadSettingsRefused(EngineError):
    """A model cannot be loaded in the way that its settings ask for."""

    kind = "engine.load_settings"


class PromptTooLong(EngineError):
    """The prompt has more tokens than the context can hold."""

    kind = "engine.prompt_too_long"


class TemplateBroken(EngineError):
    """The chat template of the file does not compile or fails while it runs."""

    kind = "engine.template_broken"


class TemplateEndless(EngineError):
    """The chat template of the file ran longer than its time limit."""

    kind = "engine.template_endless"


class GrammarRefused(EngineError):
    """A grammar or JSON Schema that an answer cannot be held to; the detail names the place."""

    kind = "engine.grammar"


class ModelBroken(EngineError):
    """The model computes nonsense (not-a-number), so its weights must be damaged."""

    kind = "engine.model_broken"


class StoreError(AppError):
    """Conversations could not be read or written."""

    kind = "store"


class DiskFull(StoreError):
    """No space is left where the conversations are kept."""

    kind = "store.disk_full"


class StoreReadOnly(StoreError):
    """The folder or the database file cannot be written."""

    kind = "store.read_only"


class StoreDamaged(StoreError):
    """The database file is not sound."""

    kind = "store.damaged"


class StoreNewer(StoreError):
    """The database was written by a newer Lamplight."""

    kind = "store.newer"


class StoreBusy(StoreError):
    """Another program holds the database."""

    kind = "store.busy"


class NotFound(StoreError):
    """No such conversation or message."""

    kind = "store.not_found"


class ConfigError(AppError):
    """Settings, paths or the keyring could not be used."""

    kind = "config"


class SettingsDamaged(ConfigError):
    """The settings file could not be read, in whole or in part."""

    kind = "config.settings_damaged"


class ProfileUnusable(ConfigError):
    """The profile folder cannot be made or written."""

    kind = "config.profile_unusable"


class ProfileInUse(ConfigError):
    """Another Lamplight already runs on this profile."""

    kind = "config.profile_in_use"


class KeyringUnusable(ConfigError):
    """The system offers no keyring, or does not open it."""

    kind = "config.keyring_unusable"


class ProxyUnusable(ConfigError):
    """What is set as the proxy is not the address of one."""

    kind = "config.proxy_unusable"


class CertificatesUnusable(ConfigError):
    """The file with certificates cannot be read, or holds none."""

    kind = "config.certificates_unusable"


class NetworkOff(AppError):
    """Lamplight was told to use no network."""

    kind = "network.off"


class HubError(AppError):
    """The hub could not be asked, or its answer is of no use."""

    kind = "hub"


class HubUnreachable(HubError):
    """No connection: no network, an unknown name, a refused connection, a proxy in the way."""

    kind = "hub.unreachable"


class HubSilent(HubError):
    """Connected, but nothing came in time, or the connection broke."""

    kind = "hub.silent"


class HubNotTrusted(HubError):
    """The certificate of the other side is not one that this computer trusts."""

    kind = "hub.not_trusted"


class HubBusy(HubError):
    """Too many requests; `wait_seconds` is how long the hub wants to be left alone."""

    kind = "hub.busy"
    wait_seconds: float = 60.0


class HubFault(HubError):
    """The hub itself has a fault, or answers with something that nobody can use."""

    kind = "hub.fault"


class HubAnswerBroken(HubError):
    """An answer that is not what the hub's protocol promises."""

    kind = "hub.answer_broken"


class TokenNeeded(HubError):
    """Only for people with an account of the hub, and no token is known."""

    kind = "hub.token_needed"


class TokenRefused(HubError):
    """The hub does not know the token (any more)."""

    kind = "hub.token_refused"


class AccessNotGranted(HubError):
    """The account may not use this repository until its owner's terms are accepted."""

    kind = "hub.access_not_granted"


class RepoMissing(HubError):
    """No such repository, file or version (or a private one of somebody else)."""

    kind = "hub.missing"


class OllamaError(AppError):
    """Ollama could not do what it was asked."""

    kind = "ollama"


class OllamaNotRunning(OllamaError):
    """Nobody answers where Ollama should."""

    kind = "ollama.not_running"


class OllamaUnknownModel(OllamaError):
    """Neither Ollama nor its registry has a model of this name."""

    kind = "ollama.unknown_model"


class OllamaTooOld(OllamaError):
    """The model needs a newer Ollama than the one that runs."""

    kind = "ollama.too_old"


class OllamaNoSpace(OllamaError):
    """The disk on which Ollama keeps its models is full."""

    kind = "ollama.no_space"


class OllamaUnreachable(OllamaError):
    """Ollama itself cannot reach its registry."""

    kind = "ollama.unreachable"


class OllamaBroken(OllamaError):
    """An answer that Ollama's protocol does not know, or one that ends too soon."""

    kind = "ollama.broken"


class OllamaOnly(OllamaError):
    """A model that only Ollama itself can use: elsewhere, in the cloud, or made for its engine."""

    kind = "ollama.only"


class TransferError(AppError):
    """A download cannot go on."""

    kind = "transfer"


class NoSpace(TransferError):
    """The disk has no room for what is still to come."""

    kind = "transfer.no_space"


class FileTooLarge(TransferError):
    """The disk's file system cannot hold a file of this size."""

    kind = "transfer.file_too_large"


class FolderUnusable(TransferError):
    """The folder for models cannot be written."""

    kind = "transfer.folder_unusable"


class OtherFileOffered(TransferError):
    """The hub now offers another file than the one that was chosen."""

    kind = "transfer.other_file_offered"


class ChecksumWrong(TransferError):
    """What came is not what the hub's checksum promises."""

    kind = "transfer.checksum_wrong"


class DownloadsElsewhere(TransferError):
    """Another process is downloading for this profile."""

    kind = "transfer.elsewhere"


class NoSuchTransfer(TransferError):
    """The transfer is not in the list (any more)."""

    kind = "transfer.missing"


class UsageError(AppError):
    """The request itself makes no sense (an unknown option, a value out of bounds)."""

    kind = "usage"
