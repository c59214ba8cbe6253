"""One coding task: what it is called, how people ask for it, the body, a worked example."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from tools.tinypair.text.blocks import Block, read_blocks
from tools.tinypair.text.words import capital, third_person


@dataclass(frozen=True)
class Part:
    """A piece of a composed task: its words, its code, its share of the function's name."""

    text: str
    code: str
    name: str
    sample: str = ""
    """For a filter: a list of which it keeps some items and drops others."""


@dataclass(frozen=True)
class Recipe:
    """What a task on numbers is composed of: how to collect which values of which numbers."""

    how: str
    change: Part | None
    keep: Part


@dataclass(frozen=True)
class Task:
    name: str
    params: str
    """Parameters with their types, as written in a typed signature."""
    returns: str
    phrases: tuple[str, ...]
    """Ways to say it in the imperative; the first is also the docstring."""
    body: tuple[str, ...]
    args: str
    """Arguments of the worked example, or '' when `usage` is given."""
    usage: tuple[str, ...]
    notes: tuple[str, ...]
    is_class: bool = False
    imports: tuple[str, ...] = ()
    loop: tuple[str, ...] = ()
    """The body written as a for loop, where the usual one is a comprehension."""
    recipe: Recipe | None = None

    @property
    def does(self) -> str:
        return third_person(self.phrases[0])

    def source(self, *, doc: bool = True, typed: bool = False, name: str = "") -> str:
        return "\n".join([*self._head(doc, typed, name or self.name), *self.body])

    def _head(self, doc: bool, typed: bool, name: str) -> list[str]:
        lines = [*self.imports, *(["", ""] if self.imports else [])]
        if self.is_class:
            lines += [f"class {name}:"]
            text = capital(self.phrases[0])
        else:
            params = self.params if typed else untyped(self.params)
            arrow = f" -> {self.returns}" if typed and self.returns else ""
            lines += [f"def {name}({params}){arrow}:"]
            text = capital(self.phrases[0])
        if doc:
            lines += [f'    """{text}."""']
            if self.is_class:
                lines += [""]
        return lines

    def example(self, name: str = "") -> str:
        """A line or two that use the function, with the result where there is one."""
        if self.usage:
            return "\n".join(self.usage).replace(self.name, name or self.name)
        call = f"{name or self.name}({self.args})"
        return f"print({call})  # {self.result()}"

    def result(self) -> str:
        value = run(self.source(), f"{self.name}({self.args})")
        return str(value)

    def result_repr(self) -> str:
        return repr(run(self.source(), f"{self.name}({self.args})"))


def untyped(params: str) -> str:
    """'a: int, b: dict[str, int] = {}' -> 'a, b={}'."""
    plain = []
    for param in re.split(r", (?=\w+:)", params):
        name, _, default = param.partition(" = ")
        plain.append(name.split(":")[0] + (f"={default}" if default else ""))
    return ", ".join(plain)


@lru_cache(maxsize=20_000)
def run(source: str, call: str) -> object:
    """The value of a call, computed by really running the function."""
    scope: dict[str, object] = {}
    exec(source, scope)
    return eval(call, scope)


def fill(rng: Random, block: Block) -> Task:
    """A task from a block of the data file, its parameters chosen."""
    values = {}
    for line in block.get("$"):
        name, _, options = line.partition(":")
        values["$" + name.strip()] = rng.choice(options.split())

    def put(text: str) -> str:
        for mark, value in values.items():
            text = text.replace(mark, value)
        return text

    title = put(block.title)
    is_class = title.startswith("class ")
    match = re.fullmatch(r"(?:class )?(\w+)(?:\((.*)\))?(?: -> (.*))?", title)
    assert match, title
    examples = block.get(">")
    return Task(
        name=match[1],
        params=match[2] or "",
        returns=match[3] or "",
        phrases=tuple(put(line) for line in block.get("-")),
        body=_spaced(put(line) for line in block.get(" ")),
        args=put(rng.choice(examples)) if examples else "",
        usage=tuple(put(line) for line in block.get("~")),
        notes=tuple(put(line) for line in block.get("!")),
        is_class=is_class,
        imports=block.get("^"),
    )


def _spaced(lines: Iterable[str]) -> tuple[str, ...]:
    """Methods with an empty line between them."""
    spaced: list[str] = []
    for line in lines:
        if spaced and line.startswith("    def "):
            spaced.append("")
        spaced.append(line)
    return tuple(spaced)


TASK_BLOCKS = [
    block
    for name in ("code_lists.txt", "code_strings.txt", "code_numbers.txt", "code_misc.txt")
    for block in read_blocks(name)
]


def fixed_task(rng: Random) -> Task:
    return fill(rng, rng.choice(TASK_BLOCKS))
