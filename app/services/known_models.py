"""The models that can be chosen: the starter, what was opened, what the library has found."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from app.domain.localmodel import LocalModel
from app.services.settings import SettingsService


class KnownModels:
    """By path, in the order in which they are offered; opened files are remembered in settings."""

    def __init__(self, settings: SettingsService) -> None:
        self._settings = settings
        self.models: dict[str, LocalModel] = {}
        self._opened: set[str] = set()
        self._offered: set[str] = set()
        """Paths of files that have come since the library looked, which may be looking just now."""
        self._elsewhere: Mapping[str, str] = {}
        self._left: set[str] = set()
        """Paths from which files were moved."""

    def open(self, model: LocalModel) -> LocalModel:
        """Offer what a person opened, unless it is offered already; the one that is offered."""
        if model.path not in self.models:
            self._opened.add(model.path)
        return self.models.setdefault(model.path, model)

    def offer(self, model: LocalModel) -> None:
        """Offer a file that the library will find by itself when it looks again."""
        self._offered.add(model.path)
        self.models[model.path] = replace(model, read_only=True)

    def shown_as(self, path: str) -> str:
        """Under which path the model of that one is offered: a copy may stand for it."""
        return path if path in self.models else self._elsewhere.get(path, path)

    def take_out(self, path: str) -> bool:
        """Offer it no more; whether it was."""
        self._opened.discard(path)
        self._offered.discard(path)
        return self.models.pop(path, None) is not None

    def show_found(
        self, found: Sequence[LocalModel], elsewhere: Mapping[str, str], used: Collection[str]
    ) -> bool:
        """Put what the library has found in the place of what it had found before; whether that
        makes a difference. What was opened or has just come stays, but for the paths `elsewhere`,
        for which others stand, and what is used.
        """
        self._elsewhere = dict(elsewhere)
        self._offered -= {model.path for model in found}
        stay = (self._opened | self._offered) - elsewhere.keys()
        new = {
            path: model
            for path, model in self.models.items()
            if path in used or model.is_starter or path in stay
        }
        new |= {model.path: model for model in found}
        if list(new.items()) == list(self.models.items()):
            return False
        self.models.clear()
        self.models.update(new)
        return True

    def move(self, paths: Mapping[str, str]) -> None:
        """Files lie elsewhere now; `paths` tells where, by where they lay."""
        moved = {paths.get(path, path): model for path, model in self.models.items()}
        self.models.clear()
        self.models.update((path, replace(model, path=path)) for path, model in moved.items())
        self._opened = {paths.get(path, path) for path in self._opened}
        self._left |= paths.keys()

    def remember(self, chosen: str, forgotten: str | None = None) -> None:
        """Keep the choice and what was opened; raises `ConfigError` where that can't be done."""
        settings = self._settings.current
        files = [path for path in self.models if path in self._opened]
        # What was not found at the start stays: its disk may only be unplugged.
        files += [path for path in settings.library.model_files if path not in self.models]
        kept = tuple(path for path in files if path != forgotten and path not in self._left)
        library = replace(settings.library, model_files=kept, chosen=chosen)
        if library != settings.library:
            self._settings.change(replace(settings, library=library))
