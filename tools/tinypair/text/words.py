"""Small grammar: articles, plurals, third person, capitals, and casual typing."""

from __future__ import annotations

from random import Random

_AN_EXCEPTIONS = ("uni", "use", "user", "euro", "one", "uku", "urn-")
_AN_SPELLED = ("api", "html", "http", "sql", "ssd", "ssh", "hour", "honest", "llm", "xor", "lru")
_IRREGULAR = {
    "child": "children",
    "foot": "feet",
    "tooth": "teeth",
    "mouse": "mice",
    "goose": "geese",
    "man": "men",
    "woman": "women",
    "person": "people",
    "ox": "oxen",
    "sheep": "sheep",
    "fish": "fish",
    "deer": "deer",
    "leaf": "leaves",
    "knife": "knives",
    "wolf": "wolves",
    "shelf": "shelves",
    "half": "halves",
    "life": "lives",
    "loaf": "loaves",
    "calf": "calves",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "hero": "heroes",
    "scarf": "scarves",
    "thief": "thieves",
    "wife": "wives",
    "elf": "elves",
}


def article(noun: str) -> str:
    """The indefinite article a noun phrase takes."""
    word = noun.lower()
    if word.startswith(_AN_SPELLED):
        return "an"
    if word.startswith(_AN_EXCEPTIONS) and not word.startswith("unin"):
        return "a"
    return "an" if word[:1] in "aeiou" else "a"


def a(noun: str) -> str:
    return f"{article(noun)} {noun}"


def plural(noun: str) -> str:
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith(("s", "x", "ch", "sh", "z")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def third_person(phrase: str) -> str:
    """'check whether it is' -> 'checks whether it is'."""
    verb, space, rest = phrase.partition(" ")
    if verb.endswith(("s", "x", "ch", "sh", "z")):
        verb += "es"
    elif verb.endswith("y") and verb[-2] not in "aeiou":
        verb = verb[:-1] + "ies"
    else:
        verb += "s"
    return verb + space + rest


def capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def casual(rng: Random, prompt: str) -> str:
    """Now and then, type a prompt the way people do: no capital, no final mark."""
    roll = rng.random()
    if roll < 0.10 and not prompt.startswith("I "):
        prompt = prompt[:1].lower() + prompt[1:]
    if roll < 0.06 or roll > 0.92:
        prompt = prompt.rstrip("?.! ") or prompt
    return prompt
