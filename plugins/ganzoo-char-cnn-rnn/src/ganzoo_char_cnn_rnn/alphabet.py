"""Captions as characters: the authors' alphabet, Reed et al. 2016, arXiv:1605.05395, section 4.1."""

from __future__ import annotations

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+-=<>()[]{} "
UNKNOWN = len(ALPHABET) + 1

# From 1 on; of the two '-' the later one counts, as in the authors' table, and number 37 is never given.
NUMBERS = {character: number for number, character in enumerate(ALPHABET, 1)}


def numbers_of(caption: str) -> list[int]:
    """A number for each character of the caption, `UNKNOWN` for those the alphabet does not have."""
    return [NUMBERS.get(character, UNKNOWN) for character in caption]
