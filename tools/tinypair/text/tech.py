"""Kind 'tech': short explanations of computing topics, and follow-ups that stay on the topic."""

from __future__ import annotations

from dataclasses import dataclass

from tools.tinypair.text.blocks import Block, read_blocks, read_rows
from tools.tinypair.text.turns import Exchange, Request
from tools.tinypair.text.words import capital


@dataclass(frozen=True)
class Topic:
    name: str
    aliases: tuple[str, ...]
    what: tuple[str, ...]
    how: tuple[str, ...]
    why: tuple[str, ...]
    example: tuple[str, ...]
    caveat: tuple[str, ...]
    child: tuple[str, ...]


def _topic(block: Block) -> Topic:
    name, _, aliases = block.title.partition(" | ")
    return Topic(
        name,
        tuple(aliases.split(", ")),
        *(block.get(mark) for mark in ("=", "+", "!", "~", "?", "K")),
    )


TOPICS = [_topic(block) for block in read_blocks("tech.txt")]
PAIRS = read_rows("tech_pairs.txt")

_ASK_WHAT = [
    "What is {x}?",
    "What is {x}?",
    "Explain {x}.",
    "Explain {x}.",
    "Can you explain {x}?",
    "Tell me about {x}.",
    "What does {x} mean in computing?",
    "Define {x}.",
    "Describe {x}.",
    "Explain {x} to me.",
    "Please explain {x}.",
    "I want to understand {x}.",
    "Give me a short explanation of {x}.",
    "What exactly is {x}?",
    "Could you explain {x}?",
    "Help me understand {x}.",
    "I do not understand {x}.",
    "{X}",
    "What do you know about {x}?",
    "Explain {x} briefly.",
    "What is {x} in computing?",
    "What is meant by {x}?",
    "Write a short explanation of {x}.",
    "Teach me about {x}.",
]
_ASK_HOW = [
    "How does {x} work?",
    "Explain how {x} works.",
    "Can you explain how {x} works?",
    "How exactly does {x} work?",
    "Tell me how {x} works.",
    "How does {x} work in practice?",
]
_ASK_WHY = [
    "Why is {x} useful?",
    "Why do we use {x}?",
    "What is {x} good for?",
    "Why do people use {x}?",
    "What are the benefits of {x}?",
    "When is {x} useful?",
    "Why does {x} matter?",
]
_ASK_CHILD = [
    "Explain {x} to a child.",
    "Explain {x} in simple words.",
    "{X} in simple words",
    "Explain {x} like I am five.",
    "What is {x} in simple terms?",
    "Explain {x} simply.",
    "How would you explain {x} to a beginner?",
    "ELI5: {x}",
]
_ASK_LIST = [
    "List some facts about {x}.",
    "Give me three points about {x}.",
    "Summarize {x} in bullet points.",
    "Explain {x} with bullet points.",
    "Key points about {x}, please.",
]
_ASK_PAIR = [
    "What is the difference between {x} and {y}?",
    "{X} vs {y}",
    "Compare {x} and {y}.",
    "How does {x} differ from {y}?",
    "Explain the difference between {x} and {y}.",
    "{X} or {y}: what is the difference?",
    "Difference between {x} and {y}",
    "How is {x} different from {y}?",
]

_THEN: dict[str, list[str]] = {
    "example": [
        "Give an example.",
        "Can you give an example?",
        "Do you have an example?",
        "Show me an example.",
        "An example, please.",
        "For example?",
    ],
    "child": [
        "Explain that to a child.",
        "Explain it in simple words.",
        "Can you say that more simply?",
        "That is too hard for me.",
        "Simpler, please.",
        "Explain it like I am five.",
        "Is there an analogy?",
    ],
    "why": [
        "Why is that useful?",
        "Why is it important?",
        "What is it good for?",
        "Why do we use it?",
        "What is the benefit?",
    ],
    "how": ["How does it work?", "How does that work exactly?", "Can you explain how it works?"],
    "more": [
        "Tell me more.",
        "Go on.",
        "More, please.",
        "What else should I know?",
        "Anything else?",
    ],
    "caveat": [
        "What are the disadvantages?",
        "Is there a problem with it?",
        "What should I watch out for?",
        "Are there any drawbacks?",
        "What are its limits?",
    ],
    "what": [
        "Make it shorter.",
        "In one sentence, please.",
        "Can you say it in one sentence?",
        "Shorter, please.",
        "Summarize that.",
    ],
}


