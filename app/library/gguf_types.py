"""Numbers that GGUF files use: tensor types and quantisation names.

Source: `ggml_type` and its traits in ggml (ggml.h, ggml.c) and `llama_ftype` in llama.h, as
vendored by llama-cpp-python 0.3.36; tests/unit/library/test_gguf_types.py compares both with it.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class TensorLayout(NamedTuple):
    """How the elements of a tensor type are packed."""

    name: str
    block: int
    """Elements in a block."""
    nbytes: int
    """Bytes of a block."""


TENSOR_LAYOUTS: Final[dict[int, TensorLayout]] = {
    0: TensorLayout("F32", 1, 4),
    1: TensorLayout("F16", 1, 2),
    2: TensorLayout("Q4_0", 32, 18),
    3: TensorLayout("Q4_1", 32, 20),
    6: TensorLayout("Q5_0", 32, 22),
    7: TensorLayout("Q5_1", 32, 24),
    8: TensorLayout("Q8_0", 32, 34),
    9: TensorLayout("Q8_1", 32, 36),
    10: TensorLayout("Q2_K", 256, 84),
    11: TensorLayout("Q3_K", 256, 110),
    12: TensorLayout("Q4_K", 256, 144),
    13: TensorLayout("Q5_K", 256, 176),
    14: TensorLayout("Q6_K", 256, 210),
    15: TensorLayout("Q8_K", 256, 292),
    16: TensorLayout("IQ2_XXS", 256, 66),
    17: TensorLayout("IQ2_XS", 256, 74),
    18: TensorLayout("IQ3_XXS", 256, 98),
    19: TensorLayout("IQ1_S", 256, 50),
    20: TensorLayout("IQ4_NL", 32, 18),
    21: TensorLayout("IQ3_S", 256, 110),
    22: TensorLayout("IQ2_S", 256, 82),
    23: TensorLayout("IQ4_XS", 256, 136),
    24: TensorLayout("I8", 1, 1),
    25: TensorLayout("I16", 1, 2),
    26: TensorLayout("I32", 1, 4),
    27: TensorLayout("I64", 1, 8),
    28: TensorLayout("F64", 1, 8),
    29: TensorLayout("IQ1_M", 256, 56),
    30: TensorLayout("BF16", 1, 2),
    34: TensorLayout("TQ1_0", 256, 54),
    35: TensorLayout("TQ2_0", 256, 66),
    39: TensorLayout("MXFP4", 32, 17),
    40: TensorLayout("NVFP4", 64, 36),
    41: TensorLayout("Q1_0", 128, 18),
    42: TensorLayout("Q2_0", 64, 18),
}

FILE_TYPES: Final[dict[int, str]] = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
    36: "TQ1_0",
    37: "TQ2_0",
    38: "MXFP4_MOE",
    39: "NVFP4",
    40: "Q1_0",
    41: "Q2_0",
}
"""`general.file_type` to the name that people use for a quantisation."""
