"""How the window was left, so that it opens the same way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WindowState:
    """What the window tells when it closes; empty values stand for its own choice."""

    geometry: bytes = b""
    """Position, size, screen, maximised: the toolkit's own format."""
    splitter: tuple[int, ...] = ()
    """Widths of the panes, in pixels."""
    inspector_folded: bool = False
