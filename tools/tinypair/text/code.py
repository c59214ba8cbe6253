"""Kind 'code': a small Python function or class from a description, and changes to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tools.tinypair.text.code_composed import composed_task, sibling
from tools.tinypair.text.code_tasks import Task, fixed_task
from tools.tinypair.text.turns import Exchange, Request
from tools.tinypair.text.words import a, capital, third_person

_ASK = [
    "Write a Python function that {does}.",
    "Write a Python function that {does}.",
    "Write a Python function to {do}.",
    "Write a Python function to {do}.",
    "Write a function that {does}.",
    "Write a function to {do}.",
    "Can you write a function that {does}?",
    "Can you write a Python function to {do}?",
    "Could you write a function to {do} in Python?",
    "Please write a Python function that {does}.",
    "Please {do} in Python.",
    "How do I {do} in Python?",
    "How can I {do} in Python?",
    "How would you {do} in Python?",
    "Python function to {do}",
    "Python function that {does}",
    "Python code to {do}",
    "I need a function that {does}.",
    "I need a Python function to {do}.",
    "Give me a function that {does}.",
    "Give me Python code to {do}.",
    "Show me how to {do} in Python.",
    "Show me a Python function that {does}.",
    "Implement a function that {does}.",
    "Create a Python function to {do}.",
    "Define a function that {does}.",
    "Write Python code to {do}.",
    "Write some code to {do}.",
    "{Do} in Python.",
    "Write a short Python function that {does}.",
]
_ASK_NAMED = [
    "Write a function called {name} that {does}.",
    "Write a Python function named {name} that {does}.",
    "Write a function {name} to {do}.",
    "Define a function called {name} that {does}.",
    "Implement {name}, a function that {does}.",
]
_ASK_CLASS = [
    "Write a Python class for {do}.",
    "Write a class for {do}.",
    "Implement {do} in Python.",
    "How do I implement {do} in Python?",
    "Create a class for {do}.",
    "Show me a Python class for {do}.",
    "Can you write a Python class for {do}?",
    "Write a simple class for {do}.",
    "Python class for {do}",
    "I need a class for {do}.",
]
_NAMES = ["solve", "helper", "my_function", "process", "compute", "run", "calc", "func", "f"]


Step = Callable[[Request, Task, str], Exchange]


def make(request: Request) -> list[Exchange]:
    task = composed_task(request.rng) if request.chance(0.42) else fixed_task(request.rng)
    prompt, name = _ask(request, task)
    wants_plain = request.turns > 1 and request.chance(0.4) and not task.is_class
    exchanges = [(prompt, _answer(request, task, name, doc=not wants_plain))]
    done: set[Step] = set()
    for number in range(request.turns - 1):
        if wants_plain and number == 0:
            exchanges.append(_add_doc(request, task, name))
            continue
        steps = [step for step in _steps(request, task) if step not in done]
        if not steps:
            break
        step = request.rng.choice(steps)
        done.add(step)
        if step is _for_others and task.recipe:
            task = sibling(request.rng, task.recipe)
            name = task.name
        if step is _renamed:
            name = request.pick([other for other in _NAMES if other != name])
        exchanges.append(step(request, task, name))
    return exchanges


def _ask(request: Request, task: Task) -> tuple[str, str]:
    do = request.pick(task.phrases)
    if task.is_class:
        return request.pick(_ASK_CLASS).format(do=do), task.name
    words = {"do": do, "Do": capital(do), "does": third_person(do)}
    if request.chance(0.1):
        name = request.pick(_NAMES)
        return request.pick(_ASK_NAMED).format(name=name, **words), name
    return request.pick(_ASK).format(**words), task.name


def _fence(code: str) -> str:
    return f"```python\n{code}\n```"


def _rename(task: Task, code: str, name: str) -> str:
    return code if name == task.name else code.replace(f"{task.name}(", f"{name}(")


def _intro(request: Request, task: Task) -> str:
    if task.is_class:
        return f"Here is a class for {task.phrases[0]}:"
    if request.chance(0.8):
        return f"Here is a Python function that {task.does}:"
    return f"This function {task.does}:"


def _answer(request: Request, task: Task, name: str, *, doc: bool) -> str:
    code = _rename(task, task.source(doc=doc), name)
    if request.brief:
        return _fence(code)
    example = _rename(task, task.example(), name)
    gap = "\n\n\n" if doc else "\n\n"
    block = _fence(f"{code}{gap}{example}")
    return "\n\n".join([_intro(request, task), block, *task.notes[:1]])


def _steps(request: Request, task: Task) -> list[Step]:
    """The follow-ups that make sense for a task; the likely ones are named twice."""
    if task.is_class:
        return [_explain]
    steps: list[Step] = [_typed, _explain, _renamed, _example_only, _no_doc]
    if not task.usage:
        steps.append(_tested)
        if task.params:
            steps.append(_checked)
    if task.loop:
        steps += [_looped, _looped]
    if task.recipe:
        steps += [_for_others] * 4
    return steps


def _add_doc(request: Request, task: Task, name: str) -> Exchange:
    asks = [
        "Now add a docstring.",
        "Add a docstring.",
        "Can you add a docstring?",
        "Please add a docstring to it.",
        "It needs a docstring.",
    ]
    code = _rename(task, task.source(), name)
    return request.pick(asks), _changed(request, "Here it is with a docstring:", code)


def _changed(request: Request, intro: str, code: str) -> str:
    return _fence(code) if request.brief else f"{intro}\n\n{_fence(code)}"


def _typed(request: Request, task: Task, name: str) -> Exchange:
    asks = [
        "Now add type hints.",
        "Add type hints.",
        "Can you add type hints?",
        "Please add types.",
        "With type hints, please.",
    ]
    code = _rename(task, task.source(typed=True), name)
    return request.pick(asks), _changed(request, "Here it is with type hints:", code)


def _for_others(request: Request, task: Task, name: str) -> Exchange:
    kept = task.recipe.keep.text if task.recipe else ""
    asks = [
        "Now do it for {x}.",
        "And for {x}?",
        "Now for {x}.",
        "What about {x}?",
        "Change it to {x}.",
        "Can you do the same for {x}?",
        "The same for {x}, please.",
    ]
    code = f"{task.source()}\n\n\n{task.example()}"
    answer = _changed(request, f"Here is the version for {kept}:", code)
    return request.pick(asks).format(x=kept), answer


def _looped(request: Request, task: Task, name: str) -> Exchange:
    asks = [
        "Write it with a for loop.",
        "Can you use a for loop?",
        "Use a normal loop instead.",
        "Without a list comprehension, please.",
        "I prefer a for loop.",
    ]
    code = _rename(task, replace(task, body=task.loop).source(), name)
    return request.pick(asks), _changed(request, "Here it is with a for loop:", code)


def _renamed(request: Request, task: Task, name: str) -> Exchange:
    asks = [
        "Rename it to {name}.",
        "Call it {name} instead.",
        "Can you rename the function to {name}?",
        "Change the name to {name}.",
    ]
    code = _rename(task, task.source(), name)
    answer = _changed(request, f"Here is the function with the name {name}:", code)
    return request.pick(asks).format(name=name), answer


def _example_only(request: Request, task: Task, name: str) -> Exchange:
    asks = [
        "Show me how to use it.",
        "How do I call it?",
        "Give an example.",
        "Can you give an example?",
        "Show an example.",
        "How do I use it?",
    ]
    code = _rename(task, task.example(), name)
    return request.pick(asks), _changed(request, "You can call it like this:", code)


def _no_doc(request: Request, task: Task, name: str) -> Exchange:
    asks = [
        "Make it shorter.",
        "Remove the docstring.",
        "Can you make it shorter?",
        "Without the docstring, please.",
        "A shorter version, please.",
    ]
    code = _rename(task, task.source(doc=False), name)
    return request.pick(asks), _changed(request, "Here it is without the docstring:", code)


def _tested(request: Request, task: Task, name: str) -> Exchange:
    asks = ["Write a test for it.", "Now write a test.", "Can you add a test?", "Add a test."]
    call = _rename(task, f"{task.name}({task.args})", name)
    code = f"def test_{name}():\n    assert {call} == {task.result_repr()}"
    return request.pick(asks), _changed(request, "Here is a test:", code)


def _checked(request: Request, task: Task, name: str) -> Exchange:
    asks = [
        "What if the input is None?",
        "Add a check for None.",
        "Make it raise an error for None.",
        "Can you handle None?",
        "Add error handling.",
    ]
    first = task.params.split(":")[0]
    lines = task.source().split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith('    """')) + 1
    check = [f"    if {first} is None:", f'        raise ValueError("{first} must not be None")']
    code = _rename(task, "\n".join([*lines[:at], *check, *lines[at:]]), name)
    return request.pick(asks), _changed(request, "This version raises an error for None:", code)


def _explain(request: Request, task: Task, name: str) -> Exchange:
    asks = [
        "How does it work?",
        "Explain how it works.",
        "Can you explain the code?",
        "Explain it, please.",
        "What does this code do?",
        "Explain that in simple words.",
    ]
    if task.is_class:
        answer = f"The class {task.name} is {a(task.phrases[0].split(' ', 1)[1])}."
    else:
        answer = f"The function {task.does}."
    return request.pick(asks), " ".join([answer, *([] if request.brief else task.notes)])
