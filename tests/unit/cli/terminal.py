"""The command line over scripted services, with what it wrote."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.cli.commands import CliCommand
from app.cli.output import Output
from app.cli.run import run
from app.config.secrets import SessionSecrets
from app.domain.hub import CuratedList
from app.services import Services
from app.services.access import AccessService
from app.services.context_meter import ContextMeterService
from app.services.doctor import DoctorProbes, DoctorService
from app.services.hub import HubService
from app.services.ollama import OllamaService
from app.services.transfers import TransferService
from tests.helpers.scripted_access import ScriptedHubAccess, ScriptedKeyring
from tests.unit.services.world import World, world


class FakeTerminal(io.StringIO):
    """A stream that says whether it is a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON objects, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


async def engine_facts() -> Mapping[str, str | Sequence[str]]:
    """As an engine describes itself."""
    return {"llama.cpp": "b1", "devices": ["CPU: fast"]}


def services_of(made: World, probes: DoctorProbes | None = None) -> Services:
    """The services of a world, as `app.bootstrap` hands them out."""
    probes = probes or DoctorProbes(
        paths={}, engine=engine_facts, kept=made.engine.kept_bytes, database=made.store.health,
        keyring=lambda: "none", settings_notices=list,
    )  # fmt: skip
    return Services(
        facts=made.models._facts,
        models=made.models,
        conversations=made.conversations,
        chat=made.chat,
        settings=made.settings,
        doctor=DoctorService(probes),
        fit=made.fit,
        load_settings=made.load_settings,
        meter=ContextMeterService(made.engine, made.models),
        benchmarks=made.benchmarks,
        hub=HubService(made.hub, made.shelf, lambda: CuratedList(date(2026, 11, 24))),
        library=made.library,
        ollama=OllamaService(made.ollama, made.library, made.models, made.fit),
        access=AccessService(
            ScriptedHubAccess(), SessionSecrets(ScriptedKeyring()), made.settings, ""
        ),
        quantise=made.quantise,
        transfers=TransferService(made.hub, made.models, made.models._facts, made.tasks),
    )


def at_terminal(
    command: CliCommand,
    prepare: Callable[[World], Awaitable[None] | None] = lambda _: None,
    *,
    terminal: bool = False,
    interrupt: Callable[[World], bool] | None = None,
    probes: DoctorProbes | None = None,
) -> Outcome:
    """Run a command; `interrupt` tells when Ctrl+C is pressed."""
    out, err = FakeTerminal(terminal=terminal), FakeTerminal(terminal=terminal)

    async def main() -> int:
        async with world() as made:
            waited = prepare(made)
            if waited is not None:
                await waited
            task = asyncio.create_task(run(command, services_of(made, probes), Output(out, err)))
            if interrupt is not None:
                pressed = interrupt
                await asyncio.sleep(0)
                await made.until(lambda: pressed(made))
                task.cancel()
            return await task

    return Outcome(asyncio.run(main()), out.getvalue(), err.getvalue())
