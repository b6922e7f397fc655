"""Pictures beside results.json, as data in a page."""

from __future__ import annotations

import base64
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ganzoo import untrusted
from ganzoo.errors import GanzooError

LARGEST = 20_000_000  # bytes
SMALL = 128  # pixels; up to here a picture is enlarged without smoothing


@dataclass(frozen=True)
class Picture:
    """A picture for a page, or `problem`: why there is none."""

    uri: str = ""
    width: int = 0
    height: int = 0
    problem: str = ""

    @property
    def small(self) -> bool:
        """Whether its pixels are to be seen as squares."""
        return max(self.width, self.height) <= SMALL


def embed(folder: Path, name: str) -> Picture:
    """The PNG `name` in `folder`. A report shows why one is missing in its place: the rest is still worth it.

    Nothing outside of `folder` is read, and nothing but a PNG: a page is passed on to others.
    """
    try:
        path = _inside(folder, name)
        data = untrusted.read_bytes(path, LARGEST, name)
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
                width, height = picture.size
    except GanzooError as error:
        return Picture(problem=str(error))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):  # SyntaxError: a broken PNG, to Pillow
        return Picture(problem=f"{name} is no PNG")
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return Picture(problem=f"{name} has too many pixels")
    return Picture(f"data:image/png;base64,{base64.b64encode(data).decode()}", width, height)


def _inside(folder: Path, name: str) -> Path:
    """The file, links followed. Raises GanzooError for one that lies elsewhere."""
    try:
        root = folder.resolve()
        path = (root / name).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a NUL; RuntimeError: links in a circle
        raise GanzooError(f"{name} cannot be read: {error}") from error
    if not path.is_relative_to(root):
        raise GanzooError(f"{name} is not in the folder of the results")
    return path
