"""Kind 'stories': a short tale from the elements of the prompt, told from large pools."""

from __future__ import annotations

from dataclasses import dataclass

from tools.tinypair.text.blocks import read_blocks, read_rows
from tools.tinypair.text.turns import Exchange, Request
from tools.tinypair.text.words import a, capital

_POOLS = {row[0]: list(row[1:]) for row in read_rows("story_pools.txt")}
_PLACES = list(zip(_POOLS["place"][::2], _POOLS["place"][1::2], strict=True))
_FRAME = {block.title: block.get("-") for block in read_blocks("story_frame.txt")}
_PLOTS = read_blocks("story_plots.txt")
_ABOUT_THING = [block for block in _PLOTS if "o" in block.title.split()]
_ABOUT_HERO = [block for block in _PLOTS if "o" not in block.title.split()]
_FEMALE = {"girl", "queen", "princess", "witch", "fairy", "hen", "cow"}
_MALE = {"boy", "king", "prince", "knight", "wizard", "giant", "fisherman", "snowman", "dwarf"}
_SHE = {"he": "she", "him": "her", "his": "her", "himself": "herself"}


@dataclass(frozen=True)
class Cast:
    """Who and what a story is about; the words every sentence is filled with."""

    words: dict[str, str]
    has_object: bool
    asked: str
    """The subject of the prompt: 'a brave fox and a lost key'."""


def make(request: Request) -> list[Exchange]:
    cast = _cast(request)
    plot = _plot(request, cast)
    opening = _say(request, cast, "opening")
    ending = _say(request, cast, "ending")
    exchanges = [(_ask(request, cast), _tell(request, cast, opening, plot, ending))]
    steps = [_next, _shorter, _moral, _other_end, _helper, _title, _who]
    request.rng.shuffle(steps)
    if request.chance(0.4):
        steps.remove(_next)
        steps.insert(0, _next)
    exchanges.extend(step(request, cast, opening, plot) for step in steps[: request.turns - 1])
    return exchanges


def _plot(request: Request, cast: Cast) -> list[str]:
    """Problem, attempt, turn and solution; in some plots a turn has its own solution."""
    block = request.rng.choice(_ABOUT_THING if cast.has_object else _ABOUT_HERO)
    turns, solutions = block.get("3"), block.get("4")
    turn = request.rng.randrange(len(turns))
    cast.words["moral"] = request.pick(block.get("M"))
    tied = "a" in block.title.split()
    parts = [
        request.pick(block.get("1")),
        request.pick(block.get("2")),
        turns[turn],
        solutions[turn] if tied else request.pick(solutions),
    ]
    return [part.format_map(cast.words) for part in parts]


def _cast(request: Request) -> Cast:
    rng, pick = request.rng, request.pick
    kind = pick(_POOLS["animal"] if request.chance(0.68) else _POOLS["person"])
    friend = pick([k for k in _POOLS["animal"] if k != kind])
    adj, colour, food = pick(_POOLS["adj"]), pick(_POOLS["colour"]), pick(_POOLS["food"])
    preposition, place = rng.choice(_PLACES)
    has_object = request.chance(0.52)
    thing = pick(_POOLS["object"])
    she = kind in _FEMALE or (kind not in _MALE and request.chance(0.5))
    friend_she = request.chance(0.5)
    name = pick(_POOLS["female" if she else "male"])
    friend_name = pick([n for n in _POOLS["female" if friend_she else "male"] if n != name])
    # Like "the forest" from the second time on, whatever the place was called first.
    known = place if place.startswith("the ") else "the " + place.split(" ", 1)[1]
    words = {
        "N": name,
        "F": friend_name,
        "k": kind,
        "fk": friend,
        "fk2": pick(_POOLS["animal"]),
        "adj": adj,
        "a_adj": a(f"{adj} {kind}").rsplit(f" {kind}", 1)[0],
        "obj": thing,
        "aobj": a(thing),
        "place": known,
        "at": f"{preposition} {known}",
        "first_at": f"{preposition} {place}",
        "colour": colour,
        "food": food,
    }
    for he, her in _SHE.items():
        words[he] = her if she else he
        words["f" + he] = her if friend_she else he
    words |= {"He": capital(words["he"]), "His": capital(words["his"])}
    return Cast(words, has_object, _subject(request, words, has_object))


def _subject(request: Request, words: dict[str, str], has_object: bool) -> str:
    hero = a(f"{words['adj']} {words['k']}") if request.chance(0.7) else a(words["k"])
    if request.chance(0.22):
        hero += f" {request.pick(['named', 'called'])} {words['N']}"
    if has_object:
        return f"{hero} and {words['aobj']}"
    roll = request.rng.random()
    if roll < 0.34:
        return f"{hero} {words['first_at']}"
    if roll < 0.62:
        return f"{hero} and {a(words['fk'])}"
    return hero


