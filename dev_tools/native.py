"""Building llama-cpp-python from its source distribution, once per machine and kind of build.

pip keeps wheels that it built, but under a key that knows nothing of CMAKE_ARGS: a CPU build would
be handed out where a CUDA build was asked for. So pip's cache is left out of it, and the wheel is
kept under a key of our own, beside pip's cache and never in the checkout.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from dev_tools import system
from dev_tools.console import Stop, output_of, step
from dev_tools.files import only_one
from dev_tools.lockfile import APP, NATIVE_BUILD, Lock
from dev_tools.venv import Venv

PACKAGE = "llama-cpp-python"
BACKENDS = ("auto", "cpu", "cuda", "metal", "vulkan")

# On macOS the package's own CMakeLists.txt always turns Metal on; nothing is to be added for it.
_CMAKE_ARGS = {
    "cpu": (),
    "cuda": ("-DGGML_CUDA=ON", "-DCMAKE_CUDA_ARCHITECTURES=native"),
    "metal": (),
    "vulkan": ("-DGGML_VULKAN=ON",),
}

# Raised when the way of building changes, so that wheels built the old way are not taken.
_RECIPE = 2

_NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"

_NUMBERS = re.compile(r"\d+")
_NINJA_LINE = re.compile(r"\[(\d+)/(\d+)\]")
_INSTRUCTION_LINES = re.compile(r"^(?:flags|Features|isa)\s*:\s*(.*)$", re.MULTILINE)


class Build(NamedTuple):
    """Everything that a finished wheel depends on."""

    version: str
    source: str
    backend: str
    cmake_args: str
    platform: str
    instructions: str

    @property
    def folder(self) -> str:
        """The wheel's folder in the cache, readable and yet exact.

        The Python version is not part of it: the wheel is tagged py3-none, since the library is
        reached through ctypes.
        """
        whole = hashlib.sha256(json.dumps([_RECIPE, *self]).encode()).hexdigest()
        return f"{PACKAGE}-{self.version}-{self.backend}-{self.platform}-{whole[:12]}"


def choose_backend(asked: str, python_platform: str) -> str:
    """Return the backend to build: the one asked for, or the best that this machine can use."""
    if asked != "auto":
        if asked == "metal" and sys.platform != "darwin":
            raise Stop("The backend metal is for macOS only.")
        return asked
    if sys.platform == "darwin" and python_platform.endswith(("arm64", "universal2")):
        return "metal" if platform.machine() == "arm64" else "cpu"
    if _nvcc() is not None and output_of(["nvidia-smi", "-L"]):
        return "cuda"
    return "cpu"


def built_wheel(lock: Lock, backend: str, python: Path, python_platform: str) -> Path:
    """Return the wheel of llama-cpp-python for this machine; build it if it is not kept yet."""
    build = Build(
        version=lock.version(APP, PACKAGE),
        source=lock.block(APP, PACKAGE),
        backend=backend,
        cmake_args=_cmake_args(backend),
        platform=f"{python_platform}-{platform.machine()}",
        instructions=_instructions(),
    )
    folder = _cache_folder(python) / build.folder
    with only_one(folder.parent / (build.folder + ".lock"), f"building {PACKAGE}"):
        for wheel in folder.glob("*.whl"):
            return wheel
        _require_compiler(backend)
        return _build(build, lock, python, folder)


def _cmake_args(backend: str) -> str:
    """What CMake is given, quoted as scikit-build-core splits it; the person's own come last."""
    given = [*_CMAKE_ARGS[backend], *_without_broken_amx()]
    return " ".join([*map(shlex.quote, given), os.environ.get("CMAKE_ARGS", "")]).strip()


