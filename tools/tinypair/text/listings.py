"""Questions whose answer is a list: days, months, planets, counting, a times table."""

from __future__ import annotations

from tools.tinypair.text.turns import Exchange, Request

_FIXED = {
    "days of the week": "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday",
    "months of the year": (
        "January, February, March, April, May, June, July, August, September, October, "
        "November and December"
    ),
    "planets of the solar system": (
        "Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus and Neptune"
    ),
    "seasons": "spring, summer, autumn and winter",
    "continents": ("Africa, Antarctica, Asia, Europe, North America, Oceania and South America"),
    "colours of the rainbow": "red, orange, yellow, green, blue, indigo and violet",
    "five senses": "sight, hearing, smell, taste and touch",
    "oceans": "the Pacific, the Atlantic, the Indian, the Southern and the Arctic Ocean",
    "primary colours of paint": "red, yellow and blue",
    "vowels": "a, e, i, o and u",
    "states of matter": "solid, liquid and gas",
}
_ASK = [
    "Name the {x}.",
    "List the {x}.",
    "What are the {x}?",
    "Tell me the {x}.",
    "Which are the {x}?",
    "Can you list the {x}?",
    "Do you know the {x}?",
    "Give me the {x}.",
]


def make(request: Request) -> list[Exchange]:
    roll = request.rng.random()
    if roll < 0.4:
        name = request.pick(list(_FIXED))
        return [(request.pick(_ASK).format(x=name), f"The {name} are {_FIXED[name]}.")]
    if roll < 0.7:
        return [_count(request)]
    return [_table(request)]


def _count(request: Request) -> Exchange:
    first = request.rng.randint(1, 20)
    last = first + request.rng.randint(4, 10)
    numbers, ask = list(range(first, last + 1)), ["Count from {a} to {b}.", "Can you count to {b}?"]
    if request.chance(0.3):
        numbers.reverse()
        ask = ["Count down from {a} to {b}.", "Count backwards from {a} to {b}."]
    elif first != 1:
        ask = ["Count from {a} to {b}.", "List the numbers from {a} to {b}."]
    prompt = request.pick(ask).format(a=numbers[0], b=numbers[-1])
    return prompt, ", ".join(map(str, numbers)) + "."


def _table(request: Request) -> Exchange:
    n = request.rng.randint(1, 12)
    ask = request.pick(
        [
            "Show me the multiplication table of {n}.",
            "Write the times table of {n}.",
            "What is the {n} times table?",
            "Times table of {n}, please.",
            "List the multiples of {n}.",
        ]
    )
    if "multiples" in ask or request.brief:
        numbers = ", ".join(str(n * i) for i in range(1, 11))
        return ask.format(n=n), f"The first ten multiples of {n} are {numbers}."
    return ask.format(n=n), "\n".join(f"{n} * {i} = {n * i}" for i in range(1, 11))
