"""The kit passes data sets that are right and names the fault of those that are not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from ganzoo.components import Dataset
from ganzoo.data.examples import Examples
from ganzoo.data.shapes import Shapes
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec
from ganzoo.testing import examine


class Given(Dataset):
    """The fields every data set has."""

    source: ClassVar[str] = "this test"

    def yields(self):
        return DataSpec(class_id=True)

    def examples(self, split, folder, resolution):
        return replace(self.right(split), **type(self).wrong)

    def right(self, split):
        keys = tuple(f"{split}/{index}" for index in range(3))
        return Examples(
            keys, (("a",),) * 3, lambda i: Image.new("L", (2, 2)), split, class_id=np.zeros(3, np.int64)
        )


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({}, None),
        ({"captions": (("a",), (), ("b",))}, "has an example without a caption in split `train`"),
        ({"class_id": None}, "declares class_id, but gives none"),
        (
            {"class_id": np.zeros(3, np.float32)},
            "class_id float32 [3] in split `train`; expected int64 [3]",
        ),
        ({"boxes": np.zeros((3, 4), np.float32)}, "does not declare boxes, but gives it"),
        ({"keys": ("a", "a", "b")}, "has two examples of the same key"),
        ({"keys": ("a", "b", "c")}, "has examples in both of its splits"),
        ({"fingerprint": "same"}, "gives both splits the same fingerprint"),
        ({"image": lambda i: None}, "gives a NoneType, no picture"),
    ],
)
def test_datasets(wrong, message, fault):
    @dataclass(frozen=True, kw_only=True)
    class Mine(Given):
        """As every data set."""

    Mine.wrong = wrong
    if message is None:
        examine(Mine, "mine/right")
    else:
        assert message in fault(Mine)


def test_boxes_out_of_the_picture(fault):
    @dataclass(frozen=True, kw_only=True)
    class Pixels(Shapes):
        """`count`, `test_count`, `seed`, `objects` as in core."""

        def examples(self, split, folder, resolution):
            found = super().examples(split, folder, resolution)
            return replace(found, boxes=found.boxes * resolution)

    assert "gives boxes outside 0..1" in fault(Pixels)


def test_a_data_set_without_its_folder(fault):
    @dataclass(frozen=True, kw_only=True)
    class Needy(Given):
        """As every data set."""

        def examples(self, split, folder, resolution):
            if folder is None:
                raise GanzooError("mine/right needs a folder: name it with --data")
            return self.right(split)

    examine(Needy, "mine/right")

    @dataclass(frozen=True, kw_only=True)
    class Careless(Given):
        """As every data set."""

        def examples(self, split, folder, resolution):
            return folder.iterdir()

    assert "fails without a folder; expected examples or a GanzooError: AttributeError" in fault(Careless)
