"""Captions of an emoji, from its name, its subgroup and its keywords."""

from __future__ import annotations

import re

from ganzoo_emoji.names import EmojiName

KEYWORDS = 4  # at most so many keywords in a caption
WORD = re.compile(r"[a-z]+")
PROPER = re.compile(r"[a-z][a-z -]+")  # leaves out "whale2", "+1", "o"

# CLDR's subgroups as one would say them.
KINDS = {
    "face-smiling": "a smiling face", "face-affection": "an affectionate face",
    "face-tongue": "a face with tongue", "face-hand": "a face with hands",
    "face-neutral-skeptical": "a neutral face", "face-sleepy": "a sleepy face",
    "face-unwell": "an unwell face", "face-hat": "a face with a hat",
    "face-glasses": "a face with glasses", "face-concerned": "a concerned face",
    "face-negative": "an angry face", "face-costume": "a face in costume",
    "cat-face": "a cat face", "monkey-face": "a monkey face", "heart": "a heart",
    "emotion": "a sign of emotion",
    "hand-fingers-open": "an open hand", "hand-fingers-partial": "a hand sign",
    "hand-single-finger": "a pointing finger", "hand-fingers-closed": "a closed hand",
    "hands": "a pair of hands", "hand-prop": "a hand holding something", "body-parts": "a part of the body",
    "person": "a person", "person-gesture": "a person making a gesture", "person-role": "a person at work",
    "person-fantasy": "a fantasy figure", "person-activity": "a person doing something",
    "person-sport": "a person doing sports", "person-resting": "a person resting", "family": "a family",
    "person-symbol": "a symbol of people",
    "animal-mammal": "a mammal", "animal-bird": "a bird", "animal-amphibian": "an amphibian",
    "animal-reptile": "a reptile", "animal-marine": "a sea animal", "animal-bug": "a small creature",
    "plant-flower": "a flower", "plant-other": "a plant",
    "food-fruit": "a fruit", "food-vegetable": "a vegetable", "food-prepared": "a dish",
    "food-asian": "an asian dish", "food-sweet": "a sweet", "drink": "a drink", "dishware": "tableware",
    "place-map": "a map", "place-geographic": "a landscape", "place-building": "a building",
    "place-religious": "a religious building", "place-other": "a place",
    "transport-ground": "a land vehicle or road", "transport-water": "a boat or harbour",
    "transport-air": "an aircraft or spacecraft", "hotel": "a hotel", "time": "a clock",
    "sky-and-weather": "sky and weather",
    "event": "a celebration", "award-medal": "an award", "sport": "sports", "game": "a game",
    "arts-and-crafts": "arts and crafts",
    "clothing": "clothing", "sound": "a sound", "music": "music",
    "musical-instrument": "a musical instrument", "phone": "a telephone",
    "computer": "a computer", "light-and-video": "light and video",
    "book-paper": "books and paper", "money": "money", "mail": "mail", "writing": "a writing tool",
    "office": "office supplies", "lock": "a lock or key", "tool": "a tool",
    "science": "a scientific instrument", "medical": "medicine",
    "household": "a household item", "other-object": "an object",
    "transport-sign": "a traffic sign", "warning": "a warning sign", "arrow": "an arrow",
    "religion": "a religious symbol", "zodiac": "a sign of the zodiac", "av-symbol": "a player button",
    "gender": "a gender symbol", "math": "a mathematical sign", "punctuation": "a punctuation mark",
    "currency": "a currency sign", "other-symbol": "a symbol", "keycap": "a key",
    "alphanum": "a sign with letters", "geometric": "a geometric shape",
    "flag": "a flag", "country-flag": "a country's flag", "subdivision-flag": "a region's flag",
}  # fmt: skip


def captions(emoji: EmojiName) -> tuple[str, ...]:
    """Five lower-case captions, the plain name first; the same whoever drew the emoji."""
    kind = KINDS[emoji.subgroup]
    return (
        emoji.name,
        f"{emoji.name} emoji",
        f"{emoji.name}, {kind}",
        f"emoji of {kind}: {emoji.name}",
        f"{emoji.name}: {', '.join(_keywords(emoji, kind))}",
    )


def _keywords(emoji: EmojiName, kind: str) -> list[str]:
    """What the name does not say: other names and tags, the kind, and the group."""
    said = set(WORD.findall(emoji.name))
    kind = kind.removeprefix("an ").removeprefix("a ")
    new = [word for word in emoji.keywords if PROPER.fullmatch(word) and not set(WORD.findall(word)) <= said]
    return list(dict.fromkeys([*new[:KEYWORDS], kind, emoji.group.replace("-", " ")]))
