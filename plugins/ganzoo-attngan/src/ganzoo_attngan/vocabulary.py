"""The words an encoder knows: learnt from captions, kept as text, or read from the authors' file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ganzoo import untrusted
from ganzoo.data import pickles
from ganzoo.errors import GanzooError

WORD = re.compile(r"\w+")
LARGEST = 50_000_000  # bytes


def words_of(caption: str) -> list[str]:
    """A caption's words in lower case, without punctuation."""
    return WORD.findall(caption.lower())


def learnt(captions: Iterable[str]) -> tuple[str, ...]:
    """All words of `captions`, the most frequent first, equals by the alphabet."""
    counts = Counter(word for caption in captions for word in words_of(caption))
    return tuple(sorted(counts, key=lambda word: (-counts[word], word)))


def read(path: Path) -> tuple[str, ...]:
    """The words of a file, in the order of their numbers 1, 2, ...

    A text file has one a line. A `.pickle` is the authors' captions.pickle: [training captions, test
    captions, words by number, numbers by word]; word 0 is the end of a caption. Raises GanzooError for a file
    that is neither.
    """
    if path.suffix == ".pickle":
        return _authors(path)
    words = tuple(untrusted.read_text(path, LARGEST).split())
    if not words:
        raise GanzooError(f"{path} holds no word; expected one a line")
    return words


def _authors(path: Path) -> tuple[str, ...]:
    said = pickles.load(path)
    by_number = said[2] if isinstance(said, list | tuple) and len(said) == 4 else None
    if not isinstance(by_number, dict) or by_number.keys() != set(range(len(by_number))):
        raise GanzooError(
            f"{path} is not AttnGAN's captions.pickle: expected a list of training captions, test captions, "
            "words by number from 0 on, numbers by word"
        )
    words = [by_number[number] for number in range(1, len(by_number))]
    if not words or not all(isinstance(word, str) for word in words):
        raise GanzooError(f"{path} is not AttnGAN's captions.pickle: its words are not text")
    return tuple(words)
