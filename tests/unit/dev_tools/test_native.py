"""Which llama.cpp is built, and under which key its wheel is kept."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from dev_tools import native
from dev_tools.console import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

LINUX = "linux-x86_64"
MAC = "macosx-14.0-arm64"
BUILD = native.Build("0.3.36", "llama-cpp-python==0.3.36", "cpu", "", LINUX, "avx avx2")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A Linux machine without CUDA, to be changed by the test."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(native, "_nvcc", lambda: None)
    monkeypatch.setattr(native, "output_of", lambda _command: None)
    return monkeypatch


def answer_to_nvidia_smi(command: Sequence[object]) -> str | None:
    return "GPU 0: NVIDIA H100" if command[0] == "nvidia-smi" else None


def test_the_processor_where_there_is_nothing_else(machine: pytest.MonkeyPatch) -> None:
    assert native.choose_backend("auto", LINUX) == "cpu"


def test_a_toolkit_without_a_card_is_no_cuda(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(native, "_nvcc", lambda: "/usr/local/cuda/bin/nvcc")
    assert native.choose_backend("auto", LINUX) == "cpu"


def test_a_card_without_a_toolkit_is_no_cuda(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(native, "output_of", answer_to_nvidia_smi)
    assert native.choose_backend("auto", LINUX) == "cpu"


def test_a_toolkit_and_a_card_are_cuda(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(native, "_nvcc", lambda: "/usr/local/cuda/bin/nvcc")
    machine.setattr(native, "output_of", answer_to_nvidia_smi)
    assert native.choose_backend("auto", LINUX) == "cuda"


def test_metal_on_apple_silicon(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(sys, "platform", "darwin")
    machine.setattr(native.platform, "machine", lambda: "arm64")
    assert native.choose_backend("auto", MAC) == "metal"


def test_no_metal_on_an_intel_mac(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(sys, "platform", "darwin")
    machine.setattr(native.platform, "machine", lambda: "x86_64")
    assert native.choose_backend("auto", "macosx-13.0-x86_64") == "cpu"


def test_metal_elsewhere_is_refused(machine: pytest.MonkeyPatch) -> None:
    with pytest.raises(Stop, match="macOS only"):
        native.choose_backend("metal", LINUX)


@pytest.mark.parametrize("backend", ["cpu", "cuda", "vulkan"])
def test_a_wish_is_a_command(machine: pytest.MonkeyPatch, backend: str) -> None:
    assert native.choose_backend(backend, LINUX) == backend


@pytest.mark.parametrize(
    "other",
    [
        BUILD._replace(version="0.3.37"),
        BUILD._replace(source="llama-cpp-python==0.3.36 --hash=sha256:1"),
        BUILD._replace(backend="cuda"),
        BUILD._replace(cmake_args="-DGGML_NATIVE=OFF"),
        BUILD._replace(platform="linux-aarch64"),
        BUILD._replace(instructions="avx avx2 avx512f"),
    ],
)
def test_whatever_changes_the_wheel_changes_its_place(other: native.Build) -> None:
    assert other.folder != BUILD.folder


def test_a_missing_toolkit_is_a_sentence(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(native, "_has_compiler", lambda: True)
    machine.setattr(native.shutil, "which", lambda _name: None)
    with pytest.raises(Stop, match=r"CUDA toolkit"):
        native._require_compiler("cuda")
    with pytest.raises(Stop, match=r"Vulkan SDK"):
        native._require_compiler("vulkan")


@pytest.mark.parametrize(
    ("version", "left_out"),
    [
        ("10.2.1", False),
        ("11.4.0", True),
        ("12.2.0", True),
        ("12.4.0", False),
        ("13.2.0", True),
        ("13.3.0", False),
        ("14.1.0", False),
    ],
)
def test_matrix_instructions_are_left_out_where_gcc_breaks_them(
    machine: pytest.MonkeyPatch, version: str, left_out: bool
) -> None:
    def gcc(command: list[str]) -> str:
        return f"{version}\n" if command[-1] == "-dumpfullversion" else "Free Software Foundation"

    machine.setattr(native, "output_of", gcc)
    machine.setattr(native.platform, "machine", lambda: "x86_64")
    arguments = shlex.split(native._cmake_args("cpu"))
    assert any("-mno-amx-tile" in argument for argument in arguments) == left_out
    assert all(argument.startswith("-D") for argument in arguments)


def test_matrix_instructions_are_no_matter_on_arm(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(native, "output_of", lambda _command: "Free Software Foundation 12.2.0")
    machine.setattr(native.platform, "machine", lambda: "arm64")
    assert native._cmake_args("cpu") == ""


def test_what_the_person_gives_cmake_comes_last(machine: pytest.MonkeyPatch) -> None:
    machine.setenv("CMAKE_ARGS", "-DGGML_NATIVE=OFF")
    assert native._cmake_args("vulkan").endswith("-DGGML_VULKAN=ON -DGGML_NATIVE=OFF")
