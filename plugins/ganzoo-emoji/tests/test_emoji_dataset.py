from __future__ import annotations

import logging
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from ganzoo_emoji.dataset import OPENLY_LICENSED, Emoji, Group
from pydantic import TypeAdapter, ValidationError

from ganzoo.errors import GanzooError
from ganzoo.plugins import load
from ganzoo.specs import DataSpec

SMALL = {"groups": ("food-and-drink",)}


@pytest.fixture(scope="module")
def train():
    return Emoji().examples("train", None, 64)


@pytest.fixture(scope="module")
def test():
    return Emoji().examples("test", None, 64)


def vendors(examples) -> Counter[str]:
    return Counter(key.partition("/")[0] for key in examples.keys)


def base_of(key: str) -> str:
    """The code of a key, without skin tones and variation selectors."""
    return re.sub("-U\\+(1F3F[B-F]|FE0F)", "", key.partition("/")[2])


def emoji(examples) -> set[int]:
    return set(examples.class_id.tolist())


def test_it_is_offered_as_emoji_emoji() -> None:
    assert load().get("datasets", "emoji/emoji") is Emoji


def test_it_gives_captions_and_class_ids() -> None:
    assert Emoji().yields() == DataSpec(captions=1, class_id=True)


def test_counts_are_those_of_the_readme(train, test) -> None:
    assert vendors(train) == {"google": 1382, "twitter": 1382, "openmoji": 1473}
    assert vendors(test) == {"google": 154, "twitter": 154, "openmoji": 163}
    assert (len(emoji(train)), len(emoji(test))) == (1473, 163)
    assert len(train) == len(train.keys) == len(train.captions) == len(train.class_id)


def test_splits_share_no_emoji_and_no_caption(train, test) -> None:
    assert not emoji(train) & emoji(test)
    assert not {c for all_of in train.captions for c in all_of} & {
        c for all_of in test.captions for c in all_of
    }


def test_skin_tones_stay_with_their_emoji_and_are_left_out_by_default(train) -> None:
    toned = {split: Emoji(skin_tones=True).examples(split, None, 64) for split in ("train", "test")}
    bases = {split: {base_of(key) for key in examples.keys} for split, examples in toned.items()}
    assert len(emoji(toned["train"])) > 2 * len(emoji(train))
    assert not bases["train"] & bases["test"]
    assert not any("-U+1F3F" in key for key in train.keys)
    assert emoji(train) < emoji(toned["train"])


def test_a_larger_share_keeps_what_was_held_out(test) -> None:
    assert emoji(test) < emoji(Emoji(test_share=0.3).examples("test", None, 64))


def test_flags_come_only_when_asked_for(train) -> None:
    assert not any(caption[0].startswith("flag:") for caption in train.captions)
    flagged = Emoji(flags=True, **SMALL).examples("train", None, 64)
    names = {caption[0] for caption in flagged.captions}
    assert "flag: norway" in names and "grapes" in names


def test_stand_ins_copied_to_every_vendor_are_dropped(train, test) -> None:
    drawn = {key for examples in (train, test) for key in examples.keys}
    for code in ("U+1FAE0", "U+1F9CC"):  # melting face, troll
        assert f"google/{code}" not in drawn and f"twitter/{code}" not in drawn
        assert f"openmoji/{code}" in drawn


def test_captions_are_lower_case_several_and_begin_with_the_name(train, test) -> None:
    for examples in (train, test):
        for captions in examples.captions:
            assert len(set(captions)) == 5
            assert all(caption.strip() and caption == caption.lower() for caption in captions)
            assert all(captions[0] in caption for caption in captions)
    apple = next(captions for captions in train.captions if captions[0] == "red apple")
    assert apple == (
        "red apple",
        "red apple emoji",
        "red apple, a fruit",
        "emoji of a fruit: red apple",
        "red apple: fruit, food and drink",
    )


def test_names_tell_emoji_apart(train, test) -> None:
    numbers = [*train.class_id.tolist(), *test.class_id.tolist()]
    names = {
        number: captions[0] for number, captions in zip(numbers, train.captions + test.captions, strict=True)
    }
    assert len(set(names.values())) == len(names)


def test_all_vendors_of_an_emoji_have_its_captions(train) -> None:
    captions_of: dict[int, set[tuple[str, ...]]] = {}
    for number, captions in zip(train.class_id.tolist(), train.captions, strict=True):
        captions_of.setdefault(number, set()).add(captions)
    assert all(len(captions) == 1 for captions in captions_of.values())


