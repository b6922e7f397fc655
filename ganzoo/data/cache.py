"""The packed cache: every picture decoded and resized once, kept as one memory-mapped file of bytes.

A cache folder `KEY/` holds `images.u8`, the bytes of a uint8 array [n, 3, size, size], and `meta.json`: the
shape, the parts of the key, which examples were kept, a digest. It appears whole or not at all, and is
checked when reopened.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import shutil
import struct
import sys
import uuid
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ganzoo import untrusted
from ganzoo.data.examples import Examples
from ganzoo.errors import GanzooError

VERSION = 1  # of the packing rule: another number, another key
PIXEL_LIMIT = 100_000_000
CHUNK = 256  # pictures decoded before they are written
LARGEST_META = 1_000_000_000  # bytes
NAMED = 5  # broken pictures named in a message
DIGEST_BLOCK, DIGEST_BLOCKS = 1 << 16, 256

# What Pillow raises on pictures that are broken, cut short, of no known kind, or far too large.
UNREADABLE = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, struct.error, zlib.error,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip

log = logging.getLogger("ganzoo")


@dataclass(frozen=True, eq=False)
class Packed:
    """Pictures ready to use: `images` [n, 3, size, size] uint8 in a memory-mapped file.

    `kept`: [n] indices into the examples that were packed. `broken`: keys of the unreadable ones, left out.
    """

    images: NDArray[np.uint8]
    kept: NDArray[np.int64]
    broken: tuple[str, ...] = ()

    def select(self, examples: Examples) -> Examples:
        """The examples whose pictures lie in `images`, row for row."""
        if len(self.kept) == len(examples):
            return examples
        kept = self.kept.tolist()
        return Examples(
            keys=tuple(examples.keys[i] for i in kept),
            captions=tuple(examples.captions[i] for i in kept),
            image=lambda i: examples.image(kept[i]),
            fingerprint=f"{examples.fingerprint} kept {hashlib.sha256(self.kept.tobytes()).hexdigest()}",
            class_id=None if examples.class_id is None else examples.class_id[self.kept],
            boxes=None if examples.boxes is None else examples.boxes[self.kept],
            keypoints=None if examples.keypoints is None else examples.keypoints[self.kept],
            embedding=None if examples.embedding is None else examples.embedding[self.kept],
        )


def cache_folder() -> Path:
    """Where caches lie: $GANZOO_CACHE, or `ganzoo` in the user's cache folder of this platform."""
    if given := os.environ.get("GANZOO_CACHE"):
        return Path(given).expanduser()
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given) / "ganzoo"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "ganzoo"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "ganzoo"


