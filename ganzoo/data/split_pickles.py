"""`train/` and `test/` of StackGAN and AttnGAN: pickles of the pictures' names, classes and embeddings.

Source: the layout of Zhang et al. 2017, arXiv:1612.03242 (hanzhanggit/StackGAN), kept by its successors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.data import pickles
from ganzoo.data.picture_files import check_name
from ganzoo.errors import GanzooError

NAMES, CLASSES, EMBEDDINGS = "filenames.pickle", "class_info.pickle", "char-CNN-RNN-embeddings.pickle"


def has_splits(root: Path) -> bool:
    """Whether the names of the training pictures lie there."""
    return (root / "train" / NAMES).is_file()


def read_names(root: Path, split: str) -> tuple[str, ...]:
    """Names of the pictures of a split, without their endings, in the order of all its other files.

    Raises GanzooError: no such file, no list of text, none, one twice, one that leads out of the folder.
    """
    path = root / split / NAMES
    if not path.exists():
        raise GanzooError(
            f"{path} is not there; it names the pictures of the split `{split}` and comes with the authors' "
            "captions (docs/data.md has the layout)"
        )
    said = pickles.load(path)
    if not isinstance(said, list | tuple) or not all(isinstance(name, str) for name in said):
        raise GanzooError(f"{path} holds {_kind(said)}; expected a list of names of pictures")
    if not said:
        raise GanzooError(f"{path} names no picture")
    for number, name in enumerate(said):
        check_name(name, f"{path}: name {number}")
    if len(set(said)) < len(said):
        raise GanzooError(f"{path} names `{Counter(said).most_common(1)[0][0]}` twice")
    return tuple(said)


def names_of_split(root: Path, split: str) -> tuple[str, ...]:
    """`read_names`. Raises GanzooError also where a picture of `split` is one of the other."""
    names, other = read_names(root, split), "test" if split == "train" else "train"
    if (root / other / NAMES).exists():
        shared = set(names).intersection(read_names(root, other))
        if shared:
            raise GanzooError(
                f"{root / split / NAMES} and {root / other / NAMES} share {min(shared)} "
                f"({len(shared)} in all); a picture is in one split"
            )
    return names


def read_classes(root: Path, split: str, count: int) -> NDArray[np.int64] | None:
    """[count] numbers of the pictures' classes; None where there is no such file.

    Raises GanzooError for what are no whole numbers, or not one a picture.
    """
    path = root / split / CLASSES
    if not path.exists():
        return None
    said = pickles.load(path)
    if isinstance(said, np.ndarray) and said.ndim == 1:
        said = list(said)
    if not isinstance(said, list | tuple) or not all(map(_whole, said)):
        raise GanzooError(f"{path} holds {_kind(said)}; expected a list of whole numbers, the classes")
    if len(said) != count:
        raise GanzooError(f"{path} holds {len(said)} classes; expected {count}, one a name in {NAMES}")
    return np.array([int(number) for number in said], np.int64)


def read_split_embeddings(root: Path, split: str, captions: Sequence[int], width: int) -> NDArray[np.float32]:
    """[n, c, width] sentence embeddings of the c captions of each picture; `captions`: [n] how many each has.

    The file is a list of n arrays [c, width], or one array. Raises GanzooError for anything else, and for
    values that are not finite.
    """
    path = root / split / EMBEDDINGS
    if not path.exists():
        raise GanzooError(f"`embedding: {width}` reads {path}, which is not there")
    arrays = pickles.load(path)
    if isinstance(arrays, np.ndarray) and arrays.ndim == 3:
        arrays = list(arrays)
    if not isinstance(arrays, list | tuple) or len(arrays) != len(captions):
        raise GanzooError(
            f"{path} holds {_kind(arrays)}; expected a list of {len(captions)} arrays, one a name in {NAMES}"
        )
    table = np.empty((len(captions), captions[0], width), np.float32)
    for number, (array, count) in enumerate(zip(arrays, captions, strict=True)):
        if count != captions[0]:
            raise GanzooError(
                f"picture {number} of {root / split / NAMES} has {count} captions, the first has "
                f"{captions[0]}; with embeddings all have as many"
            )
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or array.shape != (count, width):
            raise GanzooError(
                f"{path}: entry {number} is {_kind(array)}; expected floats of shape ({count}, {width}): "
                "captions of a picture (`captions` of the recipe's data, at most), its `embedding`"
            )
        with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite
            table[number] = array
    if not np.isfinite(table).all():
        raise GanzooError(f"{path} holds values that are not finite numbers")
    return table


def embedding_width(root: Path) -> int:
    """Width of the training pictures' embeddings as the file has them; 0 where it is not there."""
    if not (root / "train" / EMBEDDINGS).is_file():
        return 0
    first = pickles.first_array(root / "train" / EMBEDDINGS)
    return int(first.shape[-1]) if first is not None and first.ndim else 0


def _whole(number: Any) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool) and abs(int(number)) < 2**63


def _kind(value: Any) -> str:
    """What it is, for a message."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} of shape {value.shape}"
    if isinstance(value, list | tuple):
        kinds = sorted({type(item).__name__ for item in value})
        return f"a list of {len(value)}{' (' + ', '.join(kinds) + ')' if kinds else ''}"
    return f"a {type(value).__name__}"
