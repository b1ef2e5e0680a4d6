"""The composition root: builds every object, wires them, starts and stops them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.commands import Bench, Chat, CliCommand, Command, OpenWindow
from app.config.logs import start_logging
from app.config.passing_settings import PassingSettings
from app.config.paths import ProfilePaths, make_folders, profile_paths
from app.config.profile_lock import ProfileLock, downloads_taken
from app.config.secrets import KeyringSecrets, SessionSecrets
from app.config.settings_file import SettingsFile
from app.domain.errors import (
    AppError,
    ConfigError,
    ProfileInUse,
    StoreDamaged,
    StoreError,
    StoreReadOnly,
)
from app.flow.broadcast import Broadcast
from app.flow.tasks import TaskOwner

if TYPE_CHECKING:
    from app.bootstrap_models import ModelSide
    from app.domain.facts import Fact
    from app.domain.ports import ConversationStore, Engine, ModelLibrary, SettingsKeeper
    from app.engine.kept.folder import Keeping
    from app.engine.pool import OneModelEngine
    from app.services import Services
    from app.services.benchmarks import BenchmarkService
    from app.services.doctor import DoctorProbes
    from app.services.fit import FitService
    from app.services.load_settings import LoadSettingsService
    from app.services.models import ModelService
    from app.services.settings import SettingsService


def run(command: Command) -> int:
    """Do what the command line asked for; the exit status."""
    paths = profile_paths(command.profile, os.environ)
    if isinstance(command, OpenWindow):
        return _run_window(command, paths)
    return _run_terminal(command, paths)


def now_ms() -> int:
    """The wall clock, in milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Application:
    """The objects of one profile, from `start` to `stop`."""

    def __init__(
        self,
        paths: ProfilePaths,
        *,
        in_memory: bool = False,
        keeps_settings: bool = True,
        owns_profile: bool = False,
        unusable: ConfigError | None = None,
    ) -> None:
        """`in_memory`: nothing is kept, neither conversations nor settings. Without
        `keeps_settings` the settings alone are not.

        `owns_profile`: only the one window of a profile may repair what it finds in it.

        `unusable` tells why nothing can be kept in the profile's folder.
        """
        self.settings = SettingsFile(paths.settings)
        self._paths = paths
        self._in_memory = in_memory
        self._keeps_settings = keeps_settings and not in_memory
        self._owns_profile = owns_profile
        self._unusable = unusable
        self._tasks = TaskOwner(_report_bug)
        self._downloads = ProfileLock(paths.downloads_lock, downloads_taken)
        self._secrets = SessionSecrets(KeyringSecrets())
        # What ends each thing that was begun, in the order of its beginning.
        self._stops: list[Callable[[], Awaitable[None]]] = []
        # What went wrong while everything was opened; `start` may add to it.
        self.notices: list[AppError] = [] if unusable else list(self.settings.notices)

    async def start(self) -> Services:
        """Open the store, look for models, and hand out the services."""
        # Imported here: the window paints its first frame before it needs any of them.
        from app.config.load_mark import LoadMarkFile
        from app.library.local_library import LocalLibrary
        from app.services import Services
        from app.services.chat import ChatService
        from app.services.context_meter import ContextMeterService
        from app.services.conversations import ConversationService
        from app.services.doctor import DoctorService
        from app.services.models import ModelService
        from app.services.settings import SettingsService

        facts: Broadcast[Fact] = Broadcast()
        self._store = store = await self._open_store()
        self._stops += [store.close, self._tasks.drain]
        library = LocalLibrary()
        self._stops.append(library.close)
        keeper = self.settings if self._keeps_settings else PassingSettings(self.settings.current)
        settings = SettingsService(keeper)
        self._engine = engine = self._make_engine(settings)
        self._stops.append(engine.close)
        load_settings = self._make_load_settings(library, settings, facts)
        fit = self._make_fit(library, load_settings, facts)
        await fit.start()
        mark = LoadMarkFile(self._paths.load_mark) if self._owns_profile else None
        models = ModelService(
            engine, library, store, settings, load_settings, fit, facts, self._tasks, mark
        )
        chat = ChatService(engine, store, models, facts, self._tasks, now_ms)
        self._stops.append(chat.close)
        made = self._make_model_side(keeper, library, settings, load_settings, fit, models, facts)
        services = Services(
            facts=facts,
            models=models,
            conversations=ConversationService(
                store, settings, facts, now_ms, lambda: models.state.model, engine.forget
            ),
            chat=chat,
            settings=settings,
            doctor=DoctorService(self._probes()),
            fit=fit,
            load_settings=load_settings,
            meter=ContextMeterService(engine, models),
            benchmarks=self._make_benchmarks(models, load_settings, facts),
            hub=made.hub,
            library=made.library,
            ollama=made.ollama,
            access=made.access,
            quantise=made.quantise,
            transfers=made.transfers,
        )
        await models.start()
        return services

    async def start_for_window(self) -> Services:
        """As `start`; go on with downloads, and read the chosen model so that the first question
        need not wait."""
        services = await self.start()
        self._tasks.spawn(services.transfers.start(), "go-on-with-downloads")
        if self.settings.current.engine.load_at_start:
            self._tasks.spawn(services.models.preload(at_start=True), "preload")
        self._tasks.spawn(services.library.scan(), "library")
        return services

    async def stop(self) -> None:
        """Stop the answers, write what is left, end the engine host and all threads.

        What `start` had not come to is left out.
        """
        while self._stops:
            await self._stops.pop()()
        self._downloads.release()

    def _make_load_settings(
        self, library: ModelLibrary, settings: SettingsService, facts: Broadcast[Fact]
    ) -> LoadSettingsService:
        from app.config.load_settings_file import LoadSettingsFile
        from app.services.load_settings import LoadSettingsService

        kept = self._paths.load_settings
        wishes = LoadSettingsFile(None if self._in_memory else kept, read_from=kept)
        return LoadSettingsService(wishes, library, settings, _machine(), facts)

    def _make_fit(
        self, library: ModelLibrary, load_settings: LoadSettingsService, facts: Broadcast[Fact]
    ) -> FitService:
        from app.engine.limits import machine_memory
        from app.services.fit import FitService

        return FitService(
            self._engine,
            library,
            self._store,
            load_settings.effective,
            facts,
            self._tasks,
            machine_memory,
            _machine(),
            now_ms,
        )

    def _make_benchmarks(
        self, models: ModelService, load_settings: LoadSettingsService, facts: Broadcast[Fact]
    ) -> BenchmarkService:
        from app.engine.limits import machine_memory
        from app.engine.machine_facts import machine_facts
        from app.services.benchmarks import BenchmarkService

        return BenchmarkService(
            self._engine,
            self._store,
            models,
            load_settings,
            facts,
            self._tasks,
            machine_memory,
            machine_facts,
            _machine(),
            now_ms,
        )

    def _make_engine(self, settings: SettingsService) -> Engine:
        from app.engine.limits import machine_memory
        from app.engine.pool import EnginePool, PoolLimits

        def limits() -> PoolLimits:
            engine = settings.current.engine
            return PoolLimits(round(engine.memory_budget_gb * 1e9), engine.keep_minutes * 60.0)

        return EnginePool(self._engine_class(), limits, machine_memory, self._tasks)

    def _engine_class(self) -> Callable[[], OneModelEngine]:
        if self.settings.current.engine.isolation == "thread":
            from app.engine.thread_engine import ThreadEngine

            return lambda: ThreadEngine(self._keeping)
        from app.engine.crashes import AnswerCrashes
        from app.engine.supervisor import HostEngine

        crashes = AnswerCrashes()
        return lambda: HostEngine(keeping=self._keeping, crashes=crashes)

    def _keeping(self) -> Keeping | None:
        """Where the engine keeps conversations that leave its memory."""
        from app.engine.kept.folder import Keeping

        if self._in_memory or self._unusable is not None:
            return None
        engine = self.settings.current.engine
        most = engine.disk_cache_gb * 10**9 if engine.disk_cache else 0
        return Keeping(str(self._paths.states), most)

    def _make_model_side(
        self,
        keeper: SettingsKeeper,
        files: ModelLibrary,
        settings: SettingsService,
        load_settings: LoadSettingsService,
        fit: FitService,
        models: ModelService,
        facts: Broadcast[Fact],
    ) -> ModelSide:
        from app.bootstrap_models import Ground, build_model_side

        return build_model_side(
            Ground(
                paths=self._paths,
                keeps=not self._in_memory and self._unusable is None,
                keeper=keeper,
                secrets=self._secrets,
                downloads=self._downloads,
                files=files,
                settings=settings,
                load_settings=load_settings,
                fit=fit,
                models=models,
                facts=facts,
                tasks=self._tasks,
                clock=now_ms,
                stops=self._stops,
            )
        )

    async def _open_store(self) -> ConversationStore:
        from app.store.sqlite_store import SqliteStore
        from app.store.unavailable import UnavailableStore

        try:
            if self._unusable is not None:
                raise _as_store_error(self._unusable)
            store = SqliteStore(None if self._in_memory else self._paths.database)
            try:
                limited = await store.open()
            except StoreDamaged as error:
                await store.close()
                store = SqliteStore(self._begin_anew(error))
                limited = await store.open()
            if limited is not None:
                self.notices.append(limited)
            elif self._owns_profile:
                await store.recover(now_ms())
        except StoreError as error:
            self.notices.append(error)
            return UnavailableStore(error)
        return store

    def _begin_anew(self, error: StoreDamaged) -> Path:
        from app.store.aside import aside_notice, set_aside

        if not self._owns_profile:
            raise error
        kept = set_aside(self._paths.database)
        self.notices.append(aside_notice(kept, error))
        return self._paths.database

    def _probes(self) -> DoctorProbes:
        from app.config.secrets import keyring_backend_name
        from app.services.doctor import DoctorProbes

        return DoctorProbes(
            paths={
                "Profile": str(self._paths.root),
                "Conversations": str(self._paths.database),
                "Settings": str(self._paths.settings),
                "Logs": str(self._paths.logs),
                "Read conversations": str(self._paths.states),
            },
            engine=self._engine.describe,
            kept=self._engine.kept_bytes,
            database=self._store.health,
            keyring=keyring_backend_name,
            settings_notices=lambda: self.settings.notices,
        )