_ASK = [
    "Tell me a story about {x}.",
    "Tell me a short story about {x}.",
    "Tell me a short story about {x}.",
    "Write a short story about {x}.",
    "Write a short story about {x}.",
    "Write a story about {x}.",
    "Can you tell me a story about {x}?",
    "Can you write a story about {x}?",
    "Please tell me a story about {x}.",
    "I want a story about {x}.",
    "A story about {x}, please.",
    "Short story about {x}",
    "Story about {x}",
    "Tell a tale of {x}.",
    "Make up a story about {x}.",
    "Invent a short story about {x}.",
    "Give me a bedtime story about {x}.",
    "Tell my child a story about {x}.",
    "Write a children's story about {x}.",
    "Could you tell me a little story about {x}?",
    "I would like to hear a story about {x}.",
    "Write a fairy tale about {x}.",
    "Write me a story with {x}.",
    "Once upon a time there was {x}. Go on.",
]
_ASK_FREE = [
    "Tell me a story.",
    "Tell me a short story.",
    "Write a short story.",
    "Can you tell me a story?",
    "Tell me a bedtime story.",
    "I want to hear a story.",
    "Make up a story.",
    "Write a story for children.",
    "A story, please.",
    "Do you know a story?",
    "Tell me something nice.",
]
_ASK_PLACE = [
    "Tell me a story that takes place {at}.",
    "Write a short story set {at}.",
    "Tell me a story about life {at}.",
    "Write a story that happens {at}.",
]
_ASK_THING = [
    "Tell me a story about {aobj}.",
    "Write a short story about {aobj}.",
    "Write a story in which {aobj} plays a role.",
    "Make up a story with {aobj} in it.",
]


def _ask(request: Request, cast: Cast) -> str:
    roll = request.rng.random()
    if roll < 0.04:
        return request.pick(_ASK_FREE)
    if roll < 0.10:
        return request.pick(_ASK_PLACE).format(at=cast.words["first_at"])
    if roll < 0.18 and cast.has_object:
        return request.pick(_ASK_THING).format(aobj=cast.words["aobj"])
    return request.pick(_ASK).format(x=cast.asked)


def _say(request: Request, cast: Cast, slot: str) -> str:
    return request.pick(_FRAME[slot]).format_map(cast.words)


def _home(request: Request, cast: Cast) -> str:
    """The place is introduced here, so it still has its indefinite article."""
    words = {**cast.words, "at": cast.words["first_at"]}
    return request.pick(_FRAME["home"]).format_map(words)


def _tell(request: Request, cast: Cast, opening: str, plot: list[str], ending: str) -> str:
    problem, attempt, turn, solution = plot
    home = _home(request, cast)
    if request.brief:
        return f"{opening} {home} {problem} {turn} {solution}"
    first = [opening, home, _say(request, cast, "trait")]
    second = [problem]
    if request.chance(0.35):
        second.insert(0, _say(request, cast, "weather"))
    if request.chance(0.6):
        second.append(_say(request, cast, "mood"))
    second.append(attempt)
    third = [turn, solution, ending]
    if request.chance(0.45):
        third.append(_say(request, cast, "moral"))
    return "\n\n".join(" ".join(part) for part in (first, second, third))


# --- follow-ups ---


def _next(request: Request, cast: Cast, opening: str, plot: list[str]) -> Exchange:
    ask = request.pick(
        [
            "What happened next?",
            "What happened then?",
            "Go on.",
            "Continue the story.",
            "And then?",
            "How does the story go on?",
            "Tell me more.",
        ]
    )
    parts = [_say(request, cast, slot) for slot in ("next1", "next2", "next3")]
    return ask, " ".join(parts[:1] if request.brief else parts)


def _shorter(request: Request, cast: Cast, opening: str, plot: list[str]) -> Exchange:
    ask = request.pick(
        [
            "Make it shorter.",
            "Can you make it shorter?",
            "A shorter version, please.",
            "Summarize the story.",
            "Tell it in a few sentences.",
            "Shorter, please.",
        ]
    )
    return ask, " ".join([opening, plot[0], plot[2], plot[3]])


def _moral(request: Request, cast: Cast, opening: str, plot: list[str]) -> Exchange:
    ask = request.pick(
        [
            "What is the moral?",
            "What is the moral of the story?",
            "What do we learn from it?",
            "Does the story have a moral?",
            "What is the lesson?",
        ]
    )
    answer = "The moral is that {moral}.".format_map(cast.words)
    return ask, answer


def _other_end(request: Request, cast: Cast, opening: str, plot: list[str]) -> Exchange:
    ask = request.pick(
        [
            "Give it another ending.",
            "Change the ending.",
            "Can you tell another ending?",
            "How else could it end?",
            "A different ending, please.",
        ]
    )
    return ask, _say(request, cast, "end2")


def _helper(request: Request, cast: Cast, opening: str, plot: list[str]) -> Exchange:
    ask = request.pick(["Who is {F}?", "Who was {F}?", "Tell me about {F}."])
    answer = "{F} is the {fk} in the story and a friend of {N}."
    return ask.format_map(cast.words), answer.format_map(cast.words)


def _who(request: Request, cast: Cast, opening: str, plot: list[str]) -> Exchange:
    ask = request.pick(
        [
            "What was the name of the {k}?",
            "What is the {k} called?",
            "Who is the hero?",
            "What was the {k}'s name?",
        ]
    )
    return ask.format_map(cast.words), "The name of the {k} is {N}.".format_map(cast.words)


def _title(request: Request, cast: Cast, opening: str, plot: list[str]) -> Exchange:
    ask = request.pick(["Give it a title.", "What is a good title?", "Find a title for the story."])
    title = "{N} the {k} and {F} the {fk}" if not cast.has_object else "{N} and the {obj}"
    return ask, f'A good title is "{title.format_map(cast.words)}".'
