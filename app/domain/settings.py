"""Settings as described data: the dialog, the command line and the documentation are made from it.

Frozen values, passed in, never fetched from a global. Each field's metadata carries a label, a help
text, bounds, and whether a restart is needed. `app.config.settings_file` reads and writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.domain.described import setting
from app.domain.overflow import Overflow


@dataclass(frozen=True, slots=True)
class AppearanceSettings:
    """How the window looks."""

    theme: str = setting(
        "system",
        "Theme",
        "Light, dark, or as the system is set.",
        choices=("system", "light", "dark"),
    )


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """What new conversations start with."""

    system_prompt: str = setting("", "System prompt", "Told to the model before the first message.")
    temperature: float = setting(
        0.8, "Temperature", "Higher is more varied, 0 always takes the likeliest.", low=0, high=5
    )
    top_p: float = setting(
        0.95, "Top-p", "Keep the likeliest tokens up to this sum.", low=0, high=1
    )
    min_p: float = setting(
        0.05, "Min-p", "Drop tokens less likely than this share of the best.", low=0, high=1
    )
    top_k: int = setting(40, "Top-k", "Keep this many tokens; 0 keeps all.", low=0, high=1000)
    repeat_penalty: float = setting(
        1.0, "Repetition penalty", "Above 1 makes repetition less likely.", low=0.5, high=2
    )
    max_tokens: int = setting(
        0, "Max tokens", "The longest answer; 0 sets no limit.", low=0, high=1_000_000
    )
    overflow: str = setting(
        Overflow.DROP_OLDEST.value,
        "When the context is full",
        "What to do with a conversation that is longer than the model's context. "
        "Whatever is left out stays here, and is said beside the answer.",
        choices=tuple(policy.value for policy in Overflow),
    )


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How models are run."""

    isolation: str = setting(
        "process",
        "Isolation",
        "Run models in a process of their own, so that a fault in one cannot end the window.",
        choices=("process", "thread"),
        restart=True,
    )
    threads: int = setting(
        0,
        "Threads",
        "0: as many as were measured to be fastest here, else one fewer than the processor has "
        "cores.",
        low=0,
        high=512,
    )
    load_at_start: bool = setting(
        True, "Load at start", "Load the chosen model as soon as the window is open."
    )
    memory_budget_gb: float = setting(
        0.0,
        "Memory for models",
        "Gigabytes that loaded models may take together; 0: what fits into free memory.",
        low=0,
        high=4096,
    )
    keep_minutes: int = setting(
        0,
        "Unload after",
        "Minutes after which a model that is not used is unloaded; 0: never.",
        low=0,
        high=10_080,
    )
    disk_cache: bool = setting(
        True,
        "Keep read conversations on disk",
        "Go on with an earlier conversation without reading it all again. What is kept can be "
        "turned back into the conversation's text, so switch this off where that may not be.",
    )
    disk_cache_gb: int = setting(
        4, "Space for them", "Gigabytes; what was not used for longest goes first.", low=1, high=500
    )


@dataclass(frozen=True, slots=True)
class LibrarySettings:
    """Which models are offered."""

    model_files: tuple[str, ...] = setting((), "Model files", "GGUF files that were opened.")
    chosen: str = setting("", "Chosen model", "The model that new conversations use.")


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What may leave this computer."""

    offline: bool = setting(
        False, "Use no network", "Nothing leaves this computer; models on it work all the same."
    )
    proxy: str = setting(
        "",
        "Proxy",
        "How the network is reached: an address, “none”, or (empty) as the system and HTTPS_PROXY "
        "say.",
    )
    certificates: str = setting(
        "",
        "Certificates",
        "A file with certificates (PEM) that are trusted beside those of the system.",
    )


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Where models come from, and what downloads may take."""

    address: str = setting(
        "",
        "Model hub",
        "The address of a mirror. Empty: huggingface.co. HF_ENDPOINT goes before it.",
    )
    limit: float = setting(
        0.0, "Bandwidth limit", "Megabytes per second; 0 sets no limit.", low=0, high=100_000
    )
    at_once: int = setting(2, "Downloads at once", "The others wait.", low=1, high=8)
    connections: int = setting(
        4, "Connections", "For each download; more can be faster.", low=1, high=8
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All sections."""

    appearance: AppearanceSettings = field(default_factory=AppearanceSettings)
    chat: ChatSettings = field(default_factory=ChatSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    library: LibrarySettings = field(default_factory=LibrarySettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    hub: HubSettings = field(default_factory=HubSettings)
