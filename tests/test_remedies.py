"""What would meet a need, whatever plugins are installed."""

from dataclasses import dataclass
from typing import Literal

import pytest

from ganzoo.components import Dataset, ImageEncoder, TextEncoder
from ganzoo.plugins import Registry
from ganzoo.remedies import remedy
from ganzoo.specs import ConditionSpec, DataSpec, ImageSpec
from ganzoo.testing.conformance.standins import STANDINS, Code, Image, Judge, Picture, Text, TwoHeaded


@dataclass(frozen=True, kw_only=True)
class Choosy(Dataset):
    marks: Literal["none", "boxes", "points"] = "none"
    classes: bool = False
    embedding: int = 0

    def yields(self):
        return DataSpec(
            1, self.embedding, self.classes, self.marks == "boxes", 3 if self.marks == "points" else 0
        )

    def examples(self, split, folder, resolution):
        raise AssertionError


@dataclass(frozen=True, kw_only=True)
class Grumpy(TextEncoder):
    def yields(self):
        raise OSError("no disk")

    def build(self):
        raise AssertionError


@dataclass(frozen=True, kw_only=True)
class Demanding(TextEncoder):
    size: int

    def yields(self):
        raise AssertionError

    def build(self):
        raise AssertionError


@dataclass(frozen=True, kw_only=True)
class Plain(Text):
    words: bool = False


@dataclass(frozen=True, kw_only=True)
class Moody(Code):
    def yields(self, text):
        return ConditionSpec(text.sentence, 3, extra=frozenset({"my/mood"}))


@dataclass(frozen=True, kw_only=True)
class Whole(ImageEncoder):
    def yields(self):
        return ImageSpec(8)

    def build(self):
        raise AssertionError


OFFERED = {
    "datasets": {"my/choosy": Choosy},
    "text_encoders": {"my/grumpy": Grumpy, "my/demanding": Demanding, "my/plain": Plain, "my/text": Text},
    "image_encoders": {"my/image": Image, "my/whole": Whole},
    "conditionings": {"my/code": Code, "my/moody": Moody},
    "stages": {"my/picture": Picture},
    "discriminators": {"my/judge": Judge, "my/two": TwoHeaded},
}


class Offered(Registry):
    def __init__(self, offered):
        super().__init__([])
        self.offered = offered

    def components(self, kind):
        return self.offered[kind]


@pytest.mark.parametrize(
    "need, said",
    [
        ("captions", "installed datasets that give it: my/choosy"),
        ("boxes", "installed datasets that give it: my/choosy with `marks: boxes`"),
        ("keypoints", "installed datasets that give it: my/choosy with `marks: points`"),
        ("class_id", "installed datasets that give it: my/choosy with `classes: true`"),
        ("embedding", "installed datasets that give it: my/choosy with `embedding: N`"),
        ("sentence", "installed text encoders that give it: my/plain, my/text"),
        ("words", "installed text encoders that give it: my/plain with `words: true`, my/text"),
        ("image_vector", "installed image encoders that give it: my/image, my/whole"),
        ("image_regions", "installed image encoders that give it: my/image"),
        ("gaussian", "installed conditionings that give it: my/code"),
        ("my/mood", "installed conditionings that give it: my/moody"),
        ("other/thing", "installed conditionings that give it: none"),
        ("hidden", "installed stages that give it: my/picture"),
        ("fake", "installed discriminators that give it: my/judge, my/two"),
        ("unconditional", "installed discriminators that give it: my/two"),
        ("noise", "set `noise:` to a width above 0"),
        ("samples_per_caption", "set `samples_per_caption: 2`, or another even number, in this phase"),
        ("stages", "let the phase train at least two stages"),
    ],
)
def test_who_gives_it(need, said):
    assert remedy(Offered(OFFERED), need) == said


def test_a_long_list_is_cut():
    many = {f"my/code{number}": Code for number in range(9)}
    said = remedy(Offered({"conditionings": many}), "gaussian")
    assert said.endswith("my/code0, my/code1, my/code2, my/code3, my/code4, my/code5, 3 more")


def test_stand_ins_are_asked_like_others():
    offered = {kind: {} for kind in OFFERED} | {"stages": {"kit/picture": STANDINS["kit/picture"]}}
    assert remedy(Offered(offered), "image").endswith(": kit/picture")
    assert remedy(Offered(offered), "words").endswith(": none")
