"""Captions as StackGAN and AttnGAN read them: a text file a picture, or AttnGAN's numbered words.

Source: Zhang et al. 2017, arXiv:1612.03242 (hanzhanggit/StackGAN); Xu et al. 2018, arXiv:1711.10485
(taoxugit/AttnGAN).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganzoo import untrusted
from ganzoo.data import pickles
from ganzoo.data.caption_table import check_caption
from ganzoo.data.picture_files import check_inside
from ganzoo.errors import GanzooError

FOLDERS = ("text", "text_c10")
NUMBERED = "captions.pickle"
LARGEST_TEXT = 1_000_000  # bytes of the captions of one picture
BROKEN_LETTER = "\ufffd\ufffd"  # as the birds' captions have it; AttnGAN reads a space

Captions = tuple[tuple[str, ...], ...]


def read_captions(root: Path, split: str, names: Sequence[str], most: int) -> Captions:
    """The first `most` captions of each picture, from `text/NAME.txt` or `text_c10/NAME.txt`, one a line.

    Where there is no such folder, from `captions.pickle`: in lower case, without marks, as AttnGAN cut words.
    Raises GanzooError: neither is there, a file missing, empty, no UTF-8; numbers that stand for no word.
    """
    for folder in FOLDERS:
        if (root / folder).is_dir():
            return tuple(_of_file(root, root / folder / f"{name}.txt", most) for name in names)
    if not (root / NUMBERED).exists():
        raise GanzooError(
            f"{root} has no captions: neither a folder {' or '.join(f'{name}/' for name in FOLDERS)} with a "
            f"text file a picture, nor {NUMBERED}"
        )
    return _of_numbers(root / NUMBERED, split, len(names), most)


def _of_file(root: Path, path: Path, most: int) -> tuple[str, ...]:
    check_inside(root, path)
    lines = untrusted.read_text(path, LARGEST_TEXT).replace(BROKEN_LETTER, " ").split("\n")
    said = [line.strip() for line in lines if line.strip()][:most]
    if not said:
        raise GanzooError(f"{path} has no caption; expected one a line")
    for caption in said:
        check_caption(caption, f"a caption in {path}")
    return tuple(said)


def _of_numbers(path: Path, split: str, pictures: int, most: int) -> Captions:
    """Captions spelled from [training captions, test captions, word of a number, number of a word]."""
    said = pickles.load(path)
    if not isinstance(said, list) or len(said) < 3 or not isinstance(said[2], dict):
        raise GanzooError(
            f"{path} is no captions.pickle of AttnGAN: expected a list of training captions, test captions, "
            "words by number, numbers by word"
        )
    captions, words = said[split == "test"], said[2]
    each, rest = divmod(len(captions), pictures) if isinstance(captions, list) else (0, 0)
    if rest or not each:
        found = f"{len(captions)} captions" if isinstance(captions, list) else f"a {type(captions).__name__}"
        raise GanzooError(
            f"{path} holds {found} of the split `{split}`; expected as many for each of its "
            f"{pictures} pictures"
        )
    spelled = [_spelled(path, number, one, words) for number, one in enumerate(captions)]
    return tuple(tuple(spelled[i * each : i * each + min(each, most)]) for i in range(pictures))


def _spelled(path: Path, number: int, caption: Any, words: dict[Any, Any]) -> str:
    if not isinstance(caption, list) or not all(isinstance(words.get(word), str) for word in caption):
        raise GanzooError(f"{path}: caption {number} is no list of numbers of words")
    text = " ".join(words[word] for word in caption)
    if not text.strip():
        raise GanzooError(f"{path}: caption {number} is empty")
    check_caption(text, f"{path}: caption {number}")
    return text
