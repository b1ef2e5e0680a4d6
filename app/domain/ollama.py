"""A model that a running Ollama fetches."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OllamaPart:
    """A layer of the model: its weights, its template, its licence …"""

    digest: str
    """`sha256:…`"""
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class OllamaProgress:
    """How far Ollama is."""

    doing: str = ""
    """Ollama's own words: `pulling manifest`, `verifying sha256 digest`."""
    parts: tuple[OllamaPart, ...] = field(default=())
    """As far as Ollama has come to them: the later ones are not known yet."""
    bytes_per_second: float = 0.0
    """Of the last seconds; 0 where nothing comes."""

    @property
    def done_bytes(self) -> int:
        """Of all parts that are known."""
        return sum(part.done_bytes for part in self.parts)

    @property
    def total_bytes(self) -> int:
        """Of all parts that are known."""
        return sum(part.total_bytes for part in self.parts)
