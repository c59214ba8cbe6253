"""Writes payments into a parsed template: calls of the environment that runs it.

They are nodes as an extension of jinja2 may make them, so nothing of its compiler is replaced.
"""

from __future__ import annotations

from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

_CHARACTERS = 8
_VALUES = (nodes.Dict, nodes.List)
_EMPTY_TOO = ("body",)
_BODIES = (*_EMPTY_TOO, "else_")


class Payments(NodeTransformer):
    """Makes every block pay when it is entered, and values when they are made or compared.

    The methods it names are those of ``BoundedEnvironment``.
    """

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:
        costs = {name: sum(map(_cost, body)) for name, body in _bodies(node)}
        test = _cost(node.test) if isinstance(node, nodes.For) and node.test else 0
        super().generic_visit(node, *args, **kwargs)
        for name, body in _bodies(node):
            body.insert(0, nodes.ExprStmt(_paid(costs[name], node.lineno), lineno=node.lineno))
        if isinstance(node, nodes.For) and node.test is not None:
            # It runs for every item, outside of any block.
            node.test = nodes.And(_paid(test, node.lineno), node.test, lineno=node.lineno)
        elif isinstance(node, nodes.Compare):
            node.expr = _call("weighed", node.expr)
            for operand in node.ops:
                operand.expr = _call("weighed", operand.expr)
        elif isinstance(node, _VALUES) or (isinstance(node, nodes.Tuple) and node.ctx == "load"):
            return _call("weighed", node)
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice):
            return _call("sliced", node)
        elif isinstance(node, nodes.Concat):
            return _call("joined", nodes.Tuple(node.nodes, "load", lineno=node.lineno))
        return node


def _bodies(node: nodes.Node) -> list[tuple[str, list[nodes.Node]]]:
    """The blocks of a statement; one that is repeated pays even where nothing is in it."""
    if isinstance(node, nodes.Expr):
        return []
    found = [(name, getattr(node, name)) for name in _BODIES if name in node.fields]
    return [(name, body) for name, body in found if body or name in _EMPTY_TOO]


def _paid(units: int, line: int) -> nodes.Call:
    return _call("pay", nodes.Const(units, lineno=line))


def _call(method: str, *arguments: nodes.Expr) -> nodes.Call:
    line = arguments[0].lineno
    target = nodes.EnvironmentAttribute(method, lineno=line)
    return nodes.Call(target, list(arguments), [], None, None, lineno=line)


def _cost(node: nodes.Node) -> int:
    """Units of a statement or expression, without the blocks in it, which pay for themselves."""
    own = len(node.data) // _CHARACTERS if isinstance(node, nodes.TemplateData) else 0
    return 1 + own + sum(map(_cost, node.iter_child_nodes(exclude=_BODIES)))
