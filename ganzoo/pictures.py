"""From [-1, 1] to 8 bits in one place, and labelled grids of pictures."""

from __future__ import annotations

import os
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ganzoo.errors import GanzooError

PADDING = 4
LABEL_WIDTH, LABEL_HEIGHT = 168, 20
PARTIAL = ".partial-"  # how names of pictures begin that are not finished


def to_uint8(images: Tensor) -> Tensor:
    """[..., 3, r, r] in [-1, 1] to uint8: rounded to the nearest of 256 levels, clamped, never truncated."""
    return images.detach().float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def to_array(images: Tensor) -> NDArray[np.uint8]:
    """[n, 3, r, r] in [-1, 1] to [n, r, r, 3] uint8 on the CPU."""
    array: NDArray[np.uint8] = to_uint8(images).permute(0, 2, 3, 1).cpu().numpy()
    return array


def enlarged(images: Tensor, side: int) -> NDArray[np.uint8]:
    """As `to_array`, pictures stretched to `side` pixels without smoothing."""
    return to_array(F.interpolate(images.detach().float(), size=side, mode="nearest"))


def grid(
    pictures: NDArray[np.uint8],
    rows: Sequence[str],
    columns: Sequence[str] = (),
    *,
    cells: Sequence[Sequence[str]] = (),
    scale: int | None = None,
) -> Image.Image:
    """A labelled grid of pictures [rows, columns, r, r, 3].

    A label stands to the left of each row and above each column, or above each cell. Small pictures are
    enlarged by a whole factor (`scale`; default: to about 96 pixels) without smoothing.
    """
    height, width, side = pictures.shape[:3]
    assert len(rows) == height and len(columns) in (0, width), (pictures.shape, len(rows), len(columns))
    scale = scale or max(1, round(96 / side))
    cell = side * scale + PADDING
    font = ImageFont.load_default(12)
    above = LABEL_HEIGHT if cells else 0
    top = (LABEL_HEIGHT if columns else PADDING) + above
    tall = cell + above
    size = (LABEL_WIDTH + width * cell + PADDING, top - above + height * tall)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for column, label in enumerate(columns):
        draw.text((LABEL_WIDTH + column * cell + cell // 2, 4), label, "black", font, anchor="ma")
    for row, label in enumerate(rows):
        lines = textwrap.wrap(label, 26)[: max(1, cell // 15)]
        draw.multiline_text((PADDING, top + row * tall + 2), "\n".join(lines), "black", font, spacing=2)
        for column in range(width):
            tile = Image.fromarray(pictures[row, column]).resize(
                (side * scale,) * 2, Image.Resampling.NEAREST
            )
            at = (LABEL_WIDTH + column * cell, top + row * tall)
            sheet.paste(tile, at)
            if cells:
                middle = (at[0] + cell // 2, at[1] - above + 4)
                draw.text(middle, cells[row][column], "black", font, anchor="ma")
    return sheet


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture atomically. GanzooError: the folder cannot be written, or the ending is unknown."""
    if path.suffix.lower() not in Image.registered_extensions():
        raise GanzooError(f"cannot tell the picture format of `{path}`; end its name in .png, .jpg or .webp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=PARTIAL, suffix=path.suffix)
        try:
            with os.fdopen(handle, "wb") as file:
                picture.save(file, Image.registered_extensions()[path.suffix.lower()])
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise GanzooError(f"cannot write the picture {path}: {error.strerror or error}") from error