def _without_broken_amx() -> list[str]:
    """Leave the matrix instructions (AMX) out where the compiler breaks ggml's use of them.

    Before GCC 12.4 and 13.3 (its bug 114098) the tile configuration is dropped as dead code, and
    the first multiplication on a processor that has AMX ends with SIGSEGV. GCC 10 knows no AMX.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return []
    compiler = os.environ.get("CXX", "").split()[:1] or ["c++"]
    if "Free Software Foundation" not in (output_of([*compiler, "--version"]) or ""):
        return []
    version = tuple(map(int, _NUMBERS.findall(output_of([*compiler, "-dumpfullversion"]) or "")))
    if version < (11,) or version >= (13, 3) or (12, 4) <= version < (13,):
        return []
    return [f"-DCMAKE_{language}_FLAGS={_NO_AMX}" for language in ("C", "CXX")]


def _build(build: Build, lock: Lock, python: Path, folder: Path) -> Path:
    # Beside its final place, so that the last move is a rename on one volume.
    prefix = f"build-{folder.name[-12:]}-"
    for left_over in (*folder.parent.glob(prefix + "*"), folder):
        # Of a build that was killed: whoever holds the lock knows that nobody works there now.
        shutil.rmtree(left_over, ignore_errors=True)
    log = folder.parent / (folder.name + ".log")
    log.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=str(folder.parent)) as name:
        work = Path(name)
        tools = Venv(work / "tools", log)
        with step(f"Fetching what builds {PACKAGE}") as running:
            tools.create(python, running)
            tools.install(lock.section(NATIVE_BUILD), running)
        out = work / "wheel"
        with step(f"Building {PACKAGE} {build.version} for {build.backend}") as running:
            running.show = _build_remark
            tools.build_wheel(build.source, out, running, _build_environment(build, tools, work))
        os.replace(out, folder)
    return next(folder.glob("*.whl"))


def _build_environment(build: Build, tools: Venv, work: Path) -> dict[str, str]:
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([str(tools.scripts), environment.get("PATH", "")])
    environment["CMAKE_ARGS"] = build.cmake_args
    nvcc = _nvcc()
    if build.backend == "cuda" and nvcc is not None:
        environment.setdefault("CUDACXX", nvcc)
    if os.name != "nt":
        # On Windows scikit-build-core finds Visual Studio itself, and Ninja would need its shell.
        environment.setdefault("CMAKE_GENERATOR", "Ninja")
        # The system's temporary folder may be memory, and small. On Windows it is left alone, for
        # there the paths of this build come close to the longest that the compiler can take.
        temporary = work / "tmp"
        temporary.mkdir()
        environment["TMPDIR"] = str(temporary)
    return environment


def _build_remark(line: str) -> str | None:
    """Return what to show of a line that pip, CMake or Ninja said while building, if anything."""
    counted = _NINJA_LINE.search(line)
    if counted is not None:
        done, total = int(counted[1]), int(counted[2])
        return f"{100 * done // total:3d} %  [{done}/{total}]"
    # Without Ninja (on Windows) the compiler names the file that it is at.
    interesting = "Downloading" in line or "***" in line or line.endswith((".cpp", ".c", ".cu"))
    return line.strip() if interesting else None


def _require_compiler(backend: str) -> None:
    if not _has_compiler():
        system.install_or_tell("a C++ compiler", system.COMPILER)
        if not _has_compiler():
            raise Stop(f"{PACKAGE} is built here and needs a C++ compiler. {_compiler_command()}")
    if backend == "cuda" and _nvcc() is None:
        raise Stop(
            "The backend cuda needs NVIDIA's CUDA toolkit (nvcc). Install it, or use --backend cpu."
        )
    if backend == "vulkan" and shutil.which("glslc") is None:
        raise Stop(
            "The backend vulkan needs the Vulkan SDK (glslc and headers). "
            "On Debian and Ubuntu: sudo apt-get install glslc libvulkan-dev spirv-headers"
        )


def _has_compiler() -> bool:
    if sys.platform == "darwin":
        return output_of(["xcode-select", "-p"]) is not None
    if os.name == "nt":
        return _has_visual_studio() or shutil.which("cl") is not None
    named = os.environ.get("CXX", "").split()
    return any(shutil.which(name) for name in (*named[:1], "c++", "g++", "clang++"))


def _has_visual_studio() -> bool:
    programs = os.environ.get("PROGRAMFILES(X86)", "C:/Program Files (x86)")
    vswhere = Path(programs) / "Microsoft Visual Studio" / "Installer" / "vswhere.exe"
    needed = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"
    found = output_of(
        [vswhere, "-products", "*", "-requires", needed, "-property", "installationPath"]
    )
    return bool(found and found.strip())


def _compiler_command() -> str:
    if sys.platform == "darwin":
        return "Install it with: xcode-select --install"
    if os.name == "nt":
        return (
            "Install it with: winget install Microsoft.VisualStudio.2022.BuildTools --override "
            '"--wait --passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"'
        )
    return f"Install it with: {system.command_for(system.COMPILER)}"


def _nvcc() -> str | None:
    found = shutil.which("nvcc")
    if found:
        return found
    for home in (os.environ.get("CUDA_PATH"), os.environ.get("CUDA_HOME"), "/usr/local/cuda"):
        if home:
            found = shutil.which("nvcc", path=str(Path(home) / "bin"))
            if found:
                return found
    return None


def _instructions() -> str:
    # ggml is compiled for the very processor it is built on (GGML_NATIVE). A home folder shared by
    # two machines must not give the one the other's instructions.
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = output_of(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.processor()
        return " ".join(text.split())
    return " ".join(
        sorted({word for line in _INSTRUCTION_LINES.findall(text) for word in line.split()})
    )


def _cache_folder(python: Path) -> Path:
    said = output_of([python, "-m", "pip", "cache", "dir"])
    if said and said.strip():
        return Path(said.strip()) / "lamplight"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "lamplight-dev"
    if os.name == "nt":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "lamplight-dev"
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "lamplight-dev"
