"""The file of how each model is loaded: TOML that people may edit, read with care, written whole.

    [models."/home/ada/models/some.gguf"]
    context_length = 16384
    key_type = "q8_0"

    [machines.0f3a]
    threads = 7

It stands beside the settings file, so that the command line reads it without the database. What
this version does not know stays in the file; what cannot be used is its default.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Callable
from dataclasses import Field, asdict, fields
from pathlib import Path
from typing import Any, cast

from app.config.whole_file import free_name, write_whole
from app.domain.errors import ConfigError
from app.domain.load_params import Adapter, LoadParams, bounded

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1


class LoadSettingsFile:
    """The adapter for `LoadSettingsKeeper`; `path` None keeps nothing beyond this process.

    Read when it is first asked, so that the window opens without.
    """

    def __init__(self, path: Path | None, *, read_from: Path | None = None) -> None:
        """`read_from`: where to begin, for what is not to be written."""
        self._path = path
        self._source = path or read_from
        self._given: dict[str, Any] | None = None

    def params(self, path: str) -> LoadParams:
        """What is wished for the model of this file; the defaults where nothing is."""
        return _params_from(_table(_table(self._document(), "models"), path))

    def keep_params(self, path: str, params: LoadParams) -> None:
        """Remember the wish; raises `ConfigError` if it cannot be written, and holds it then."""
        default, told = asdict(LoadParams()), _plain(asdict(params))
        names = tuple(default)
        values = {name: told[name] for name in names if told[name] != _plain(default)[name]}
        self._keep("models", path, names, values)

    def threads(self, machine: str) -> int | None:
        """The count of threads that was measured to be the best on a machine."""
        found = _table(_table(self._document(), "machines"), machine).get("threads")
        sound = type(found) is int and found > 0
        return cast("int", found) if sound else None

    def keep_threads(self, machine: str, threads: int | None) -> None:
        """Remember it, or forget it; raises `ConfigError` as `keep_params` does."""
        values = {} if threads is None else {"threads": threads}
        self._keep("machines", machine, ("threads",), values)

    # ------------------------------------------------------------------------------- reading

    def _document(self) -> dict[str, Any]:
        if self._given is None:
            self._given = self._read()
        return self._given

    def _read(self) -> dict[str, Any]:
        if self._source is None:
            return {}
        try:
            return tomllib.loads(self._source.read_bytes().decode())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            # The models load with their defaults; a later change sets the file aside first.
            log.warning("how models are loaded could not be read: %s", type(error).__name__)
            return {}

    # ------------------------------------------------------------------------------- writing

    def _keep(self, section: str, key: str, names: tuple[str, ...], values: dict[str, Any]) -> None:
        """Put `values` in the place of those of `names` that stood there."""

        def change(document: Any) -> None:
            tables = _made_table(document, section)
            table = _made_table(tables, key)
            for name in names:
                table.pop(name, None)
            table.update(values)
            if not table:
                del tables[key]

        change(self._document())
        if self._path is None:
            return
        try:
            write_whole(self._path, self._changed_text(self._path, change).encode(errors="replace"))
        except OSError as error:
            raise ConfigError(
                "The model's settings can't be saved. They hold until Lamplight ends.",
                f"{self._path}: {error.strerror}",
                "Check that the disk has space and that Lamplight may write to its folder.",
            ) from error

    def _changed_text(self, path: Path, change: Callable[[Any], None]) -> str:
        """The file as it lies there now, with its comments, and with the change."""
        # Imported here: only writing needs it.
        import tomlkit
        from tomlkit.exceptions import TOMLKitError

        try:
            document: Any = tomlkit.parse(path.read_bytes().decode())
        except FileNotFoundError:
            document = tomlkit.document()
        except (ValueError, TOMLKitError):
            # Perhaps one wrong sign is all that is wrong.
            path.rename(free_name(path, "damaged"))
            document = tomlkit.document()
        change(document)
        document.setdefault("schema_version", SCHEMA_VERSION)
        return str(document.as_string())


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _made_table(document: Any, name: str) -> Any:
    """The same; made where there is none or something else."""
    if not isinstance(document.get(name), dict):
        document[name] = {}
    return document[name]


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """As TOML has it: lists for tuples."""
    return {
        name: list(cast("tuple[Any, ...]", value)) if isinstance(value, tuple) else value
        for name, value in values.items()
    }


def _params_from(table: dict[str, Any]) -> LoadParams:
    known: dict[str, Any] = {}
    for field in fields(LoadParams):
        if field.name in table:
            try:
                known[field.name] = _accepted(field, table[field.name])
            except (TypeError, ValueError, KeyError):
                log.warning("a setting of a model could not be used: %s", field.name)
    return bounded(LoadParams(**known))


_OPTIONAL_COUNTS = frozenset(
    {"context_length", "gpu_layers", "threads", "prompt_threads", "micro_batch", "main_device"}
)


def _accepted(field: Field[Any], value: Any) -> Any:
    """The value in the field's own type; raises `ValueError`, `TypeError` or `KeyError`."""
    if field.name == "adapters":
        return tuple(Adapter(_text(one["path"]), float(one.get("scale", 1))) for one in value)
    if field.name == "tensor_split":
        return tuple(float(share) for share in value)
    choices = field.metadata["choices"]
    if choices and value not in choices:
        raise ValueError
    kind = int if field.name in _OPTIONAL_COUNTS else type(cast("object", field.default))
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise TypeError
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