def pack(
    examples: Examples,
    size: int,
    folder: Path,
    *,
    skip_broken: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Packed:
    """The pictures of `examples` at `size` x `size` pixels, from the cache in `folder` or packed there now.

    Pictures are turned upright by their EXIF orientation, laid over white where they are transparent, and
    stretched to the square with antialiased bicubic filtering. `progress(done, total)` is called while
    packing.

    Raises GanzooError: no examples; unreadable pictures, those above 100 megapixels among them (left out
    and logged when `skip_broken`); no readable picture at all; a cache folder that is full or cannot be
    written.
    """
    if not len(examples):
        raise GanzooError("there are no pictures to pack: the data set has no examples")
    key = {"fingerprint": examples.fingerprint, "size": size, "n": len(examples), "version": VERSION}
    target = folder / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    packed = _reopen(target, key)
    if packed is None or (packed.broken and not skip_broken):
        try:
            _build(examples, size, target, key, skip_broken, progress)
        except OSError as error:
            megabytes = len(examples) * 3 * size * size / 1e6
            raise GanzooError(
                f"cannot write the packed pictures ({megabytes:.0f} MB) to {folder}: {error.strerror}; "
                "set GANZOO_CACHE to a folder with room that you may write to"
            ) from error
        packed = _reopen(target, key)
        assert packed is not None, "a cache just built opens"
    if packed.broken:
        log.warning(
            "%d of %d pictures are unreadable and were left out: %s",
            len(packed.broken), len(examples), _some(packed.broken),
        )  # fmt: skip
    return packed


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A fresh folder that becomes `target` when the block ends well, and vanishes when it does not.

    Where another process made `target` meanwhile, theirs stays.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.parent / f".{target.name}.{uuid.uuid4().hex}"
    building.mkdir()
    try:
        yield building
        try:
            building.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def discard(target: Path) -> None:
    """Take the folder `target` away in one step, if it is there; files mapped from it stay readable."""
    if target.exists():
        doomed = target.parent / f".{target.name}.{uuid.uuid4().hex}"
        target.rename(doomed)
        shutil.rmtree(doomed)


def digest(file: Path) -> str:
    """A checksum of a file's length and of up to 256 blocks of 64 KiB spread evenly over it.

    It takes milliseconds whatever the size. It finds files cut short, long holes and other files under the
    same name, and every change in files of up to 16 MiB.
    """
    length = untrusted.check_regular(file)
    state = hashlib.blake2b(str(length).encode(), digest_size=16)
    last = max(0, length - DIGEST_BLOCK)
    with file.open("rb") as stream:
        for start in (
            np.linspace(0, last, min(DIGEST_BLOCKS, length // DIGEST_BLOCK + 1)).astype(np.int64).tolist()
        ):
            stream.seek(start)
            state.update(stream.read(DIGEST_BLOCK))
    return state.hexdigest()


def check_pixels(image: Image.Image) -> None:
    """Raises ValueError for a picture of more than 100 megapixels, which is not decoded then."""
    if image.width * image.height > PIXEL_LIMIT:
        raise ValueError(f"{image.width} x {image.height} pixels; at most {PIXEL_LIMIT / 1e6:.0f} megapixels")


def decode(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """[3, size, size] RGB of the first frame. Raises one of `UNREADABLE`."""
    with image:
        check_pixels(image)
        image.draft(None, (2 * size, 2 * size))  # JPEG: decoded smaller, yet at least twice what is needed
        ImageOps.exif_transpose(image, in_place=True)  # a copy of the largest allowed takes 400 MB
        upright: Image.Image = image
        if upright.mode.startswith("I;16"):
            upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        if upright.has_transparency_data:
            drawn = upright.convert("RGBA")
            upright = Image.new("RGBA", drawn.size, "white")
            upright.alpha_composite(drawn)
        drawn = upright if upright.mode == "RGB" else upright.convert("RGB")
        small = drawn.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(small).transpose(2, 0, 1)


def _build(
    examples: Examples,
    size: int,
    target: Path,
    key: dict[str, Any],
    skip_broken: bool,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Decode everything into a folder that becomes `target`."""
    total = len(examples)
    broken: dict[int, str] = {}
    stale = target.exists()  # damaged, or lacking pictures that are wanted now; replaced only by a better one

    def picture(i: int) -> bytes:
        try:
            return decode(examples.image(i), size).tobytes()
        except UNREADABLE as error:
            broken[i] = f"{examples.keys[i]} ({error})"
            return b""

    with appearing(target) as building, ThreadPoolExecutor(os.cpu_count()) as pool:
        with (building / "images.u8").open("wb") as file:
            for start in range(0, total, CHUNK):
                chunk = range(start, min(start + CHUNK, total))
                file.writelines(pool.map(picture, chunk))
                if progress:
                    progress(chunk.stop, total)
        named = [broken[i] for i in sorted(broken)]
        if len(broken) == total:
            raise GanzooError(f"none of the {total} pictures can be read: {_some(named)}")
        if broken and not skip_broken:
            raise GanzooError(
                f"{len(broken)} of {total} pictures cannot be read: {_some(named)}; "
                "mend or remove them, or leave them out with --skip-broken"
            )
        meta = {
            "key": key,
            "shape": [total - len(broken), 3, size, size],
            "digest": digest(building / "images.u8"),
            "kept": [i for i in range(total) if i not in broken],
            "broken": [examples.keys[i] for i in sorted(broken)],
        }
        (building / "meta.json").write_text(json.dumps(meta))
        if stale:
            discard(target)


def _reopen(target: Path, key: dict[str, Any]) -> Packed | None:
    """The cache at `target`; None where there is none, or (logged) where it is damaged."""
    if not target.exists():
        return None
    images = target / "images.u8"
    try:
        meta = untrusted.read_json(target / "meta.json", LARGEST_META)
        kept, broken = np.array(meta["kept"], np.int64), tuple(map(str, meta["broken"]))
        shape = (len(kept), 3, key["size"], key["size"])
        if meta["key"] != key or meta["shape"] != list(shape):
            raise ValueError("meta.json belongs to other pictures")
        if np.setdiff1d(kept, np.arange(key["n"])).size or (np.diff(kept) <= 0).any():
            raise ValueError("meta.json counts pictures that there are not")
        if images.stat().st_size != math.prod(shape) or digest(images) != meta["digest"]:
            raise ValueError("images.u8 is not what was written")
    except (GanzooError, OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        log.warning("the packed pictures in %s are damaged (%s); packing them again", target, error)
        return None
    # Copy-on-write: nothing writes to the file, and torch takes the array without a warning.
    return Packed(np.memmap(images, np.uint8, "c", shape=shape), kept, broken)


def _some(names: list[str] | tuple[str, ...]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
