from __future__ import annotations

import io
import json
import logging
import resource
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo.data.cache import appearing, cache_folder, decode, digest, pack
from ganzoo.data.examples import Examples
from ganzoo.errors import GanzooError


def shade(i: int) -> Image.Image:
    return Image.new("RGB", (12, 9), (i % 256, 7, 9))


def examples(n: int = 5, broken: frozenset[int] = frozenset(), fingerprint: str = "test") -> Examples:
    def image(i: int) -> Image.Image:
        return Image.open(io.BytesIO(b"no picture")) if i in broken else shade(i)

    keys = tuple(f"{i}.png" for i in range(n))
    return Examples(keys, tuple((f"shade {i}",) for i in range(n)), image, fingerprint, class_id=np.arange(n))


def test_pictures_are_packed_in_order_and_reopened(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    packed = pack(examples(300), 8, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert packed.images.shape == (300, 3, 8, 8) and packed.images.dtype == np.uint8
    assert (packed.images[:, 0] == (np.arange(300) % 256)[:, None, None]).all()
    assert seen == [(256, 300), (300, 300)]
    again = pack(examples(300), 8, tmp_path, progress=lambda done, total: pytest.fail("packed twice"))
    assert (again.images == packed.images).all() and again.kept.tolist() == list(range(300))
    assert packed.select(every := examples(300)) is every


def test_size_fingerprint_and_number_have_caches_of_their_own(tmp_path: Path) -> None:
    for given, size in ((examples(), 8), (examples(), 9), (examples(4), 8), (examples(fingerprint="b"), 8)):
        pack(given, size, tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("damage", ["cut", "changed", "meta", "gone", "other"])
def test_a_damaged_cache_is_packed_again(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = np.array(pack(examples(), 8, tmp_path).images)
    (folder,) = tmp_path.iterdir()
    images, meta = folder / "images.u8", folder / "meta.json"
    if damage == "cut":
        images.write_bytes(images.read_bytes()[:-1])
    if damage == "changed":
        images.write_bytes(images.read_bytes()[:-1] + b"\x63")
    if damage == "meta":
        meta.write_text("{")
    if damage == "gone":
        images.unlink()
    if damage == "other":
        meta.write_text(json.dumps({**json.loads(meta.read_text()), "key": {}}))
    with caplog.at_level(logging.WARNING, "ganzoo"):
        assert (pack(examples(), 8, tmp_path).images == before).all()
    assert "are damaged" in caplog.text and "packing them again" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_unreadable_pictures_are_an_error_that_names_them(tmp_path: Path) -> None:
    with pytest.raises(
        GanzooError, match=r"7 of 9 pictures cannot be read: 0\.png \(.*and 2 more.*--skip-broken"
    ):
        pack(examples(9, frozenset(range(7))), 8, tmp_path)
    assert not list(tmp_path.iterdir())


def test_unreadable_pictures_are_left_out_when_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = examples(5, frozenset({1, 3}))
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "ganzoo"):
            packed = pack(given, 8, tmp_path, skip_broken=True)
        assert "2 of 5 pictures are unreadable and were left out: 1.png, 3.png" in caplog.text
        assert packed.broken == ("1.png", "3.png") and packed.kept.tolist() == [0, 2, 4]
        assert packed.images[:, 0, 0, 0].tolist() == [0, 2, 4]
    kept = packed.select(given)
    assert kept.keys == ("0.png", "2.png", "4.png") and kept.captions[1] == ("shade 2",)
    assert kept.class_id is not None and kept.class_id.tolist() == [0, 2, 4]
    assert kept.image(2).getpixel((0, 0)) == (4, 7, 9) and kept.fingerprint != given.fingerprint
    with pytest.raises(GanzooError, match="2 of 5 pictures cannot be read"):
        pack(given, 8, tmp_path)
    (kept_cache,) = tmp_path.iterdir()
    assert len(pack(examples(5), 8, tmp_path).images) == 5  # mended
    assert list(tmp_path.iterdir()) == [kept_cache]


def test_no_readable_picture_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GanzooError, match="none of the 2 pictures can be read"):
        pack(examples(2, frozenset({0, 1})), 8, tmp_path, skip_broken=True)
    with pytest.raises(GanzooError, match="no pictures to pack"):
        pack(examples(0), 8, tmp_path)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GanzooError, match=r"cannot write the packed pictures \(0 MB\) to .*GANZOO_CACHE"):
        pack(examples(), 8, tmp_path / "file" / "cache")


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(GanzooError, match="cannot write the packed pictures"):
            pack(examples(), 64, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_an_interrupted_build_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), appearing(tmp_path / "a") as building:
        (building / "x").touch()
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_the_first_of_two_builders_wins(tmp_path: Path) -> None:
    with appearing(tmp_path / "a") as late:
        (late / "late").touch()
        with appearing(tmp_path / "a") as early:
            (early / "early").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["early"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def packed_sum(folder: Path) -> int:
    return int(pack(examples(40), 16, folder).images.sum())


def test_processes_may_pack_at_once(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, get_context("spawn")) as processes:
        sums = set(processes.map(packed_sum, [tmp_path] * 3))
    assert sums == {packed_sum(tmp_path)} and len(list(tmp_path.iterdir())) == 1


def test_the_digest_reads_all_of_a_small_file_and_the_ends_of_a_large_one(tmp_path: Path) -> None:
    file = tmp_path / "a"
    for size, places in ((1, [0]), (200_000, range(0, 200_000, 9_999)), (40_000_000, [0, 39_999_999])):
        data = bytearray(size)
        file.write_bytes(data)
        before = digest(file)
        for place in places:
            data[place] = 1
            file.write_bytes(data)
            assert digest(file) != before
            data[place] = 0


def test_transparency_lies_over_white() -> None:
    half = decode(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), 4)
    assert (half == 255).all()
    palette = Image.new("P", (4, 4), 0)
    palette.info["transparency"] = 0
    assert (decode(palette, 4) == 255).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "I;16", "RGB", "RGBA"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    assert decode(Image.new(mode, (5, 7)), 4).shape == (3, 4, 4)


def test_sixteen_bits_are_scaled() -> None:
    assert (decode(Image.fromarray(np.full((4, 4), 0x80FF, np.uint16)), 4) == 0x80).all()


def test_exif_orientation_is_respected() -> None:
    picture = Image.new("RGB", (16, 16))
    picture.paste((255, 255, 255), (0, 0, 16, 8))  # the upper half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise: the right half is white
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif, quality=100)
    image = decode(Image.open(file), 16)
    assert image[:, :, :7].max() < 20 and image[:, :, 9:].min() > 235


def test_large_jpegs_are_reduced_well() -> None:
    ramp = Image.linear_gradient("L").resize((1024, 512)).convert("RGB")
    file = io.BytesIO()
    ramp.save(file, "JPEG", quality=95)
    expected = np.asarray(ramp.resize((32, 32), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    assert np.abs(decode(Image.open(file), 32).astype(int) - expected).max() <= 2


def test_pictures_above_the_limit_are_named(tmp_path: Path) -> None:
    huge = Examples(("huge.png",), (("a",),), lambda i: Image.new("1", (10_001, 10_000)), "huge")
    with pytest.raises(GanzooError, match=r"huge\.png \(10001 x 10000 pixels; at most 100 megapixels\)"):
        pack(huge, 8, tmp_path)


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("GANZOO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "ganzoo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder().is_relative_to(Path.home()) and cache_folder().name == "ganzoo"
