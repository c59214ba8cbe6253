"""A template that means harm, or is badly wrong, ends with an error: soon, and in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from jinja2 import nodes
from jinja2.filters import FILTERS
from jinja2.tests import TESTS

from specdec_cli.templates.budget import Budget
from specdec_cli.templates.message import Message
from specdec_cli.templates.sandbox import MAX_CHARACTERS, MAX_NODES, BoundedEnvironment
from specdec_cli.templates.template import ChatTemplate, TemplateFailedError

HI = [Message("user", "Hi")]
MEGABYTE = 1 << 20
OVER = "far more work"


def grown(start: str, step: str, end: str = "") -> str:
    """A value that is made anew of itself, many times over."""
    body = f"{{% for i in range(99) %}}{step}{{% endfor %}}"
    return f"{{% set ns = namespace(a={start}) %}}{body}{end}"


def set_to(value: str) -> str:
    return f"{{% set ns.a = {value} %}}"


LONG = "('x' * 99999)"
LOOPS = {
    "range": ("{{ range(10 ** 12) | list }}", "Range too big"),
    "loops": (
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        OVER,
    ),
    "tests": (
        "{% for a in range(100000) %}{% for b in range(100000) if false %}{% endfor %}{% endfor %}",
        OVER,
    ),
    "tests of a value": (
        (
            "{% set r = range(90000) %}{% for a in range(90000) %}{% for b in r if false %}"
            "{% endfor %}{% endfor %}"
        ),
        OVER,
    ),
    "calls": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1) ~ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
        OVER,
    ),
    "recursion": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "calls itself"),
    "blocks": ("{% block a %}{{ self.a() }}{{ self.a() }}{% endblock %}", "calls itself"),
    "loop in itself": ("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "calls itself"),
    "a loop looked through": (
        (
            "{% for a in range(100000) %}{% for b in range(100000) %}{{ loop | list | length }}"
            "{% endfor %}{% endfor %}"
        ),
        OVER,
    ),
    "output": (f"{{% for i in range(100000) %}}{'x' * 50000}{{% endfor %}}", OVER),
    "written constants": ("{% for i in range(100000) %}{{ 'x' | center(9999) }}{% endfor %}", OVER),
    "comparing": (
        (
            f"{{% set a = {LONG} %}}{{% for i in range(100000) %}}"
            f"{{% if a == {LONG} %}}{{% endif %}}{{% endfor %}}"
        ),
        OVER,
    ),
    "comparing values": (
        (
            f"{{% set a = {LONG} %}}{{% set b = {LONG} %}}{{% for i in range(30000) %}}"
            "{% if a == b %}{% endif %}{% endfor %}"
        ),
        OVER,
    ),
    "slicing": (
        f"{{% set a = {LONG} %}}{{% for i in range(30000) %}}{{% set b = a[1:] %}}{{% endfor %}}",
        OVER,
    ),
    "sorting": (
        "{% set a = range(90000) | list %}{% for i in range(999) %}{{ (a | sort)[0] }}{% endfor %}",
        OVER,
    ),
    "searching": (
        f"{{% for i in range(99) %}}{{{{ {LONG}.rfind('y' ~ {LONG}) }}}}{{% endfor %}}",
        OVER,
    ),
}
GROWTH = {
    "adding": (grown("'xx'", set_to("ns.a + ns.a")), OVER),
    "joining": (grown("'xx'", set_to("ns.a ~ ns.a")), OVER),
    "writing": (grown("'xx'", "{% set t %}{{ ns.a }}{{ ns.a }}{% endset %}" + set_to("t")), OVER),
    "filtering": (
        grown("'xx'", "{% filter upper %}" * 9 + f"{{{{ {LONG} }}}}" + "{% endfilter %}" * 9),
        OVER,
    ),
    "lists": (grown("['x']", set_to("[ns.a, ns.a]"), "{{ ns.a }}"), OVER),
    "tuples": (grown("('x',)", set_to("(ns.a, ns.a)"), "{{ ns.a }}"), OVER),
    "mappings": (grown("{}", set_to("{'a': ns.a, 'b': ns.a}"), "{{ ns.a | tojson }}"), ""),
    "dict": (grown("{}", set_to("dict(a=ns.a, b=ns.a)"), "{{ ns.a | string }}"), ""),
    "deep": (grown("[]", set_to("[ns.a]"), "{{ ns.a }}"), "nests lists too deep"),
    "arguments": (
        "{% macro m() %}{% set ns.a = varargs %}{% endmacro %}"
        + grown("()", "{{ m(ns.a, ns.a) }}", "{{ ns.a }}"),
        "",
    ),
    "numbers": (grown("3", set_to("ns.a * ns.a")), "enormous numbers"),
    "differences": (grown("3", set_to("ns.a - -ns.a") * 99), "enormous numbers"),
    "times": ("{{ 'x' * 10 ** 12 }}", OVER),
    "times a list": ("{{ 10 ** 10 * [0] }}", OVER),
    "power": ("{{ 10 ** (10 ** 10) }}", OVER),
}
WIDTHS = {
    "center": ("{{ 'x' | center(10 ** 10) }}", OVER),
    "ljust": ("{{ 'x'.ljust(10 ** 10) }}", OVER),
    "zfill": ("{{ '1'.zfill(10 ** 10) }}", OVER),
    "indent": ("{{ ('\\n' * 9999) | indent(99999, true, true) }}", OVER),
    "join": ("{{ range(9999) | join('x' * 99999) }}", OVER),
    "join method": ("{{ ('x' * 99999).join(['a'] * 9999) }}", OVER),
    "replace": ("{{ ('a' * 9999) | replace('a', 'x' * 99999) }}", OVER),
    "replace method": ("{{ ('a' * 9999).replace('', 'x' * 99999) }}", OVER),
    "format": ("{{ '{:>999999999}'.format('x') }}", "enormous width"),
    "format of a width": ("{{ '{:>{}}'.format('x', 999999999) }}", "enormous width"),
    "format many": ("{{ ('{0}' * 9999).format('x' * 99999) }}", OVER),
    "percent": ("{{ '%999999999d' % 1 }}", "enormous width"),
    "percent of a width": ("{{ '%*d' % (999999999, 1) }}", "enormous width"),
    "percent filter": ("{{ '%999999999d' | format(1) }}", "enormous width"),
    "percent test": ("{{ '%999999999d' is odd }}", "not a number"),
    "round": ("{{ 'x' | round(999999999, 'ceil') }}", OVER),
    "batch": ("{{ [1] | batch(10 ** 9, 'x') | list }}", OVER),
    "slice": ("{{ [1] | slice(10 ** 9) | list }}", OVER),
    "sum": ("{{ ([[1] * 99] * 99) | sum(start=[]) }}", "not a number"),
    "default": ("{{ ([none] * 9999) | map('default', 'x' * 99999, true) | list }}", OVER),
    "attribute": ("{{ (['a'] * 9999) | map(attribute='0.' * 9999 ~ '0') | list }}", OVER),
    "json": ("{{ [1] | tojson(indent=10 ** 9) }}", OVER),
    "json's separators": ("{{ [1, 2] | tojson(separators=('x' * 999, 'y')) }}", "indentation"),
}
ESCAPES = {
    "class": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "unsafe"),
    "item": ("{{ ''['__class__']['__base__'] }}", ""),
    "globals": ("{{ cycler.__init__.__globals__.os.system('true') }}", "unsafe"),
    "functions": ("{{ raise_exception.__globals__['x'] }}", "unsafe"),
    "format": ("{{ '{0.__class__.__base__}'.format('x') }}", "unsafe"),
    "format_map": ("{{ '{a.__class__}'.format_map({'a': 1}) }}", "unsafe"),
    "map": ("{{ [1] | map(attribute='__class__.__base__') | list }}", "unsafe"),
    "attr": ("{{ '' | attr('__class__') }}", "No filter named 'attr'"),
    "mutation": ("{{ messages.append(1) }}", "unsafe"),
    "a message": ("{{ messages[0].update({'role': 'system'}) }}", "unsafe"),
    "bytes": ("{{ 'x'.encode() }}", "unsafe"),
    "include": ("{% include '/etc/passwd' %}", "include is not for chat templates"),
    "import": ("{% import 'os' as os %}", "import is not for chat templates"),
    "extends": ("{% extends 'x' %}", "extends is not for chat templates"),
    "autoescape": ("{% autoescape true %}{% endautoescape %}", "autoescape is not for"),
    "lipsum": ("{{ lipsum(n=10 ** 9) }}", "undefined"),
}
TEXTS = {
    "brackets": ("{{ " + "(" * 40000 + "1" + ")" * 40000 + " }}", "nested too deep"),
    "attributes": ("{{ a" + ".b" * 9000 + " }}", ""),
    "nots": ("{{ " + "not " * 20000 + "1 }}", "nested too deep"),
    "ifs": ("{% if 1 %}" * 4000 + "{% endif %}" * 4000, "nested too deep"),
    "fors": ("{% for a in b %}" * 30 + "{% endfor %}" * 30, "nested blocks"),
    "digits": ("{{ " + "9" * 90000 + " }}", "4300 digits"),
    "many": ("{{ a }}" * MAX_NODES, "statements and expressions"),
    "long": ("x" * (MAX_CHARACTERS + 1), "longer than"),
    "comments": ("{#" * 40000, "comment"),
    "a long reason": ("{{ raise_exception('x' * 99999) }}", "it says: xxx"),
}
HOSTILE = {
    f"{kind}: {name}": case
    for kind, cases in [
        ("loops", LOOPS),
        ("growth", GROWTH),
        ("widths", WIDTHS),
        ("escapes", ESCAPES),
        ("texts", TEXTS),
    ]
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_template_ends_with_an_error(name: str) -> None:
    source, said = HOSTILE[name]
    with pytest.raises(TemplateFailedError) as caught:
        ChatTemplate(source, bos="<s>", eos="</s>").render(HI)
    assert said in caught.value.message
    assert len(caught.value.message) < 400
    assert "--chat-template" in caught.value.hint and "--raw" in caught.value.hint


PROGRAM = f"""
import json, sys
if sys.platform == "linux":
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({512 * MEGABYTE}, {512 * MEGABYTE}))
from specdec_cli.templates.message import Message
from specdec_cli.templates.template import ChatTemplate, SpecdecError
for source in json.load(sys.stdin):
    try:
        ChatTemplate(source, bos="", eos="").render([Message("user", "Hi")])
    except SpecdecError as error:
        print(error.message)
