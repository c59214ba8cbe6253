"""Finds names of drafters that stand in code where the registry should be read.

A name that means nothing else is found wherever it is a string of its own. Words with other
meanings, such as ``model``, are found where the code shows that a drafter is meant: beside
another drafter's name, or where the word is compared with, given to or returned as something that
is called a drafter.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

AMBIGUOUS = frozenset({"auto", "model", "none"})
"""Words that options, devices, layers and JSON use for other things as well."""

_Collection = ast.Tuple | ast.List | ast.Set | ast.Dict
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def names_in(source: str, words: Collection[str]) -> list[tuple[int, str]]:
    """The lines and names of drafters in a Python file, in order."""
    tree = ast.parse(source)
    plain = _docstrings(tree)
    found: set[tuple[int, int, str]] = set()

    def note(node: ast.expr) -> None:
        for each in _values(node):
            if each.value in words and each not in plain:
                found.add((each.lineno, each.col_offset, str(each.value)))

    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value not in AMBIGUOUS:
            note(node)
        if isinstance(node, _Collection) and len({*words} & {*map(_value, _values(node))}) > 1:
            note(node)
    for scope, nodes in _scopes(tree):
        called = _called_drafter(nodes)
        for node in nodes:
            for value in _meant_as_drafter(node, scope, called):
                note(value)
    return [(line, word) for line, _, word in sorted(found)]


def _docstrings(tree: ast.Module) -> set[ast.Constant]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def _values(node: ast.expr | None) -> Iterator[ast.Constant]:
    """The strings an expression may come to, or hold if it is a collection."""
    parts: list[ast.expr | None] = []
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    elif isinstance(node, ast.IfExp):
        parts = [node.body, node.orelse]
    elif isinstance(node, ast.BoolOp):
        parts = [*node.values]
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        parts = [*node.elts]
    elif isinstance(node, ast.Dict):
        parts = [*node.keys, *node.values]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        parts = [*node.args[1:]] if node.func.attr == "get" else []
    for part in parts:
        yield from _values(part)


def _value(node: ast.Constant) -> object:
    return node.value


def _scopes(tree: ast.Module) -> Iterator[tuple[_Function | None, list[ast.AST]]]:
    """Each function with the nodes in it, and the rest of the module."""
    functions = [node for node in ast.walk(tree) if isinstance(node, _Function)]
    inside: set[ast.AST] = set()
    for function in functions:
        nodes = [*ast.walk(function)]
        inside.update(nodes)
        yield function, nodes
    yield None, [node for node in ast.walk(tree) if node not in inside]


def _called_drafter(nodes: list[ast.AST]) -> set[str]:
    """Local names that hold a drafter's name, whatever they are called."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Assign) and _is_called_drafter(node.value):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and any(
            map(_is_called_drafter, (node.annotation, node.value))
        ):
            found |= {node.target.id} if isinstance(node.target, ast.Name) else set()
    return found


def _is_called_drafter(node: ast.AST | None, known: Collection[str] = ()) -> bool:
    """Whether an expression is a thing called drafter, or what it has under that key."""
    if isinstance(node, ast.Name):
        return _says(node.id) or node.id in known
    if isinstance(node, ast.Attribute):
        return _says(node.attr)
    if isinstance(node, ast.Constant):
        return node.value == "drafter"
    if isinstance(node, ast.Subscript):
        return _is_called_drafter(node.slice)
    if isinstance(node, ast.Tuple):
        return any(map(_is_called_drafter, node.elts))
    if isinstance(node, ast.Call):
        key = node.args[0] if node.args and isinstance(node.args[0], ast.Constant) else None
        return _is_called_drafter(node.func) or _is_called_drafter(key)
    return False


def _meant_as_drafter(
    node: ast.AST, scope: _Function | None, known: Collection[str]
) -> Iterator[ast.expr]:
    """The expressions whose value is taken as a drafter's name."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        if any(_is_called_drafter(side, known) for side in sides):
            yield from sides
    elif isinstance(node, ast.Return):
        if scope and node.value and (_says(scope.name) or _is_called_drafter(scope.returns)):
            yield node.value
    else:
        yield from _bound_to_drafter(node)


def _bound_to_drafter(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions that are given to something called a drafter."""
    if isinstance(node, ast.Assign) and any(map(_is_called_drafter, node.targets)):
        yield node.value
    elif isinstance(node, ast.AnnAssign) and node.value:
        if any(map(_is_called_drafter, (node.target, node.annotation))):
            yield node.value
    elif isinstance(node, ast.keyword) and _says(node.arg):
        yield node.value
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        yield from (
            value for key, value in pairs if isinstance(key, ast.Constant) and _says(key.value)
        )
    elif isinstance(node, ast.arguments):
        last = node.args[len(node.args) - len(node.defaults) :]
        yield from (d for a, d in zip(last, node.defaults, strict=True) if _says(a.arg))
        by_name = zip(node.kwonlyargs, node.kw_defaults, strict=True)
        yield from (default for arg, default in by_name if default and _says(arg.arg))


def _says(name: object) -> bool:
    return isinstance(name, str) and "drafter" in name.lower()
