"""jinja2's sandbox, with a limit to what a template may compute and how long.

The sandbox keeps a template away from Python's internals, but lets it loop, nest and multiply as
long as it likes. Here every block of a template pays for itself when it is entered, and every
value for its weight when it is made or looked at (see ``budget`` and ``paying``). Nothing is
computed while a template is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import BuiltinMethodType, MethodType
from typing import Any

from jinja2 import Template, TemplateAssertionError, nodes, pass_context
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedFormatter
from jinja2.utils import Cycler, Joiner, Namespace

from specdec_cli.templates.budget import Budget, TooMuchWorkError, size
from specdec_cli.templates.filters import filters, tests
from specdec_cli.templates.functions import Variables, raise_exception, strftime_now
from specdec_cli.templates.methods import METHODS, at_once, pay_format, pay_method, pay_percent
from specdec_cli.templates.paying import Payments

MAX_NODES = 10_000
"""Statements and expressions of a template: compiling takes time, too."""
MAX_CHARACTERS = 100_000
"""Of a template's text; the longest known ones have about half of that."""
_INTERNAL = ("_loop_vars", "_block_vars")
"""Arguments that jinja2 adds to calls."""
_OWN_OBJECTS = (LoopContext, Macro, Namespace, Cycler, Joiner)
_FORBIDDEN: Mapping[type[nodes.Node], str] = {
    nodes.ScopedEvalContextModifier: "autoescape",
    nodes.Extends: "extends",
    nodes.FromImport: "import",
    nodes.Import: "import",
    nodes.Include: "include",
}


class GenerationBlock(Extension):
    """``{% generation %}`` marks what the assistant says, for training; here it changes nothing."""

    tags = {"generation"}  # noqa: RUF012 - jinja2 declares it so

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Compiles templates as transformers does, which pay for what they do.

    Attributes:
        budget: what the next rendering may do; set it before each.
    """

    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            optimized=False,
            finalize=self.written,
            extensions=["jinja2.ext.loopcontrols", GenerationBlock],
        )
        self.budget = Budget(0)
        self.filters = dict(filters(lambda: self.budget))
        self.tests = dict(tests(lambda: self.budget))
        del self.globals["lipsum"]
        self.globals.update(
            namespace=Variables, raise_exception=raise_exception, strftime_now=strftime_now
        )

    def template(self, source: str) -> Template:
        """A template that pays for what it does.

        Raises:
            TemplateSyntaxError: it is not valid.
            TooMuchWorkError: it is too long.
        """
        if len(source) > MAX_CHARACTERS:
            raise TooMuchWorkError(f"it is longer than {MAX_CHARACTERS} characters")
        tree = self.parse(source)
        _check(tree)
        return self.from_string(Payments().visit(tree))

    def pay(self, units: int) -> bool:
        """Pay for a block that is entered."""
        self.budget.pay(units)
        return True

    def weighed(self, value: Any) -> Any:
        """Pay for a value; the value."""
        self.budget.weigh(value)
        return value

    def sliced(self, value: Any) -> Any:
        """Pay for a part of something that was paid for."""
        self.budget.pay(size(value))
        return value

    def joined(self, values: Sequence[Any]) -> str:
        """The values as one text."""
        self.budget.weigh(values)
        return "".join(map(str, values))

    @pass_context  # jinja2 computes nothing at compile time for what needs a context
    def written(self, _context: Context, value: Any) -> str:
        """A value as it appears in the output."""
        self.budget.weigh(value)
        return str(value)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        for kind, names in METHODS.items():
            if isinstance(obj, kind):
                return attr in names
        return isinstance(obj, _OWN_OBJECTS) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Any:
        if not isinstance(value, BuiltinMethodType) or value.__name__ != "format":
            return None
        form = value.__self__
        if not isinstance(form, str):
            return None

        def formatted(*args: Any, **kwargs: Any) -> str:
            pay_format(self.budget, form, [*args, *kwargs.values()])
            return SandboxedFormatter(self).vformat(form, args, kwargs)

        return formatted

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        self.budget.weigh(left)
        self.budget.weigh(right)
        if operator == "*":
            _check_product(self.budget, left, right)
        elif operator == "**" and isinstance(left, int) and isinstance(right, int):
            self.budget.pay(left.bit_length() * abs(right))
        elif operator == "%" and isinstance(left, str):
            pay_percent(self.budget, left, right)
        return self.weighed(super().call_binop(context, operator, left, right))

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Pay for a call, and make it."""
        if isinstance(obj, MethodType) and obj.__self__ is self:
            return obj(*args)  # a payment
        self.budget.pay(1 + len(args) + len(kwargs))
        given = [*args, *(value for key, value in kwargs.items() if key not in _INTERNAL)]
        if isinstance(obj, BuiltinMethodType):
            pay_method(self.budget, obj.__self__, obj.__name__, given)
            if at_once(obj.__self__, obj.__name__):
                return super().call(context, obj, *args, **kwargs)
        elif not isinstance(obj, Macro) or obj.catch_varargs or obj.catch_kwargs:
            self.budget.weigh(given)  # a macro that names its arguments only passes them on
        return self.weighed(super().call(context, obj, *args, **kwargs))


def _check_product(budget: Budget, left: Any, right: Any) -> None:
    for value, times in ((left, right), (right, left)):
        if isinstance(times, int) and not isinstance(value, (int, float)):
            budget.weigh(value, times=times)


def _check(tree: nodes.Template) -> None:
    """Refuse what is too large to be compiled, and what no chat template needs."""
    waiting: list[nodes.Node] = [tree]
    count = 0
    while waiting:
        node = waiting.pop()
        count += 1
        if count > MAX_NODES:
            raise TooMuchWorkError(f"it has more than {MAX_NODES} statements and expressions")
        if type(node) in _FORBIDDEN:
            raise TemplateAssertionError(
                f"{_FORBIDDEN[type(node)]} is not for chat templates", node.lineno
            )
        waiting += node.iter_child_nodes()
