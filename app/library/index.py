"""What was seen in each file, so that it is opened again only when it is another one."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final

from app.domain.errors import FileMissing, FileUnreadable, ModelFileError
from app.library.index_form import Outcome, Record, Stamp, read, written
from app.library.model_file import name_of, translate_os_error
from app.library.places.lead import Breathe
from app.library.seen_file import look_into

log = logging.getLogger(__name__)

MOST_KEPT: Final = 20_000
"""Records of files that a scan did not meet (their disk may only be unplugged)."""


class Index:
    """Confined to the thread that scans. `path` None keeps nothing beyond this process."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._records: dict[tuple[str, ...], Record] | None = None
        self._met: set[tuple[str, ...]] = set()
        self._changed = False

    def look(self, paths: tuple[str, ...], breathe: Breathe) -> tuple[Outcome, tuple[Stamp, ...]]:
        """What is in these shards, and by what they are known to be the same next time."""
        records = self._loaded(breathe)
        try:
            stamps = tuple(_stamp(path) for path in paths)
        except OSError as error:
            return _missing(error, paths), ()
        self._met.add(paths)
        record = records.get(paths)
        if record is None or record.stamps != stamps:
            record = Record(stamps, _outcome(paths))
            # What the system could not read now it may read the next time.
            if not isinstance(record.outcome, FileUnreadable | FileMissing):
                records[paths] = record
                self._changed = True
        return record.outcome, stamps

    def save(self, breathe: Breathe) -> None:
        """Write what has changed; where that cannot be done the next start reads the files."""
        if self._path is None or self._records is None or not self._changed:
            return
        unmet = [paths for paths in self._records if paths not in self._met]
        for paths in unmet[: max(0, len(unmet) - MOST_KEPT)]:
            del self._records[paths]
        unfinished = self._path.with_suffix(".part")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(unfinished, "w", encoding="utf-8") as file:
                for line in written(self._records.items()):
                    file.write(f"{line}\n")
                    breathe()
            os.replace(unfinished, self._path)
            self._changed = False
        except OSError as error:
            log.info("the index of models is not kept: %s", error.strerror)

    def _loaded(self, breathe: Breathe) -> dict[tuple[str, ...], Record]:
        if self._records is None:
            self._records = {}
            try:
                if self._path is not None:
                    with open(self._path, encoding="utf-8", errors="replace") as file:
                        for paths, record in read(file):
                            self._records[paths] = record
                            breathe()
            except OSError:
                # There is none yet, or it cannot be read: then each file is.
                self._changed = True
        return self._records


def _outcome(paths: tuple[str, ...]) -> Outcome:
    try:
        return look_into(paths)
    except ModelFileError as error:
        return error


def _stamp(path: str) -> Stamp:
    status = os.stat(path)
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino)


def _missing(error: OSError, paths: tuple[str, ...]) -> ModelFileError:
    translated = translate_os_error(error, name_of(paths[0]))
    assert isinstance(translated, ModelFileError)
    return translated