@pytest.mark.parametrize("vendor", OPENLY_LICENSED)
def test_pictures_are_square_rgb_on_white(vendor: str) -> None:
    examples = Emoji(vendors=(vendor,), groups=("smileys-and-emotion",)).examples("train", None, 48)
    for index in range(0, len(examples), 8):
        picture = examples.image(index)
        side = 48 if vendor == "openmoji" else 72
        assert picture.mode == "RGB" and picture.size == (side, side), examples.keys[index]
        assert {picture.getpixel((x, y)) for x in (0, side - 1) for y in (0, side - 1)} == {(255, 255, 255)}
        assert np.asarray(picture).std() > 10, examples.keys[index]


def test_openmoji_is_in_colour_centred_and_not_clipped() -> None:
    examples = Emoji(vendors=("openmoji",), groups=("people-and-body",)).examples("train", None, 64)
    for index in range(0, len(examples), 25):
        ink = np.asarray(examples.image(index)).min(-1) < 250
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        for first, last in ((rows[0], rows[-1]), (columns[0], columns[-1])):
            assert first >= 1 and last <= 62
            assert abs(first - (63 - last)) <= 2, examples.keys[index]
    red_apple = Emoji(vendors=("openmoji",), **SMALL).examples("train", None, 64)
    picture = np.asarray(red_apple.image(red_apple.keys.index("openmoji/U+1F34E"))).astype(int)
    assert ((picture[..., 0] - picture[..., 1]) > 100).mean() > 0.2


def test_the_vendors_of_one_emoji_differ() -> None:
    examples = Emoji(**SMALL).examples("train", None, 72)
    drawn = {
        vendor: np.asarray(examples.image(examples.keys.index(f"{vendor}/U+1F34E")))
        for vendor in OPENLY_LICENSED
    }
    assert len({picture.tobytes() for picture in drawn.values()}) == 3


def test_threads_draw_what_one_thread_draws() -> None:
    examples = Emoji(vendors=("openmoji",), **SMALL).examples("test", None, 32)
    alone = [examples.image(index).tobytes() for index in range(len(examples))]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda index: examples.image(index).tobytes(), [*range(len(examples))] * 4))
    assert together == alone * 4


def test_the_fingerprint_follows_options_split_and_resolution() -> None:
    def fingerprint(split: str = "test", resolution: int = 64, **options) -> str:
        return Emoji(**{**SMALL, **options}).examples(split, None, resolution).fingerprint

    seen = [
        fingerprint(),
        fingerprint("train"),
        fingerprint(resolution=32),
        fingerprint(vendors=("google",)),
        fingerprint(groups=("objects",)),
        fingerprint(test_share=0.2),
        fingerprint(skin_tones=True),
        fingerprint(flags=True),
    ]
    assert len(set(seen)) == len(seen)
    assert fingerprint() == seen[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vendors": ("gogle",)}, "no vendor 'gogle'; did you mean `google`?"),
        ({"groups": ("food-and-drinks",)}, "no group 'food-and-drinks'; did you mean `food-and-drink`?"),
    ],
)
def test_unknown_names_say_what_comes_close(options, message: str) -> None:
    with pytest.raises(GanzooError) as from_python:
        Emoji(**options)
    with pytest.raises(ValidationError) as from_recipe:
        TypeAdapter(Emoji).validate_python({name: list(value) for name, value in options.items()})
    assert message in str(from_python.value)
    assert message in str(from_recipe.value)


def test_options_come_from_yaml_as_lists() -> None:
    made = TypeAdapter(Emoji).validate_python(
        {"vendors": ["twitter"], "groups": ["objects"], "test_share": 0}
    )
    assert made == Emoji(vendors=("twitter",), groups=("objects",), test_share=0)
    assert Emoji().groups == get_args(Group)


def test_vendors_without_an_open_licence_are_named_in_a_warning(caplog) -> None:
    with caplog.at_level(logging.WARNING, logger="ganzoo"):
        Emoji(**SMALL).examples("test", None, 16)
        assert not caplog.records
        Emoji(vendors=("google", "apple"), **SMALL).examples("test", None, 16)
    assert "the drawings of apple are their owners' property" in caplog.text


def test_other_vendors_can_be_asked_for() -> None:
    owned = ("apple", "facebook", "joypixels", "microsoft", "samsung")
    examples = Emoji(vendors=owned, **SMALL).examples("train", None, 16)
    assert set(vendors(examples)) == set(owned)
    assert {examples.image(index).size for index in range(0, len(examples), 50)} == {(72, 72)}


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GanzooError, match=r"emoji/emoji reads installed packages, .*; leave --data out"):
        Emoji().examples("train", tmp_path, 64)


def test_an_unknown_split_is_refused() -> None:
    with pytest.raises(GanzooError, match="emoji/emoji has no split 'val'; splits: train, test"):
        Emoji().examples("val", None, 64)


def test_a_split_without_pictures_is_refused() -> None:
    with pytest.raises(GanzooError, match="no picture in split 'test' with test_share 0"):
        Emoji(test_share=0).examples("test", None, 64)
