"""The house rules that a syntax tree can tell: size caps, forbidden names, broad handlers.

tests/unit/test_architecture.py holds the application to them and lists the exceptions.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULE_LINES = 500
MODULE_LINES_SOFT = 300
FUNCTION_LINES = 60
FUNCTION_LINES_SOFT = 40
MAIN_WINDOW_LINES = 250

# A module is named for the thing in it.
VAGUE_NAMES = frozenset({"utils", "util", "common", "helpers", "helper", "manager", "misc"})

# Name → why no module of the application may use it.
FORBIDDEN_NAMES = {
    "processEvents": "it runs other people's code in the middle of ours",
    "QThread": "threads are threading.Thread, with one owner each; answers come back through flow",
    "QThreadPool": "threads are threading.Thread, with one owner each",
    "QRunnable": "threads are threading.Thread, with one owner each",
    "asyncSlot": "it loses arguments and exceptions; spawn an owned task",
    "asyncClose": "it blocks in the middle of closing; bootstrap ends the application",
    "QNetworkAccessManager": "requests go through the one network gate",
    "QTcpSocket": "requests go through the one network gate",
    "QUdpSocket": "requests go through the one network gate",
    "QSslSocket": "requests go through the one network gate",
    "QWebSocket": "requests go through the one network gate",
}

_BROAD = frozenset({"Exception", "BaseException"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Module:
    """One source file: its path relative to the root, in the form app/gui/window.py."""

    path: str
    source: str

    @property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.source, self.path)

    @property
    def lines(self) -> int:
        """The number of lines."""
        return len(self.source.splitlines())


@dataclass(frozen=True)
class Complaint:
    """A broken rule: `place` is what an exception is listed under, `said` is for the reader."""

    place: str
    said: str

    def __str__(self) -> str:
        """One line for a report."""
        return f"{self.place}: {self.said}"


def modules_of(root: Path, *parts: str) -> list[Module]:
    """Read the Python files in these folders of the checkout, or these files themselves."""
    paths: list[Path] = []
    for part in parts:
        whole = root / part
        paths += [whole] if whole.is_file() else sorted(whole.rglob("*.py"))
    return [
        Module(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
        for path in paths
    ]


def too_long(module: Module) -> Iterator[Complaint]:
    """Name the module, its main window and its functions that are over a hard cap."""
    cap = MAIN_WINDOW_LINES if _holds_main_window(module) else MODULE_LINES
    if module.lines > cap:
        yield Complaint(module.path, f"{module.lines} lines, at most {cap}")
    for place, lines in _function_lengths(module):
        if lines > FUNCTION_LINES:
            yield Complaint(place, f"{lines} lines, at most {FUNCTION_LINES}")


def getting_long(module: Module) -> Iterator[Complaint]:
    """Name what is over a soft cap and not over a hard one."""
    if MODULE_LINES_SOFT < module.lines <= MODULE_LINES:
        yield Complaint(module.path, f"{module.lines} lines, better under {MODULE_LINES_SOFT}")
    for place, lines in _function_lengths(module):
        if FUNCTION_LINES_SOFT < lines <= FUNCTION_LINES:
            yield Complaint(place, f"{lines} lines, better under {FUNCTION_LINES_SOFT}")


def broad_handlers(module: Module) -> Iterator[Complaint]:
    """Name the functions that catch everything, by `except` or by contextlib.suppress.

    A handler that ends by raising again has only tidied up, and hides nothing.
    """
    for place, node in _placed(module):
        if isinstance(node, ast.ExceptHandler):
            if isinstance(node.body[-1], ast.Raise):
                continue
            caught = [node.type] if node.type is not None else [ast.Name("BaseException")]
        elif isinstance(node, ast.Call) and _name(node.func) == "suppress":
            caught = node.args
        else:
            continue
        names = {_name(name) for part in caught for name in _parts(part)}
        if names & _BROAD:
            yield Complaint(place, f"catches everything (line {getattr(node, 'lineno', 0)})")


def forbidden_names(module: Module) -> Iterator[Complaint]:
    """Name the uses of what FORBIDDEN_NAMES lists, imports included."""
    for place, node in _placed(module):
        if isinstance(node, (ast.Name, ast.Attribute, ast.alias)):
            name = _name(node)
            if name in FORBIDDEN_NAMES:
                yield Complaint(place, f"uses {name}: {FORBIDDEN_NAMES[name]}")


def prints(module: Module) -> Iterator[Complaint]:
    """Name the calls of print; the command line alone writes to the terminal."""
    if module.path.startswith("app/cli/"):
        return
    for place, node in _placed(module):
        if isinstance(node, ast.Call) and _name(node.func) == "print":
            yield Complaint(place, f"calls print (line {node.lineno})")


def sleeps(module: Module) -> Iterator[Complaint]:
    """Name the calls of time.sleep in the window, which would stand still meanwhile."""
    if not module.path.startswith("app/gui/"):
        return
    for place, node in _placed(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep"):
            yield Complaint(place, f"sleeps (line {node.lineno})")


def vague_name(module: Module) -> Iterator[Complaint]:
    """Name the module if it, or a package around it, is named for nothing in particular."""
    vague = VAGUE_NAMES & set(module.path.removesuffix(".py").split("/"))
    if vague:
        yield Complaint(module.path, f"is named {', '.join(sorted(vague))}: for what is in it?")


def _holds_main_window(module: Module) -> bool:
    return any(
        isinstance(node, ast.ClassDef) and any(_name(base) == "QMainWindow" for base in node.bases)
        for node in ast.walk(module.tree)
    )


def _function_lengths(module: Module) -> Iterator[tuple[str, int]]:
    for place, node in _placed(module):
        if isinstance(node, _FUNCTIONS):
            assert node.end_lineno is not None
            yield place, node.end_lineno - node.lineno + 1


def _placed(module: Module) -> Iterator[tuple[str, ast.AST]]:
    """Walk the tree, each node with its place: app/gui/window.py::Window.closeEvent."""

    def walk(node: ast.AST, names: tuple[str, ...]) -> Iterator[tuple[str, ast.AST]]:
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            names = (*names, node.name)
        yield (f"{module.path}::{'.'.join(names)}" if names else module.path), node
        for child in ast.iter_child_nodes(node):
            yield from walk(child, names)

    return walk(module.tree, ())


def _parts(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Tuple):
        return node.elts
    return [node] if isinstance(node, ast.expr) else []


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.alias):
        return node.name.rpartition(".")[2]
    return ""
