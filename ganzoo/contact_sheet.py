"""A contact sheet of a data set: pictures as training sees them, with a caption each, boxes and keypoints."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ganzoo.data.cache import UNREADABLE, Packed, decode
from ganzoo.data.examples import Examples
from ganzoo.data.loader import layout_of
from ganzoo.errors import printable
from ganzoo.placing import drawn_over

COLUMNS = 6
ROWS = {"train": 3, "test": 1}
SIDE, GAP = 144, 10  # pixels
HEADING, LINE, LINES, LETTERS = 26, 14, 4, 25


def contact_sheet(splits: Mapping[str, Examples]) -> Image.Image:
    """Up to 18 pictures of `train` and 6 of `test`, evenly spread, stretched to squares as in training."""
    chosen = {name: _chosen(own, ROWS[name] * COLUMNS) for name, own in splits.items() if len(own)}
    tall = SIDE + GAP + LINES * LINE
    rows = {name: -(-len(own) // COLUMNS) for name, own in chosen.items()}
    height = sum(HEADING + count * tall for count in rows.values())
    sheet = Image.new("RGB", (GAP + COLUMNS * (SIDE + GAP), height + GAP), "white")
    draw, top = ImageDraw.Draw(sheet), 0
    heading, font = ImageFont.load_default(14), ImageFont.load_default(11)
    for name, own in chosen.items():
        draw.text((GAP, top + 6), f"{name}: {len(splits[name]):,} pictures", "black", heading)
        top += HEADING
        for number, picture in enumerate(_pictures(own)):
            row, column = divmod(number, COLUMNS)
            at = (GAP + column * (SIDE + GAP), top + row * tall)
            sheet.paste(Image.fromarray(picture).resize((SIDE, SIDE)), at)
            lines = textwrap.wrap(
                printable(own.captions[number][0]), LETTERS, max_lines=LINES, placeholder="..."
            )
            draw.multiline_text((at[0], at[1] + SIDE + 3), "\n".join(lines), "black", font, spacing=2)
        top += rows[name] * tall
    return sheet


def _chosen(examples: Examples, count: int) -> Examples:
    """Up to `count` examples, evenly spread."""
    rows = np.linspace(0, len(examples) - 1, min(count, len(examples))).round().astype(np.int64)
    return Packed(np.zeros((0, 3, 1, 1), np.uint8), rows).select(examples)


def _pictures(examples: Examples) -> NDArray[np.uint8]:
    """[n, side, side, 3]; where a picture cannot be read, a grey one that says so."""
    found = []
    for number in range(len(examples)):
        try:
            picture = decode(examples.image(number), SIDE).transpose(1, 2, 0)
        except UNREADABLE:
            blank = Image.new("RGB", (SIDE, SIDE), "lightgrey")
            ImageDraw.Draw(blank).text((SIDE // 2, SIDE // 2), "unreadable", "black", anchor="mm")
            picture = np.asarray(blank)
        found.append(picture)
    layout = layout_of(examples)
    pictures = np.stack(found)
    return pictures if layout is None else drawn_over(pictures, layout)
