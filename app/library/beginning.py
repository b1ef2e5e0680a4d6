"""What a model is whose file lies elsewhere, told by its first bytes alone."""

from __future__ import annotations

import io
from collections.abc import Sequence

from app.domain.errors import FileDamaged
from app.domain.localmodel import BeginningTooShort, FileBeginning, LocalModel
from app.library.gguf_header import Header
from app.library.model_file import FileStamp, header_in, model_of


class _Beginning(io.BytesIO):
    """A file of which only the first bytes are here; remembers whether more was wanted."""

    ran_out = False

    def read(self, size: int | None = -1, /) -> bytes:
        """What there is."""
        found = super().read(size)
        self.ran_out |= size is None or len(found) < size
        return found


def inspect_beginnings(shards: Sequence[FileBeginning]) -> LocalModel | BeginningTooShort:
    """The model of which these are all the shards; raises `ModelFileError` cases."""
    headers: list[Header] = []
    for number, shard in enumerate(shards):
        file = _Beginning(shard.beginning)
        try:
            headers.append(header_in(file, shard.size_bytes, shard.name))
        except FileDamaged:
            # What looks like the end of the file may only be the end of what was read.
            if file.ran_out and len(shard.beginning) < shard.size_bytes:
                return BeginningTooShort(number)
            raise
    stamps = tuple(FileStamp(shard.name, shard.size_bytes, 0) for shard in shards)
    return model_of(stamps, tuple(headers), shards[0].name)