def make(request: Request) -> list[Exchange]:
    if request.chance(0.12):
        exchange, topic = _pair(request)
    else:
        topic = request.rng.choice(TOPICS)
        exchange = _first(request, topic)
    if topic is None:
        return [exchange]
    slots = list(_THEN)
    request.rng.shuffle(slots)
    later = [_then(request, topic, slot) for slot in slots[: request.turns - 1]]
    return [exchange, *later]


def _ask(request: Request, templates: list[str], topic: Topic) -> str:
    name = topic.name
    if request.chance(0.3) and templates is not _ASK_HOW:
        name = request.pick(topic.aliases)
        if "speeds up" in name:
            name = topic.name
    plural = (
        name.endswith("s")
        and not name.startswith(("a ", "an ", "the "))
        and name not in ("DNS", "CSS", "HTTPS", "the domain name system")
    )
    template = request.pick(templates)
    if plural:
        for one, many in (
            (" is {x}", " are {x}"),
            ("does {x}", "do {x}"),
            ("{x} works", "{x} work"),
        ):
            template = template.replace(one, many)
    return template.format(x=name, X=capital(name))


def _first(request: Request, topic: Topic) -> Exchange:
    pick = request.pick
    what, how, why = pick(topic.what), pick(topic.how), pick(topic.why)
    example, caveat, child = pick(topic.example), pick(topic.caveat), pick(topic.child)
    roll = request.rng.random()
    if roll < 0.55:
        prompt = _ask(request, _ASK_WHAT, topic)
        parts = [what, how, why]
        if request.chance(0.6):
            parts.append(example)
        if request.chance(0.35):
            parts.append(caveat)
    elif roll < 0.68:
        prompt = _ask(request, _ASK_HOW, topic)
        parts = [what, how, example] if request.chance(0.6) else [what, how, child]
        if request.brief:
            parts = [how]
    elif roll < 0.78:
        prompt = _ask(request, _ASK_WHY, topic)
        parts = [why, what, example] if request.chance(0.5) else [why, example]
    elif roll < 0.93:
        prompt = _ask(request, _ASK_CHILD, topic)
        parts = [what, child] if request.chance(0.5) else [what, child, why]
    else:
        prompt = _ask(request, _ASK_LIST, topic)
        parts = [f"- {point}" for point in (what, how, why)]
        return prompt, what if request.brief else "\n".join(parts)
    return prompt, parts[0] if request.brief else " ".join(parts)


def _then(request: Request, topic: Topic, slot: str) -> Exchange:
    prompt = request.pick(_THEN[slot])
    if slot == "more":
        example, caveat = request.pick(topic.example), request.pick(topic.caveat)
        return prompt, caveat if request.brief else f"{example} {caveat}"
    answer = request.pick(getattr(topic, slot))
    if not request.brief and (slot == "how" or (slot == "why" and request.chance(0.5))):
        answer += " " + request.pick(topic.example)
    return prompt, answer


def _pair(request: Request) -> tuple[Exchange, Topic | None]:
    first, second, difference, use = request.rng.choice(PAIRS)
    x, y = (first, second) if request.chance(0.7) else (second, first)
    prompt = request.pick(_ASK_PAIR).format(x=x, y=y, X=capital(x))
    topic = next((topic for topic in TOPICS if topic.name == first), None)
    return (prompt, difference if request.brief else f"{difference} {use}"), topic
