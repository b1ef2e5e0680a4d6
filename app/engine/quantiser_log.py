"""What llama.cpp's quantiser says while it works: it reports in its log only.

Each tensor is a line and a half (src/llama-quant.cpp, `llama_model_quantize_impl`), which come as
two pieces or three:

    [   3/ 272] blk.0.attn_k.weight  - [   576,    192,      1,      1], type =    f16,
    converting to q8_0 ..
    size =     0.21 MiB ->     0.11 MiB

A dry run says the new type at the end of the last piece, as in `(q8_0)`. Where a tensor stays as it
is, the size has no arrow.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_MIB = 1024 * 1024
_BEGUN = re.compile(r"^\[ *\d+/ *\d+\] .*, type = *(\w+),$")
_DONE = re.compile(r"^size = *([\d.]+) MiB( ->)?")
_TOTAL = re.compile(r"(model|quant) size *= *([\d.]+) MiB")
_FULL = ("f32", "f16", "bf16")
_LAST_LINES = 30


class QuantiserLog:
    """Hears the lines of one run, and tells how many bytes of the source are done."""

    def __init__(self, heard: Callable[[int], None] = lambda _: None) -> None:
        self._heard = heard
        self._type = ""
        self.done_bytes = 0
        self.source_bytes = 0
        """Of all tensors; 0 until the end."""
        self.result_bytes = 0
        self.converts_quantised = False
        """Whether a tensor that was quantised before becomes another type."""
        self.last_lines: list[str] = []

    def hear(self, line: str) -> None:
        """One piece, as it comes."""
        self.last_lines = [*self.last_lines[1 - _LAST_LINES :], line]
        if begun := _BEGUN.match(line):
            self._type = begun[1]
        elif done := _DONE.match(line):
            self.done_bytes += round(float(done[1]) * _MIB)
            self.converts_quantised |= bool(done[2]) and self._type not in _FULL
            self._heard(self.done_bytes)
        elif total := _TOTAL.search(line):
            nbytes = round(float(total[2]) * _MIB)
            if total[1] == "model":
                self.source_bytes = nbytes
            else:
                self.result_bytes = nbytes