def _machine() -> str:
    """A name for this machine that tells nobody which one it is."""
    return hashlib.sha256(f"{platform.node()}\n{platform.machine()}".encode()).hexdigest()[:16]


def _report_bug(error: BaseException) -> None:
    """To whoever shows bugs: the window's hook (which logs it, without its message), or stderr."""
    sys.excepthook(type(error), error, error.__traceback__)


def _as_store_error(error: ConfigError) -> StoreError:
    return StoreReadOnly(error.title, error.detail, error.remedy)


# ---------------------------------------------------------------------------------- the window


def _run_window(command: OpenWindow, paths: ProfilePaths) -> int:
    unusable: ConfigError | None = None
    lock = ProfileLock(paths.lock)
    # Several spellings of one folder are one profile.
    profile_key = hashlib.sha256(os.path.realpath(paths.root).encode()).hexdigest()[:16]
    try:
        make_folders(paths)
        lock.acquire()
    except ProfileInUse as error:
        return _hand_over(profile_key, command.files, error)
    except ConfigError as error:
        unusable = error
    stop_logging = start_logging(paths.logs)
    try:
        return _open_window(command, paths, profile_key, unusable)
    finally:
        stop_logging()
        lock.release()


def _open_window(
    command: OpenWindow, paths: ProfilePaths, profile_key: str, unusable: ConfigError | None
) -> int:
    from app.config.window_state import WindowStateFile
    from app.gui.app import WindowOptions
    from app.gui.app import run as run_window

    application = Application(paths, owns_profile=True, unusable=unusable)
    state = WindowStateFile(paths.window_state)
    options = WindowOptions(
        files=command.files,
        theme=application.settings.current.appearance.theme,
        profile_key=profile_key,
        load_window_state=state.read,
        save_window_state=state.write,
        notices=application.notices,
    )
    return run_window(application.start_for_window, application.stop, options)


def _hand_over(profile_key: str, files: tuple[str, ...], error: ProfileInUse) -> int:
    """Let the window that is open already show itself and these files."""
    from app.gui.single_instance import forward

    if forward(profile_key, files):
        return 0
    from app.gui.app import show_error

    show_error(error)
    return 1


# -------------------------------------------------------------------------------- the terminal


def _run_terminal(command: CliCommand, paths: ProfilePaths) -> int:
    return asyncio.run(_terminal(command, paths))


async def _terminal(command: CliCommand, paths: ProfilePaths) -> int:
    from app.cli.run import run as run_command

    in_memory = isinstance(command, Chat)
    unusable: ConfigError | None = None
    if not in_memory:
        try:
            make_folders(paths)
        except ConfigError as error:
            unusable = error
    application = Application(
        paths,
        in_memory=in_memory,
        # The model that is measured must not become the one that is chosen in the window.
        keeps_settings=not isinstance(command, Bench),
        unusable=unusable,
    )
    try:
        return await run_command(command, await application.start())
    finally:
        await application.stop()
