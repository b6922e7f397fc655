"""The .t7 files of GAWWN's people: captions, embeddings, joints and place of those in a picture.

Source: Reed et al. 2016, arXiv:1610.02454; reedscot/nips2016 data/donkey_folder_mhp_keypoint_and_image.lua.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.data import torch7_files
from ganzoo.data.caption_table import check_caption
from ganzoo.data.picture_files import check_inside, check_name
from ganzoo.errors import GanzooError

# Characters by number, from 1, in the captions; 0 = none. The authors' has "-" twice.
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+-=<>()[]{} "

log = logging.getLogger("ganzoo")


@dataclass(frozen=True, eq=False)
class Person:
    """One person in a picture.

    `entry`: the name of the .t7 file. `captions` with `embedding` [captions, width]. `joints`: [17, 3]
    (x, y, visible) in pixels, the last one the middle of the head. `middle` (x, y) in pixels; `scale`: their
    height in 200 pixels.
    """

    entry: str
    picture: str
    captions: tuple[str, ...]
    embedding: NDArray[np.float32]
    joints: NDArray[np.float64]
    middle: tuple[float, float]
    scale: float


def read_people(folder: Path) -> list[Person]:
    """Those who are alone in their pictures, by the names of the files.

    Raises GanzooError: no folder, no file in it, nobody alone in any; a file that is none of these.
    """
    paths = sorted(folder.glob("*.t7")) if folder.is_dir() else []
    if not paths:
        raise GanzooError(f"{folder} has no .t7 files; expected one a picture, as GAWWN's authors made them")
    for path in paths:
        check_inside(folder, path)
    people = [person for person in map(read_person, paths) if person]
    if not people:
        raise GanzooError(f"none of the {len(paths)} files in {folder} is of one person with keypoints")
    if len(people) < len(paths):
        others = len(paths) - len(people)
        log.info("%d of %d pictures are of several people, or without keypoints", others, len(paths))
    return people


def read_person(path: Path) -> Person | None:
    """The person of a file, None where there are several or none whose joints are marked.

    Raises GanzooError for a file of another form.
    """
    said = torch7_files.load(path)
    if not isinstance(said, dict):
        raise GanzooError(f"{path} holds a {type(said).__name__}; expected a table of img, txt, char, ...")
    own = _alone(path, said)
    if own is None:
        return None
    picture = said.get("img")
    if not isinstance(picture, str):
        raise GanzooError(f"{path}: `img` is {picture!r}; expected the name of a picture")
    check_name(picture, f"{path}: `img`")
    embedding = _array(path, said, "txt", (None, None))
    captions = tuple(_spelled(path, column) for column in _array(path, said, "char", (None, None)).T)
    if len(captions) != len(embedding):
        raise GanzooError(f"{path} has {len(captions)} captions in `char`, but {len(embedding)} in `txt`")
    points = _array(path, said, "points", (3, 16, None))
    count = points.shape[2]
    middle, scale = _array(path, said, "pos", (2, count)), _array(path, said, "scale", (1, count))
    head = _array(path, said, "head", (4, count))
    if not 0 <= own < count:
        raise GanzooError(f"{path}: `single_person` names person {own + 1} of {count}")
    if not 0 < scale[0, own] < 100:
        raise GanzooError(f"{path}: `scale` is {scale[0, own]}; expected the person's height in 200 pixels")
    x1, y1, x2, y2 = head[:, own]
    crown = [(x1 + x2) / 2, (y1 + y2) / 2, float(abs(head[:, own]).sum() > 0)]
    return Person(
        entry=path.name,
        picture=picture,
        captions=captions,
        embedding=_narrowed(path, embedding),
        joints=np.concatenate([points[:, :, own].T, [crown]]).astype(np.float64),
        middle=(float(middle[0, own]), float(middle[1, own])),
        scale=float(scale[0, own]),
    )


def _alone(path: Path, said: dict[Any, Any]) -> int | None:
    """The number, from 0, of the one person whose joints are marked; None where there is no such one."""
    for key in ("has_kp", "points", "single_person"):
        if not isinstance(said.get(key), np.ndarray):
            raise GanzooError(f"{path} has no tensor `{key}`; expected a file of a picture of people")
    marked, points, apart = said["has_kp"].ravel(), said["points"], said["single_person"].ravel()
    if len(apart) != 1 or not len(marked) or marked[0] != 1:
        return None
    if points.ndim != 3 or len(points) != 3 or not points[2].sum() > 0:
        return None
    return int(apart[0]) - 1 if np.isfinite(apart[0]) else -1


def _array(path: Path, said: dict[Any, Any], key: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """A tensor of finite numbers of that shape; None = any length."""
    found = said.get(key)
    fits = (
        isinstance(found, np.ndarray)
        and found.ndim == len(shape)
        and all(want in (None, have) for want, have in zip(shape, found.shape, strict=True))
    )
    if not fits or found is None:
        kind = f"a tensor of shape {found.shape}" if isinstance(found, np.ndarray) else repr(found)
        wanted = " x ".join("n" if length is None else str(length) for length in shape)
        raise GanzooError(f"{path}: `{key}` is {kind}; expected a tensor of {wanted}")
    if not np.isfinite(found).all():
        raise GanzooError(f"{path}: `{key}` holds values that are not finite numbers")
    return np.asarray(found)


def _narrowed(path: Path, embedding: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        narrow = embedding.astype(np.float32)
    if not np.isfinite(narrow).all():
        raise GanzooError(f"{path}: `txt` holds values too large for float32")
    return narrow


def _spelled(path: Path, numbers: NDArray[Any]) -> str:
    if (numbers < 0).any() or (numbers > len(ALPHABET)).any():
        raise GanzooError(f"{path}: `char` holds numbers outside 0..{len(ALPHABET)}, the alphabet")
    text = "".join(ALPHABET[int(number) - 1] for number in numbers if number).strip()
    if not text:
        raise GanzooError(f"{path} has an empty caption in `char`")
    check_caption(text, f"{path}: `char`")
    return text
