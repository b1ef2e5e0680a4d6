"""What this build of llama.cpp is and can use."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import psutil

from app.domain.placement import Device, DeviceKind
from app.engine.native.bindings import LIBRARY_FOLDER, VERSION, lib
from app.engine.native.log import LOG

_MIB = 1024 * 1024


def start() -> None:
    """Make llama.cpp ready; may be called again."""
    LOG.install()
    _return_large_blocks()
    lib.llama_backend_init()


def system_info() -> str:
    """The processor features that the build uses, as llama.cpp prints them."""
    return lib.llama_print_system_info().decode("utf-8", "replace").strip()


def can_offload() -> bool:
    """Whether layers can go to a graphics processor."""
    return bool(lib.llama_supports_gpu_offload())


def amx_in_use() -> bool:
    """Whether the CPU backend was compiled for AMX and finds it in this processor.

    Before GCC 12.4 and 13.3 (its bug 114098) `_tile_loadconfig` claims to read 8 of its argument's
    64 bytes, so the compiler drops the rest of ggml's tile configuration (ggml-cpu/amx/mmq.cpp,
    `tile_config_init`), and the first multiplication ends with SIGSEGV. From the outside a good
    build cannot be told from a bad one.
    """
    return "AMX_INT8 = 1" in system_info()


def version() -> str:
    """llama.cpp's own."""
    return lib.llama_version().decode("utf-8", "replace")


def describe() -> dict[str, str | list[str]]:
    """Facts for `lamplight doctor`."""
    return {
        "llama-cpp-python": VERSION,
        "llama.cpp": version(),
        "offload": "yes" if can_offload() else "no",
        "devices": [_in_words(device) for device in devices()],
        "system_info": system_info(),
    }


def accelerators() -> list[str]:
    """Names of the graphics processors that layers can go to."""
    return [device.name for device in devices() if device.kind is not DeviceKind.PROCESSOR]


_PROCESSOR, _GRAPHICS, _INTEGRATED = 0, 1, 2
"""ggml-backend.h, enum ggml_backend_dev_type; others compute in the processor's place."""
_SHARING_BACKENDS = ("MTL", "Metal")
"""Graphics processors that call themselves discrete but have the machine's memory."""


def devices() -> list[Device]:
    """Each device of each backend, with its memory as it is now."""
    ggml = _ggml()
    found: list[Device] = []
    for device in _devices(ggml):
        device_type = ggml.ggml_backend_dev_type(device)
        free, total = _memory_of(ggml, device, device_type)
        backend = _text(ggml.ggml_backend_reg_name(ggml.ggml_backend_dev_backend_reg(device)))
        found.append(
            Device(
                name=_text(ggml.ggml_backend_dev_name(device)),
                description=_text(ggml.ggml_backend_dev_description(device)),
                backend=backend,
                kind=kind_of(device_type, backend),
                free_bytes=free,
                total_bytes=total,
            )
        )
    return found


def _memory_of(ggml: ctypes.CDLL, device: int, device_type: int) -> tuple[int, int]:
    """Free and total bytes; 0 where the device does not tell."""
    if device_type == _PROCESSOR:
        # ggml takes all of the machine's memory for free.
        memory = psutil.virtual_memory()
        return int(memory.available), int(memory.total)
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    ggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
    return free.value, total.value


def kind_of(device_type: int, backend: str) -> DeviceKind:
    """Whose memory a device of ggml's type computes in."""
    if device_type == _INTEGRATED or backend in _SHARING_BACKENDS:
        return DeviceKind.SHARED
    return DeviceKind.GRAPHICS if device_type == _GRAPHICS else DeviceKind.PROCESSOR


def _in_words(device: Device) -> str:
    memory = ""
    if device.total_bytes:
        free, total = device.free_bytes // _MIB, device.total_bytes // _MIB
        memory = f", {free} of {total} MiB free"
    return f"{device.name}: {device.description} ({device.kind}){memory}"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _devices(ggml: ctypes.CDLL) -> Iterator[int]:
    for index in range(ggml.ggml_backend_dev_count()):
        yield ggml.ggml_backend_dev_get(index)


@cache
def _ggml() -> ctypes.CDLL:
    """The library with ggml's device registry, which llama_cpp's bindings leave out.

    llama_cpp has loaded it already, as a dependency of its own library; opening it again only
    counts up.
    """
    folder = LIBRARY_FOLDER
    names = ("libggml.so", "libggml.dylib", "ggml.dll", "libggml.dll")
    path = next((folder / name for name in names if (folder / name).exists()), None)
    library = ctypes.CDLL(str(path) if path is not None else None)
    size_pointer = ctypes.POINTER(ctypes.c_size_t)
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "count": (ctypes.c_size_t, []),
        "get": (ctypes.c_void_p, [ctypes.c_size_t]),
        "name": (ctypes.c_char_p, [ctypes.c_void_p]),
        "description": (ctypes.c_char_p, [ctypes.c_void_p]),
        "type": (ctypes.c_int, [ctypes.c_void_p]),
        "memory": (None, [ctypes.c_void_p, size_pointer, size_pointer]),
        "backend_reg": (ctypes.c_void_p, [ctypes.c_void_p]),
    }
    library.ggml_backend_reg_name.restype = ctypes.c_char_p
    library.ggml_backend_reg_name.argtypes = [ctypes.c_void_p]
    for name, (result, arguments) in signatures.items():
        function = getattr(library, f"ggml_backend_dev_{name}")
        function.restype = result
        function.argtypes = arguments
    return library


_LARGE = 4 * _MIB
"""Bytes from which a block is taken from the system and returned to it, and not kept for the next.
What is needed for each token is smaller: 12 bytes for each of the vocabulary's, of 256,000 at
most."""
_MOST_KEPT = 16 * _MIB
"""Freed bytes that the C library may keep for itself at the end of its memory."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""malloc.h of glibc."""


def _return_large_blocks() -> None:
    """Let the C library return large blocks as soon as they are freed.

    By itself glibc takes the first that is freed (a cache of 24 MB, say) as a sign that blocks of
    that size come and go, and has them in its own memory from then on, which comes to lie in
    pieces: after twenty loads of SmolLM2 135M with changing contexts it had 88 MB, 26 MB of them
    free, and so 37 MB, 9 MB of them free.
    """
    choose = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if choose is not None:
        choose(_M_MMAP_THRESHOLD, _LARGE)
        choose(_M_TRIM_THRESHOLD, _MOST_KEPT)


def give_back_memory() -> None:
    """Let the C library return what was freed to the system.

    glibc keeps freed pages for itself: some 60 MB after a small model (measured over 240 s of loads
    and unloads, 94 MB against 34). Other C libraries return them by themselves.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)
