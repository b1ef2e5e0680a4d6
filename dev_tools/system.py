"""The system's own packages: what Qt's libraries and the tests need from Linux.

On Debian and its kin, as root, what is missing is installed. Elsewhere the exact command is named
and the work goes on, for whatever can be done without.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterable, NamedTuple

from dev_tools.console import Stop, output_of, say, step, watch


class Packages(NamedTuple):
    """The same need in the words of four package managers."""

    apt: tuple[str, ...]
    dnf: tuple[str, ...]
    pacman: tuple[str, ...]
    zypper: tuple[str, ...]


COMPILER = Packages(
    apt=("build-essential",),
    dnf=("gcc-c++",),
    pacman=("base-devel",),
    zypper=("gcc-c++",),
)

# What PySide6's wheel leaves to the system, by the library's file name: found missing one by one.
_APT_BY_LIBRARY = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libOpenGL.so.0": "libopengl0",
    "libGLX.so.0": "libglx0",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libbrotlidec.so.1": "libbrotli1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
_QT = Packages(
    apt=tuple(sorted(set(_APT_BY_LIBRARY.values()))),
    dnf=(
        "mesa-libEGL", "mesa-libGL", "libglvnd-opengl", "fontconfig", "freetype", "dbus-libs",
        "glib2", "brotli", "libX11-xcb", "libxkbcommon-x11", "xcb-util", "xcb-util-cursor",
        "xcb-util-image", "xcb-util-keysyms", "xcb-util-renderutil", "xcb-util-wm",
        "libwayland-cursor", "libwayland-egl",
    ),
    pacman=(
        "libgl", "fontconfig", "freetype2", "dbus", "glib2", "brotli", "libx11", "libxkbcommon-x11",
        "xcb-util", "xcb-util-cursor", "xcb-util-image", "xcb-util-keysyms", "xcb-util-renderutil",
        "xcb-util-wm", "wayland",
    ),
    zypper=(
        "libEGL1", "libGL1", "libOpenGL0", "fontconfig", "libfreetype6", "libdbus-1-3",
        "libglib-2_0-0", "libbrotlidec1", "libX11-xcb1", "libxkbcommon-x11-0", "libxcb-cursor0",
        "libxcb-icccm4", "libxcb-image0", "libxcb-keysyms1", "libxcb-render-util0", "libxcb-util1",
        "libwayland-cursor0", "libwayland-egl1",
    ),
)  # fmt: skip

# What the tests drive the window with: a program or file by which each package is known.
_TEST_TOOLS = {
    "xvfb": "Xvfb",
    "xauth": "xauth",
    "xdotool": "xdotool",
    "xclip": "xclip",
    "imagemagick": "import",
    "dbus-x11": "dbus-launch",
    "gnome-keyring": "gnome-keyring-daemon",
    "at-spi2-core": "/usr/libexec/at-spi-bus-launcher",
    "fonts-noto-core": "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "fonts-noto-color-emoji": "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",
}
_TESTS = Packages(
    apt=tuple(_TEST_TOOLS),
    dnf=(
        "xorg-x11-server-Xvfb", "xauth", "xdotool", "xclip", "ImageMagick", "dbus-x11",
        "gnome-keyring", "at-spi2-core", "google-noto-sans-fonts", "google-noto-color-emoji-fonts",
    ),
    pacman=(
        "xorg-server-xvfb", "xorg-xauth", "xdotool", "xclip", "imagemagick", "dbus",
        "gnome-keyring", "at-spi2-core", "noto-fonts", "noto-fonts-emoji",
    ),
    zypper=(
        "xorg-x11-server-Xvfb", "xauth", "xdotool", "xclip", "ImageMagick", "dbus-1-x11",
        "gnome-keyring", "at-spi2-core", "google-noto-sans-fonts", "noto-coloremoji-fonts",
    ),
)  # fmt: skip

_NOT_FOUND = re.compile(r"^\s*(\S+) => not found", re.MULTILINE)


def provide_qt_libraries(pyside: Path) -> bool:
    """See that Qt's libraries and its platform plugins find what they need from the system.

    `pyside` is the PySide6 package's folder. Returns False if something is still missing.
    """
    if sys.platform != "linux":
        return True
    missing = _missing_libraries(pyside)
    if not missing:
        return True
    if missing <= _APT_BY_LIBRARY.keys():
        needed = tuple(sorted({_APT_BY_LIBRARY[name] for name in missing}))
    else:
        needed = _QT.apt
    install_or_tell("libraries for Qt", _QT._replace(apt=needed))
    missing = _missing_libraries(pyside)
    if missing:
        say(f"Qt still lacks {', '.join(sorted(missing))}: the window may not open.")
    return not missing


def provide_test_tools() -> bool:
    """See that the programs are here by which the tests drive the window.

    Returns False if something is still missing; the tests that need it are then skipped.
    """
    if sys.platform != "linux":
        return True
    missing = _missing_tools()
    if missing:
        install_or_tell("programs and fonts for the tests", _TESTS._replace(apt=missing))
        missing = _missing_tools()
    if missing:
        say(f"Tests that need {', '.join(missing)} will be skipped.")
    return not missing


def install_or_tell(what: str, packages: Packages) -> None:
    """Install packages where that can be done without asking; else name the command."""
    as_root = _as_root()
    if shutil.which("apt-get") is None or as_root is None:
        say(f"Missing: {what}. Install with: {command_for(packages)}")
        return
    log = Path(tempfile.gettempdir()) / f"lamplight-apt-{os.getpid()}.log"
    apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    try:
        with step(f"Installing {what}: {' '.join(packages.apt)}") as running:
            watch([*apt, "update", "-q"], log, running.progress)
            watch(
                [*apt, "install", "-q", "-y", "--no-install-recommends", *packages.apt],
                log,
                running.progress,
            )
    except Stop as stop:
        # No network, or a mirror that is down: what can be done without goes on.
        say(str(stop))


def _as_root() -> list[str] | None:
    """Return what to put before a command to run it as root, or None where nobody said we may."""
    if os.geteuid() == 0:
        return []
    # A person is never surprised by sudo; on a CI machine there is no person.
    if os.environ.get("CI") and output_of(["sudo", "-n", "true"]) is not None:
        return ["sudo", "-n"]
    return None


def command_for(packages: Packages) -> str:
    """Return the command by which a person installs the packages on this system."""
    if shutil.which("dnf"):
        return f"sudo dnf install {' '.join(packages.dnf)}"
    if shutil.which("pacman"):
        return f"sudo pacman -S --needed {' '.join(packages.pacman)}"
    if shutil.which("zypper"):
        return f"sudo zypper install {' '.join(packages.zypper)}"
    return f"sudo apt-get install --no-install-recommends {' '.join(packages.apt)}"


def _missing_libraries(pyside: Path) -> set[str]:
    qt = pyside / "Qt"
    libraries = [
        *(qt / "lib" / f"libQt6{name}.so.6" for name in ("Core", "Gui", "Widgets", "DBus", "Svg")),
        *(qt / "plugins" / "platforms").glob("libq*.so"),
    ]
    # Embedded platforms that a desktop never loads; their needs are not ours.
    unused = ("eglfs", "linuxfb", "minimalegl", "vkkhrdisplay", "vnc")
    wanted = [path for path in libraries if path.exists() and not _named(path, unused)]
    done = subprocess.run(
        ["ldd", *map(str, wanted)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    return set(_NOT_FOUND.findall(done.stdout.decode("utf-8", "replace")))


def _named(path: Path, names: Iterable[str]) -> bool:
    return any(name in path.name for name in names)


def _missing_tools() -> tuple[str, ...]:
    return tuple(
        package
        for package, sign in _TEST_TOOLS.items()
        if not (Path(sign).exists() if sign.startswith("/") else shutil.which(sign))
    )
