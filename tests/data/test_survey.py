from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ganzoo.data.examples import Examples
from ganzoo.data.survey import survey


def examples(split: str, colours: list[str], class_id: list[int] | None = None) -> Examples:
    """A picture a colour; "broken" is none. The i-th has i + 1 captions, one of them the same for all."""

    def image(i: int) -> Image.Image:
        if colours[i] == "broken":
            raise OSError("cannot identify it")
        return Image.new("RGB", (10 + i, 20), colours[i])

    return Examples(
        keys=tuple(f"{split}{i}" for i in range(len(colours))),
        captions=tuple(("the same", *(f"{split} {i} {k}" for k in range(i))) for i in range(len(colours))),
        image=image,
        fingerprint=split,
        class_id=None if class_id is None else np.array(class_id, np.int64),
    )


def test_a_split_is_counted() -> None:
    found = survey({"train": examples("a", ["red", "broken", "blue"], [0, 7, 7])})
    (split,) = found.splits
    assert (split.name, split.pictures, split.captions, split.distinct) == ("train", 3, 6, 4)
    assert (split.fewest, split.most, split.classes, split.looked_at) == (1, 3, 2, 3)
    assert split.sides == (10, 12, 12) and split.broken == ("a1 (cannot identify it)",)
    assert found.across == found.within == () and found.shared_classes == 0


def test_the_same_picture_is_found_in_both_splits_and_in_one() -> None:
    train = examples("a", ["red", "blue", "red", "broken"], [0, 1, 2, 3])
    test = examples("b", ["lime", "blue", "broken", "red"], [0, 5, 5, 3])
    found = survey({"train": train, "test": test})
    assert found.within == (("a0", "a2"),) and found.across == (("a1", "b1"), ("a0", "b3"))
    assert found.shared_classes == 2


def test_a_pixel_of_another_colour_makes_another_picture() -> None:
    one, other = Image.new("RGB", (64, 64)), Image.new("RGB", (64, 64))
    other.putpixel((9, 9), (1, 0, 0))
    pictures = [one, other, one]
    both = Examples(("a", "b", "c"), (("x",),) * 3, lambda i: pictures[i].copy(), "")
    assert survey({"train": both}).within == (("a", "c"),)


@pytest.mark.parametrize(
    "most, opened", [(3, [0, 4, 9]), (1, [0]), (10, list(range(10))), (99, list(range(10)))]
)
def test_a_few_pictures_are_enough(most: int, opened: list[int]) -> None:
    own = examples("a", ["red"] * 10)
    seen: list[int] = []
    counted = Examples(own.keys, own.captions, lambda i: seen.append(i) or own.image(i), "")  # type: ignore[func-returns-value]
    said: list[tuple[int, int]] = []
    (split,) = survey({"train": counted}, most, lambda *told: said.append(told)).splits
    assert sorted(seen) == opened and split.looked_at == len(opened) and split.pictures == 10
    assert said == [(len(opened), len(opened))]


def test_an_empty_split_and_one_without_a_readable_picture() -> None:
    train, test = survey({"train": examples("a", ["broken"]), "test": examples("b", [])}).splits
    assert train.sides == test.sides == (0, 0, 0) and test.pictures == test.most == 0