"""


def test_all_of_them_together_need_little_memory() -> None:
    sources = [source for source, _ in HOSTILE.values()]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(sources)
    assert "memory" not in done.stdout


def test_the_longer_the_messages_the_more_a_template_may_do() -> None:
    source = "{% for m in messages %}{% for c in m.content %}{{ c }}{% endfor %}{% endfor %}"
    letters = "abcdefgh" * 50_000
    template = ChatTemplate(source, bos="", eos="")
    assert template.render([Message("user", letters)]) == letters
    ends = (
        "{% for m in messages %}{% for i in range(99999) %}{{ m.role * 9 }}{% endfor %}{% endfor %}"
    )
    with pytest.raises(TemplateFailedError, match=OVER):
        ChatTemplate(ends, bos="", eos="").render(HI)


def test_a_long_conversation_is_rendered() -> None:
    source = (
        "{% set ns = namespace(last=-1) %}{% for m in messages[::-1] %}"
        "{% if m.role == 'user' and ns.last < 0 %}"
        "{% set ns.last = messages | length - loop.index0 - 1 %}{% endif %}{% endfor %}"
        "{% for m in messages %}{% set text = m.content | trim %}"
        "{% if '</think>' in text %}"
        "{% set text = text.split('</think>')[-1].lstrip('\\n') %}{% endif %}"
        "{% if messages[:loop.index0] | selectattr('role', 'equalto', 'system') | list %}"
        "{% endif %}"
        "{{ '<|' + m.role + '|>\\n' ~ text ~ eos_token }}{{ loop.index0 if loop.last }}{% endfor %}"
    )
    turn = [
        Message("user", "why? " * 200),
        Message("assistant", "<think>a</think>\n\n" + "b" * 999),
    ]
    text = ChatTemplate(source, bos="", eos="<|end|>").render(turn * 200)
    assert text.count("<|end|>") == 400 and text.endswith("399")


def test_a_budget_is_for_one_rendering() -> None:
    template = ChatTemplate("{% for i in range(90000) %}{% endfor %}ok", bos="", eos="")
    assert {template.render(HI) for _ in range(20)} == {"ok"}


def test_what_jinja2_knows_is_either_listed_or_left_out_on_purpose() -> None:
    environment = BoundedEnvironment()
    left_out = {
        *("attr", "filesizeformat", "forceescape", "pprint", "random", "striptags"),
        *("urlencode", "urlize", "wordwrap", "xmlattr"),
    }
    assert FILTERS.keys() - environment.filters.keys() == left_out
    assert TESTS.keys() - environment.tests.keys() == {"escaped"}


STATEMENTS = (
    "Assign AssignBlock Block Break CallBlock Continue EvalContextModifier ExprStmt Extends "
    "FilterBlock For FromImport If Import Include Macro Output OverlayScope Scope "
    "ScopedEvalContextModifier With"
)
EXPRESSIONS = (
    "Add And BinExpr Call Compare Concat CondExpr Const ContextReference DerivedContextReference "
    "Dict Div EnvironmentAttribute ExtensionAttribute Filter FloorDiv Getattr Getitem "
    "ImportedName InternalName List Literal MarkSafe MarkSafeIfAutoescape Mod Mul NSRef Name Neg "
    "Not Or Pos Pow Slice Sub TemplateData Test Tuple UnaryExpr"
)


def test_every_kind_of_node_that_jinja2_has_is_known() -> None:
    """What a new version adds is looked at: it must pay, or be forbidden."""

    def kinds(of: type[nodes.Node]) -> set[str]:
        below = of.__subclasses__()
        return {kind.__name__ for kind in below}.union(*map(kinds, below))

    assert kinds(nodes.Stmt) == set(STATEMENTS.split())
    assert kinds(nodes.Expr) - {"_FilterTestCommon"} == set(EXPRESSIONS.split())


def test_the_arguments_that_jinja2_adds_to_calls_are_known() -> None:
    added: set[str] = set()

    class Watched(BoundedEnvironment):
        def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
            added.update(kwargs)
            return super().call(context, obj, *args, **kwargs)

    environment = Watched()
    environment.budget = Budget(1000)
    inner = "{% for x in [1] %}{{ namespace() }}{% endfor %}"
    assert environment.template(f"{{% block a %}}{inner}{{% endblock %}}").render() == "<namespace>"
    assert added == {"_loop_vars", "_block_vars"}
