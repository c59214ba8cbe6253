"""Small sums, differences, products, halves and word problems, always right."""

from __future__ import annotations

from tools.tinypair.text.turns import Exchange, Request
from tools.tinypair.text.words import plural

_SIGNS = {"plus": "+", "minus": "-", "times": "*", "divided by": "/"}
_ASK = [
    "What is {a} {w} {b}?",
    "What is {a} {s} {b}?",
    "How much is {a} {w} {b}?",
    "{a} {s} {b}",
    "{a} {s} {b} = ?",
    "Calculate {a} {s} {b}.",
    "Compute {a} {w} {b}.",
    "What's {a} {s} {b}?",
    "Can you calculate {a} {s} {b}?",
    "Tell me {a} {w} {b}.",
    "How much is {a} {s} {b}?",
]
_NAMES = ["Anna", "Tom", "Mia", "Ben", "Lisa", "Max", "Emma", "Paul", "Nora", "Leo", "Eva", "Sam"]
_THINGS = [
    "apple",
    "pear",
    "book",
    "pencil",
    "coin",
    "cookie",
    "marble",
    "stamp",
    "card",
    "flower",
    "egg",
    "ball",
]


def make(request: Request) -> list[Exchange]:
    roll = request.rng.random()
    if roll < 0.2:
        return [_word_problem(request)]
    if roll < 0.3:
        return [_half_or_double(request)]
    value, exchange = _operation(request)
    exchanges = [exchange]
    for _ in range(request.turns - 1):
        step = request.rng.randint(1, 9)
        value += step
        ask = request.pick(["And plus {n}?", "Now add {n}.", "Add {n} to that.", "And {n} more?"])
        exchanges.append((ask.format(n=step), f"{value - step} plus {step} is {value}."))
    return exchanges


def _operation(request: Request) -> tuple[int, Exchange]:
    word = request.rng.choices(list(_SIGNS), [4, 3, 4, 1])[0]
    if word == "plus":
        a, b = request.rng.randint(1, 60), request.rng.randint(1, 40)
        result = a + b
    elif word == "minus":
        a, b = request.rng.randint(2, 100), request.rng.randint(1, 50)
        a, b = max(a, b), min(a, b)
        result = a - b
    elif word == "times":
        a, b = request.rng.randint(1, 12), request.rng.randint(1, 12)
        result = a * b
    else:
        b, result = request.rng.randint(2, 10), request.rng.randint(1, 10)
        a = b * result
    prompt = request.pick(_ASK).format(a=a, b=b, w=word, s=_SIGNS[word])
    answer = f"{a} {word} {b} is {result}."
    if not request.brief and request.chance(0.4):
        answer += f" So {a} {_SIGNS[word]} {b} = {result}."
    return result, (prompt, answer)


def _half_or_double(request: Request) -> Exchange:
    number = request.rng.randint(1, 50)
    if request.chance(0.5):
        ask = request.pick(["What is half of {n}?", "What is the half of {n}?", "Half of {n}?"])
        return ask.format(n=2 * number), f"Half of {2 * number} is {number}."
    ask = request.pick(["What is the double of {n}?", "Double {n}.", "What is twice {n}?"])
    return ask.format(n=number), f"The double of {number} is {2 * number}."


def _word_problem(request: Request) -> Exchange:
    name, thing = request.pick(_NAMES), request.pick(_THINGS)
    a, b = request.rng.randint(3, 15), request.rng.randint(2, 9)
    things = plural(thing)
    roll = request.rng.random()
    if roll < 0.4:
        ask = request.pick(
            [
                "{n} has {a} {t} and gets {b} more. How many {t} does {n} have now?",
                "{n} has {a} {t} and buys {b} more. How many {t} are there?",
                "{n} finds {b} {t} and already has {a}. How many is that?",
            ]
        )
        answer = f"{a} plus {b} is {a + b}. {name} has {a + b} {things}."
    elif roll < 0.75:
        a += b
        ask = request.pick(
            [
                "{n} has {a} {t} and gives away {b}. How many {t} are left?",
                "{n} had {a} {t} and lost {b}. How many {t} does {n} have now?",
            ]
        )
        answer = f"{a} minus {b} is {a - b}. {name} has {a - b} {things} left."
        if a - b == 1:
            answer = f"{a} minus {b} is 1. {name} has 1 {thing} left."
    else:
        a = min(a, 10)
        ask = request.pick(
            [
                "{n} has {a} bags with {b} {t} each. How many {t} are there?",
                "There are {a} boxes with {b} {t} in each box. How many {t} does {n} have?",
            ]
        )
        answer = f"{a} times {b} is {a * b}. There are {a * b} {things}."
    prompt = ask.format(n=name, a=a, b=b, t=things)
    return prompt, answer.split(". ")[1] if request.brief else answer
