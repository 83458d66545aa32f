"""What code a result rests on: all that a module imports within this package, read from the source.

A digest of it is part of the key of every record, so that editing anything else measures nothing again.
"""

from __future__ import annotations

import ast
import hashlib
import io
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

PACKAGE = "inertialab"


@cache
def digest(module: str) -> str:
    """Digest of a module's source and of all that it imports within this package.

    Args:
        module: Full name; a module outside the package counts with its own source.

    Returns:
        16 hexadecimal digits, which comments, docstrings and blank lines do not change.
    """
    found = hashlib.sha256()
    for name in sorted(closure(module)):
        found.update(name.encode() + b"\0" + meaning(_source(name)).encode() + b"\0")
    return found.hexdigest()[:16]


@cache
def closure(module: str) -> frozenset[str]:
    """A module and the modules of this package that it imports, directly or not, inside functions as well."""
    seen, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += imported(name)
    return frozenset(seen)


@cache
def imported(module: str) -> frozenset[str]:
    """Modules of this package that one module imports.

    The packages that it lies in run with it and give it nothing; they count where a name is taken from them.
    """
    names = set[str]()
    for node in _running(ast.parse(_source(module))):
        if isinstance(node, ast.Import):
            names |= {each for alias in node.names for each in (alias.name, *_below(alias.name))}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            names.add(base)
            for alias in node.names:
                names |= _named(base, alias.name)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return frozenset(name for name in names if location(name))


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker sees."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    here = location(module)
    depth = node.level - (here is not None and here.name == "__init__.py")
    base = module.split(".")[: len(module.split(".")) - depth]
    return ".".join([*base, *([node.module] if node.module else [])])


def _named(package: str, name: str) -> set[str]:
    """Modules that a name taken from a package may stand for."""
    inside = f"{package}.{name}"
    return {inside} | _below(inside) if location(inside) else _below(package)


def _below(package: str) -> set[str]:
    """All modules below a package that imports its names when they are asked for; none of another one."""
    home = location(package)
    if home is None or home.name != "__init__.py" or "__getattr__" not in home.read_text(encoding="utf-8"):
        return set()
    files = (f.relative_to(home.parent).with_suffix("").parts for f in home.parent.rglob("*.py"))
    return {".".join([package, *(p for p in parts if p != "__init__")]) for parts in files}


@cache
def location(module: str) -> Path | None:
    """File of a module of this package; None if there is no such module."""
    first, *rest = module.split(".")
    if first != PACKAGE or not rest:
        return None
    for root in import_module(PACKAGE).__path__:  # each top-level folder is a part of the namespace
        base = Path(root, *rest)
        for file in (base / "__init__.py", base.parent / f"{base.name}.py"):
            if file.is_file():
                return file
    return None


def _source(module: str) -> str:
    file = location(module) or getattr(sys.modules.get(module), "__file__", None)
    return Path(file).read_text(encoding="utf-8") if file else ""


def meaning(source: str) -> str:
    """A source without comments, bare strings such as docstrings, and blank lines."""
    lines = [line.encode() for line in source.splitlines()]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = source.splitlines()[row - 1][:column].encode()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            _blank(lines, node)
    return "\n".join(line.decode().rstrip() for line in lines if line.strip())


def _blank(lines: list[bytes], node: ast.Expr) -> None:
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    rest = lines[last][node.end_col_offset :]
    lines[first] = lines[first][: node.col_offset]
    lines[first + 1 : last + 1] = [b""] * (last - first)
    lines[last] = lines[last] + rest if last == first else rest
