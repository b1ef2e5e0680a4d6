"""Between the inspector and the services: what is edited is kept soon, and by conversation."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QTimer

from app.domain.conversation import ChatParams, Conversation
from app.domain.facts import (
    Fact,
    LoadSettingsChanged,
    ModelPhase,
    ModelState,
    ModelStateChanged,
)
from app.domain.fit import automatic_length
from app.flow.tasks import TaskOwner
from app.gui.inspector.panel import Inspector
from app.services import Services
from app.services.conversations import starting_params

_PAUSE = 400
"""Milliseconds without a change before it is written."""


class InspectorController(QObject):
    """Edits belong to the conversation that was shown when they were made."""

    def __init__(self, services: Services, panel: Inspector, tasks: TaskOwner) -> None:
        super().__init__(panel)
        self._services = services
        self._panel = panel
        self._tasks = tasks
        self._shown: int | None = None
        self._unsaved: dict[int, ChatParams] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._save_soon)
        panel.params_changed.connect(self._on_edit)
        panel.context_changed.connect(self._show_fit)
        panel.reload_wished.connect(self._reload)
        self._show_model(services.models.state)

    def show_conversation(self, conversation: Conversation) -> None:
        """Edit this one from now on."""
        self._shown = conversation.id
        params = self._unsaved.get(conversation.id, conversation.params)
        defaults, from_file = self._defaults()
        self._panel.show_params(params, defaults)
        self._panel.show_defaults(defaults, from_file)
        self._show_fit()

    def heard(self, fact: Fact) -> None:
        """A fact was published."""
        match fact:
            case ModelStateChanged(state):
                self._show_model(state)
            case LoadSettingsChanged():
                self._show_model(self._services.models.state)
            case _:
                return

    def _show_model(self, state: ModelState) -> None:
        self._panel.show_defaults(*self._defaults())
        if state.phase is ModelPhase.LOADING and state.fraction:
            # A hundred steps are told, and memory is half taken.
            return
        usual, is_set = self._usual_length(state)
        self._panel.show_model(state.model, state.info, usual, is_set=is_set)
        if state.phase is not ModelPhase.LOADING:
            self._show_fit()

    def _show_fit(self) -> None:
        chosen = self._services.models.state.model
        if chosen is None:
            self._panel.show_fit(None, 0)
            return
        wished = self._services.load_settings.effective(chosen.path)
        own = self._panel.params().context_length
        if own is not None:
            wished = replace(wished, context_length=own)
        fit = self._services.fit.fit(chosen, wished)
        self._panel.show_fit(fit, self._services.fit.largest_context(chosen, wished))

    def _usual_length(self, state: ModelState) -> tuple[int, bool]:
        """The context of a conversation without a wish, and whether the model's settings say so."""
        model, info = state.model, state.info
        if model is None:
            return automatic_length(0), False
        wished = self._services.load_settings.effective(model.path)
        is_set = wished.context_length is not None
        automatic = self._services.models.loaded_automatically
        if info is not None and not is_set and automatic(model.path):
            # What would fit now says nothing of what is loaded.
            return info.context_length, is_set
        fit = self._services.fit.fit(model, wished)
        if fit is not None:
            return fit.plan.context_length, is_set
        return wished.context_length or automatic_length(model.facts.trained_context), is_set

    def _defaults(self) -> tuple[ChatParams, tuple[str, ...]]:
        """What a new conversation starts with, and what of it the model's file recommends."""
        chat, model = self._services.settings.current.chat, self._services.models.state.model
        defaults = starting_params(chat, model)
        plain = starting_params(chat, None).sampling
        advised = model.advice if model is not None else ()
        changed = (n for n, _ in advised if getattr(plain, n) != getattr(defaults.sampling, n))
        return defaults, tuple(changed)

    def _on_edit(self, params: ChatParams) -> None:
        if self._shown is not None:
            self._unsaved[self._shown] = params
            self._timer.start()

    def _save_soon(self) -> None:
        self._timer.stop()
        if self._unsaved:
            self._tasks.spawn(self.save(), "save-params")

    async def save(self) -> None:
        """Write what was edited; before an answer, a switch, and at the end."""
        self._timer.stop()
        for conversation_id, params in tuple(self._unsaved.items()):
            await self._services.conversations.set_params(conversation_id, params)
            if self._unsaved.get(conversation_id) == params:
                del self._unsaved[conversation_id]

    def _reload(self, context_length: int | None) -> None:
        self._tasks.spawn(self._load_again(context_length), "reload")

    async def _load_again(self, context_length: int | None) -> None:
        await self.save()
        await self._services.models.load(context_length, again=True)
