"""Kind 'facts': a question with one right answer, from tables, and follow-ups to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tools.tinypair.text import arithmetic, listings
from tools.tinypair.text.blocks import read_rows
from tools.tinypair.text.turns import Exchange, Request
from tools.tinypair.text.words import a, capital, plural

_COUNTRIES = read_rows("countries.txt")
_DEFINITIONS = read_rows("definitions.txt")
_ANIMALS = read_rows("animals.txt")
_UNITS = read_rows("units.txt")
_PLANETS = read_rows("planets.txt")
_PAIRS: dict[str, list[tuple[str, ...]]] = {}
for _kind, _one, _other in read_rows("pairs.txt"):
    _PAIRS.setdefault(_kind, []).append((_one, _other))
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_NO_ARTICLE = {
    "bread",
    "cheese",
    "milk",
    "honey",
    "sugar",
    "salt",
    "paper",
    "grass",
    "rain",
    "snow",
    "ice",
    "wind",
    "thunder",
    "lightning",
    "money",
    "gravity",
    "energy",
    "electricity",
    "friction",
    "photosynthesis",
    "evaporation",
    "condensation",
    "oxygen",
    "hydrogen",
    "bacteria",
    "climate",
}
_THE = {"sun", "moon", "equator"}


def make(request: Request) -> list[Exchange]:
    makers = [_country, _definition, arithmetic.make, _animal, _small, listings.make]
    maker: Callable[[Request], list[Exchange]] = request.rng.choices(
        makers, [32, 28, 18, 8, 11, 5]
    )[0]
    return maker(request)


def _say(request: Request, answer: str, extra: str = "", chance: float = 0.55) -> str:
    if extra and not request.brief and request.chance(chance):
        return f"{answer} {extra}"
    return answer


# --- countries ---

_ASK_COUNTRY = {
    "capital": [
        "What is the capital of {x}?",
        "What is the capital of {x}?",
        "Capital of {x}?",
        "What's the capital of {x}?",
        "Which city is the capital of {x}?",
        "Name the capital of {x}.",
        "Tell me the capital of {x}.",
        "What is the capital city of {x}?",
        "Can you tell me the capital of {x}?",
        "Do you know the capital of {x}?",
        "{x} capital",
        "Which city is {x}'s capital?",
        "I need the capital of {x}.",
    ],
    "continent": [
        "On which continent is {x}?",
        "Which continent is {x} in?",
        "Where is {x}?",
        "What continent is {x} on?",
        "In which part of the world is {x}?",
        "Where is {x} located?",
    ],
    "language": [
        "What language is spoken in {x}?",
        "Which language do people speak in {x}?",
        "What do people speak in {x}?",
        "What is the language of {x}?",
        "What is the official language of {x}?",
        "Which language is spoken in {x}?",
    ],
    "currency": [
        "What is the currency of {x}?",
        "Which currency is used in {x}?",
        "What money do people use in {x}?",
        "How do people pay in {x}?",
        "What currency does {x} use?",
        "Name the currency of {x}.",
    ],
}
_ASK_CITY = [
    "Which country has the capital {y}?",
    "{y} is the capital of which country?",
    "What country is {y} the capital of?",
    "In which country is {y}?",
    "Where is {y}?",
]
_ALSO = {
    "same": [
        "And of {x}?",
        "And {x}?",
        "What about {x}?",
        "How about {x}?",
        "Now {x}.",
        "And for {x}?",
    ],
    "capital": ["And the capital?", "What is its capital?", "What is the capital?"],
    "continent": ["On which continent is it?", "Which continent is that?", "Where is that?"],
    "language": [
        "What language do they speak there?",
        "Which language is spoken there?",
        "And the language?",
    ],
    "currency": ["What is the currency there?", "And the currency?", "How do people pay there?"],
}


def _country_answer(request: Request, row: tuple[str, ...], topic: str) -> str:
    name, capital_, continent, language, currency = row
    if topic == "capital":
        extra = f"{capital(name)} is a country in {continent}." if continent else ""
        return _say(request, f"The capital of {name} is {capital_}.", extra, 0.6)
    extra = f"Its capital is {capital_}."
    if topic == "continent":
        return _say(request, f"{capital(name)} is in {continent}.", extra)
    if topic == "language":
        if " and " in language:
            return _say(request, f"The main languages of {name} are {language}.", extra, 0.4)
        return _say(request, f"The main language of {name} is {language}.", extra, 0.4)
    return _say(request, f"The currency of {name} is the {currency}.", extra, 0.4)


def _topics(row: tuple[str, ...]) -> list[str]:
    return [topic for topic, cell in zip(_ASK_COUNTRY, row[1:], strict=True) if cell]


_ASK_ABOUT = [
    "Tell me about {x}.",
    "What do you know about {x}?",
    "Tell me something about {x}.",
    "Give me some facts about {x}.",
    "Describe {x}.",
    "What can you tell me about {x}?",
]


def _about(request: Request, row: tuple[str, ...]) -> Exchange:
    """Everything the table knows about a country."""
    name, capital_, continent, language, currency = row
    prompt = request.pick(_ASK_ABOUT).format(x=name)
    first = f"{capital(name)} is a country in {continent}."
    parts = [first, f"Its capital is {capital_}."]
    many = " and " in language
    parts.append(f"The main language{'s are' if many else ' is'} {language}.")
    parts.append(f"The currency is the {currency}.")
    return prompt, first if request.brief else " ".join(parts)


def _country(request: Request) -> list[Exchange]:
    row = request.rng.choice(_COUNTRIES)
    if request.turns == 1 and all(row) and request.chance(0.22):
        return [_about(request, row)]
    topics = _topics(row)
    topic = "capital" if request.chance(0.5) else request.pick(topics)
    if request.chance(0.12) and row[1] not in {"Monaco", "Singapore"}:
        prompt = request.pick(_ASK_CITY).format(y=row[1])
        answer = f"{row[1]} is the capital of {row[0]}."
        topic = "capital"
    else:
        prompt = capital(request.pick(_ASK_COUNTRY[topic]).format(x=row[0]))
        answer = _country_answer(request, row, topic)
    exchanges = [(prompt, answer)]
    done = {topic}
    for _ in range(request.turns - 1):
        left = [other for other in topics if other not in done]
        if left and request.chance(0.4):
            topic = request.pick(left)
            prompt = request.pick(_ALSO[topic])
        else:
            options = [other for other in _COUNTRIES if other != row and topic in _topics(other)]
            row = request.rng.choice(options)
            topics, done = _topics(row), set()
            prompt = request.pick(_ALSO["same"]).format(x=row[0])
        done.add(topic)
        plain = replace(request, brief=True)
        exchanges.append((prompt, _country_answer(plain, row, topic)))
    return exchanges


# --- definitions ---

_ASK_WORD = [
    "What is {x}?",
    "What is {x}?",
    "What is {x}?",
    "Define {x}.",
    "Explain what {x} is.",
    "Tell me what {x} is.",
    "What does the word {w} mean?",
    "What's {x}?",
    "Describe {x}.",
    "Can you tell me what {x} is?",
    "Do you know what {x} is?",
    "What does {w} mean?",
    "Meaning of {w}",
    "Define the word {w}.",
    "Explain {x}.",
]
_MORE_WORD = [
    "Tell me more.",
    "Anything else?",
    "Can you say more?",
    "What else do you know about it?",
    "More, please.",
    "Go on.",
]


def _with_article(word: str) -> str:
    if word in _NO_ARTICLE:
        return word
    return f"the {word}" if word in _THE else a(word)


def _definition(request: Request) -> list[Exchange]:
    seen: set[str] = set()
    exchanges: list[Exchange] = []
    while len(exchanges) < request.turns:
        word, meaning, more = request.rng.choice(_DEFINITIONS)
        if word in seen:
            continue
        seen.add(word)
        thing = _with_article(word)
        if exchanges:
            prompt = request.pick(
                ["And {x}?", "What about {x}?", "And what is {x}?", "How about {x}?"]
            )
        else:
            prompt = request.pick(_ASK_WORD)
        answer = f"{capital(thing)} {'are' if word == 'bacteria' else 'is'} {meaning}."
        full = request.chance(0.7) and not request.brief
        exchanges.append((prompt.format(x=thing, w=word), f"{answer} {more}" if full else answer))
        if not full and len(exchanges) < request.turns:
            exchanges.append((request.pick(_MORE_WORD), more))
    return exchanges


# --- animals ---


def _animal(request: Request) -> list[Exchange]:
    row = request.rng.choice(_ANIMALS)
    slots = [slot for slot, cell in zip(_ANIMAL_ASK, row[1:], strict=True) if cell]
    request.rng.shuffle(slots)
    chosen = slots[: request.turns]
    return [_animal_one(request, row, slot, later=i > 0) for i, slot in enumerate(chosen)]


_ANIMAL_ASK = {
    "legs": (
        [
            "How many legs does {x} have?",
            "How many legs has {x}?",
            "Number of legs of {x}?",
            "Tell me how many legs {x} has.",
        ],
        ["How many legs does it have?", "And how many legs?"],
    ),
    "sound": (
        [
            "What sound does {x} make?",
            "Which sound does {x} make?",
            "How does {x} sound?",
            "What noise does {x} make?",
        ],
        ["What sound does it make?", "And what sound does it make?"],
    ),
    "young": (
        [
            "What is a young {w} called?",
            "What is a baby {w} called?",
            "What do you call a young {w}?",
            "Name for a baby {w}?",
        ],
        ["What is a young one called?", "And what is its baby called?"],
    ),
    "group": (
        [
            "What kind of animal is {x}?",
            "Is {x} a mammal?",
            "What type of animal is {x}?",
            "Is {x} a bird?",
        ],
        ["What kind of animal is it?"],
    ),
    "fact": (
        [
            "Tell me something about {x}.",
            "Tell me a fact about {x}.",
            "What do you know about {x}?",
            "Tell me about {x}.",
            "What is {x}?",
        ],
        ["Tell me more.", "Tell me a fact about it."],
    ),
}


def _animal_one(request: Request, row: tuple[str, ...], slot: str, *, later: bool) -> Exchange:
    word, legs, sound, young, group, fact = row
    thing = a(word)
    prompt = request.pick(_ANIMAL_ASK[slot][1 if later else 0]).format(x=thing, w=word)
    if slot == "legs":
        answer = (
            f"{capital(thing)} has {legs} legs."
            if legs != "0"
            else f"{capital(thing)} has no legs."
        )
        return prompt, _say(request, answer, f"{fact}." if legs != "0" else "", 0.4)
    if slot == "sound":
        return prompt, _say(request, f"{capital(thing)} {sound}.", f"{fact}.", 0.4)
    if slot == "young":
        return prompt, f"A young {word} is called {a(young)}."
    kind = f"{capital(thing)} is {a(group)}."
    if slot == "group":
        if prompt.startswith("Is "):
            asked = "mammal" if "mammal" in prompt else "bird"
            yes = "Yes" if asked == group else "No"
            kind = f"{yes}, {thing} is {a(group)}."
        return prompt, _say(request, kind, f"{fact}.", 0.5)
    return prompt, f"{fact}." if later or request.brief else f"{kind} {fact}."


# --- small tables ---


def _small(request: Request) -> list[Exchange]:
    makers = [_opposite, _symbol, _colour, _mix, _unit, _day, _month, _planet, _plural]
    maker = request.rng.choices(makers, [5, 4, 2, 1, 5, 2, 2, 2, 4])[0]
    first, answer, entry = maker(request)
    exchanges = [(first, answer)]
    seen = {entry}
    again = {
        _opposite: "And of {x}?",
        _symbol: "And of {x}?",
        _colour: "And {x}?",
        _plural: "And of {x}?",
    }
    for _ in range(request.turns - 1):
        if maker not in again:
            break
        _, answer, entry = maker(request)
        if entry not in seen:
            seen.add(entry)
            ask = request.pick([again[maker], "What about {x}?", "And {x}?"])
            exchanges.append((ask.format(x=entry), answer))
    return exchanges


def _opposite(request: Request) -> tuple[str, str, str]:
    one, other = request.rng.choice(_PAIRS["opposite"])
    if request.chance(0.5) and other != "light" and one != "light":
        one, other = other, one
    ask = request.pick(
        [
            "What is the opposite of {x}?",
            "Opposite of {x}?",
            "Name the opposite of {x}.",
            "What is the opposite of the word {x}?",
            "Which word is the opposite of {x}?",
            "Tell me the opposite of {x}.",
            "Give me an antonym of {x}.",
        ]
    )
    return ask.format(x=one), f"The opposite of {one} is {other}.", one


def _symbol(request: Request) -> tuple[str, str, str]:
    name, symbol = request.rng.choice(_PAIRS["symbol"])
    if request.chance(0.2) and request.turns == 1:
        ask = request.pick(["Which element has the symbol {y}?", "What element is {y}?"])
        return ask.format(y=symbol), f"{symbol} is the chemical symbol of {name}.", name
    ask = request.pick(
        [
            "What is the chemical symbol of {x}?",
            "What is the symbol for {x}?",
            "Chemical symbol of {x}?",
            "Which symbol does {x} have?",
            "Symbol of {x}",
        ]
    )
    return ask.format(x=name), f"The chemical symbol of {name} is {symbol}.", name


def _colour(request: Request) -> tuple[str, str, str]:
    thing, colour = request.rng.choice(_PAIRS["colour"])
    ask = request.pick(
        [
            "What colour is {x}?",
            "What color is {x}?",
            "Which colour does {x} have?",
            "Tell me the colour of {x}.",
        ]
    )
    return ask.format(x=thing), f"{capital(thing)} is {colour}.", thing


def _mix(request: Request) -> tuple[str, str, str]:
    two, result = request.rng.choice(_PAIRS["mix"])
    ask = request.pick(
        [
            "What colour do you get from {x}?",
            "What do {x} make?",
            "Mix {x}.",
            "What happens if I mix {x}?",
            "Which colour do {x} give?",
        ]
    )
    return ask.format(x=two), f"If you mix {two} paint, you get {result}.", two


def _unit(request: Request) -> tuple[str, str, str]:
    what, whole, number = request.rng.choice(_UNITS)
    ask = request.pick(
        [
            "How many {x} are in {y}?",
            "How many {x} does {y} have?",
            "How many {x} are there in {y}?",
            "Number of {x} in {y}?",
            "Tell me how many {x} {y} has.",
            "How many {x} has {y}?",
        ]
    )
    return ask.format(x=what, y=whole), f"{capital(whole)} has {number} {what}.", whole


def _day(request: Request) -> tuple[str, str, str]:
    at = request.rng.randrange(7)
    if request.chance(0.5):
        ask = request.pick(
            ["Which day comes after {x}?", "What day comes after {x}?", "What day is after {x}?"]
        )
        return (
            ask.format(x=_DAYS[at]),
            f"The day after {_DAYS[at]} is {_DAYS[(at + 1) % 7]}.",
            "day",
        )
    ask = request.pick(
        ["Which day comes before {x}?", "What day comes before {x}?", "What day is before {x}?"]
    )
    return ask.format(x=_DAYS[at]), f"The day before {_DAYS[at]} is {_DAYS[at - 1]}.", "day"


def _month(request: Request) -> tuple[str, str, str]:
    at = request.rng.randrange(12)
    if request.chance(0.5):
        ask = request.pick(["Which month comes after {x}?", "What month comes after {x}?"])
        return (
            ask.format(x=_MONTHS[at]),
            f"The month after {_MONTHS[at]} is {_MONTHS[(at + 1) % 12]}.",
            "month",
        )
    ask = request.pick(["Which month comes before {x}?", "What month comes before {x}?"])
    return (
        ask.format(x=_MONTHS[at]),
        f"The month before {_MONTHS[at]} is {_MONTHS[at - 1]}.",
        "month",
    )


def _planet(request: Request) -> tuple[str, str, str]:
    name, place, fact = request.rng.choice(_PLANETS)
    if request.chance(0.4):
        ask = request.pick(
            [
                "Which is the {p} planet from the sun?",
                "What is the {p} planet?",
                "Name the {p} planet from the sun.",
            ]
        )
        return (
            ask.format(p=place),
            _say(request, f"The {place} planet from the sun is {name}.", fact),
            name,
        )
    ask = request.pick(
        [
            "Tell me about the planet {x}.",
            "What is {x}?",
            "What kind of planet is {x}?",
            "What do you know about the planet {x}?",
        ]
    )
    return (
        ask.format(x=name),
        _say(request, f"{name} is the {place} planet from the sun.", fact, 0.9),
        name,
    )


_PLURALS = [
    "child",
    "foot",
    "tooth",
    "mouse",
    "goose",
    "man",
    "woman",
    "person",
    "sheep",
    "fish",
    "leaf",
    "knife",
    "wolf",
    "shelf",
    "loaf",
    "potato",
    "tomato",
    "box",
    "city",
    "baby",
    "bus",
    "dog",
    "cat",
    "house",
    "tree",
    "story",
    "glass",
    "brush",
    "key",
    "boy",
    "hero",
    "scarf",
    "apple",
    "book",
]


def _plural(request: Request) -> tuple[str, str, str]:
    word = request.pick(_PLURALS)
    ask = request.pick(
        [
            "What is the plural of {x}?",
            "Plural of {x}?",
            "Which is the plural of {x}?",
            "Tell me the plural of {x}.",
            "What is the plural form of {x}?",
        ]
    )
    return ask.format(x=word), f"The plural of {word} is {plural(word)}.", word
