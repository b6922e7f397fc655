"""A plan drawn: everything in its place, nothing over anything else, in the format the name asks for."""

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree

import pytest
from PIL import Image

import ganzoo
from ganzoo.assemble import assemble
from ganzoo.components import Loss, Stage
from ganzoo.diagram import draw
from ganzoo.diagram.shapes import LINE, NAME, SMALL, TITLE, width
from ganzoo.diagram.wires import diagram
from ganzoo.errors import GanzooError
from ganzoo.plugins import Registry
from ganzoo.recipe import Recipe
from ganzoo.specs import StageSpec
from ganzoo.testing.conformance.standins import STANDINS, TwoHeaded


@dataclass(frozen=True, kw_only=True)
class Attend(Stage):
    needs: ClassVar = frozenset({"hidden", "words", "generator_code", "noise"})

    def yields(self, given):
        return StageSpec(2 * given.previous.image, 4)

    def build(self, given):
        raise AssertionError


@dataclass(frozen=True, kw_only=True)
class Boxed(TwoHeaded):
    needs: ClassVar = frozenset({"boxes"})


@dataclass(frozen=True, kw_only=True)
class Damsm(Loss):
    updates: ClassVar = frozenset({"encoders", "generator"})
    needs: ClassVar = frozenset({"words", "sentence", "image_vector", "image_regions", "class_id"})

    def __call__(self, step):
        raise AssertionError


class Offered(Registry):
    def __init__(self):
        super().__init__([])

    def get(self, kind, name):
        return {**STANDINS, "my/attend": Attend, "my/boxed": Boxed, "my/damsm": Damsm}[name]


ATTENTION = """
recipes:
  attention:
    title: Three stages that attend to words, with boxes and an image encoder
    data: {use: kit/data, batch: 20}
    text: {use: kit/text}
    image: {use: kit/image}
    conditioning: {use: kit/code}
    noise: 100
    stages:
      - {stage: {use: kit/picture, side: 64}, discriminator: {use: my/boxed}}
      - {stage: {use: my/attend}, discriminator: {use: my/boxed}}
      - {stage: {use: my/attend}, discriminator: {use: kit/judge}}
    training:
      damsm: {epochs: 600, updates: {encoders: {optimizer: {use: adam}, losses: [{use: my/damsm}]}}}
      gan:
        epochs: 600
        ema: 0.999
        samples_per_caption: 2
        updates:
          discriminator: {optimizer: {use: adam}, losses: [{use: kit/push}]}
          generator: {optimizer: {use: adam}, losses: [{use: kit/push}, {use: my/damsm, weight: 5.0}]}
"""


def plan_of(name):
    if name == "attention":
        return assemble(Recipe.from_yaml(ATTENTION), Offered())
    return ganzoo.plan(name)


NAMES = ["attention", "stackgan-pp-birds", "stackgan-v1-birds", "gan-int-cls-emoji", "gan-cls-shapes"]


@pytest.fixture(params=NAMES)
def picture(request):
    return diagram(plan_of(request.param))


def rectangle(text, x, y, size):
    return x, y, x + width(text, size), y + size / 72


def texts(picture):
    """Every line of text as (left, bottom, right, top)."""
    found = [rectangle(label.text, label.x, label.y, SMALL) for label in picture.labels]
    boxes = [
        *picture.boxes.values(),
        *(b for p in picture.panels for _, _, losses in p.updates for b in losses),
    ]
    for box in boxes:
        found += [
            rectangle(text, box.x + 0.11, box.top - 0.11 - (n + 0.75) * LINE, TITLE if n == 0 else NAME)
            for n, text in enumerate(box.rows)
        ]
    return found


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_no_text_lies_over_another(picture):
    lines = texts(picture)
    assert len(lines) > 20
    assert not [pair for pair in combinations(lines, 2) if overlap(*pair)]


def test_no_box_lies_over_another_and_all_are_on_the_paper(picture):
    boxes = [(b.x, b.y, b.right, b.top) for b in picture.boxes.values()]
    boxes += [(p.x, p.y, p.x + p.w, p.y + p.h) for p in picture.panels]
    assert not [pair for pair in combinations(boxes, 2) if overlap(*pair)]
    for left, bottom, right, top in [*boxes, *texts(picture)]:
        assert left >= 0 and bottom >= 0 and right <= picture.w and top <= picture.h


def test_labels_are_outside_boxes(picture):
    boxes = [(b.x, b.y, b.right, b.top) for b in picture.boxes.values()]
    labels = [rectangle(label.text, label.x, label.y, SMALL) for label in picture.labels]
    assert not [(label, box) for label in labels for box in boxes if overlap(label, box)]


def test_text_stays_inside_its_box(picture):
    for box in picture.boxes.values():
        assert max(width(text, NAME) for text in box.rows[1:]) < box.w


def test_wires_are_straight_and_end_at_boxes(picture):
    edges = [(b.x, b.y, b.right, b.top) for b in picture.boxes.values()]
    edges += [(p.x, p.y, p.x + p.w, p.y + p.h) for p in picture.panels]
    ends = 0
    for wire in picture.wires:
        for (x, y), (to_x, to_y) in zip(wire.points, wire.points[1:], strict=False):
            assert x == pytest.approx(to_x) or y == pytest.approx(to_y), wire
        x, y = wire.points[-1]
        at = [e for e in edges if e[0] - 0.01 <= x <= e[2] + 0.01 and e[1] - 0.01 <= y <= e[3] + 0.01]
        ends += bool(wire.arrow and at)
    arrows = sum(wire.arrow for wire in picture.wires)
    out = "image" not in picture.boxes  # the finest picture goes out into the world
    assert ends == arrows - out


def test_sizes_stand_on_the_wires():
    said = [label.text for label in diagram(plan_of("attention")).labels]
    for text in (
        "sentence 22", "words 14", "generator code 10", "discriminator code 22", "boxes", "noise 100",
        "hidden 4", "image 64 px", "image 128 px", "image 256 px", "logits",
    ):  # fmt: skip
        assert text in said, text


def test_logits_go_to_phases_that_judge():
    """Not to the encoders' phase, though its loss is declared to read `fake`."""
    picture = diagram(plan_of("attention"))
    encoders, gan = picture.panels
    into = [wire.points[-1] for wire in picture.wires if wire.arrow]
    reached = [any(p.y <= y <= p.y + p.h and x == p.x for x, y in into) for p in (encoders, gan)]
    assert reached == [False, True]


def test_who_trains_what_and_when():
    picture = diagram(plan_of("attention"))
    assert [panel.heading for panel in picture.panels] == [
        "1  phase damsm: 600 epochs, batch 20",
        "2  phase gan: 600 epochs, batch 20, averages 0.999, 2 samples a caption",
    ]
    trained = {role: (box.update, box.phases) for role, box in picture.boxes.items()}
    assert trained["text"] == trained["image"] == ("encoders", [0])
    assert trained["stage 1"] == trained["conditioning"] == ("generator", [1])
    assert trained["discriminator 2"] == ("discriminator", [1])
    assert trained["data"] == trained["noise"] == ("", [])
    assert [box.rows[0] for box in picture.panels[1].updates[1][2]] == ["kit/push", "5 my/damsm"]


def test_svg_holds_every_name_and_is_the_same_again(tmp_path):
    plan = plan_of("stackgan-pp-birds")
    draw(plan, tmp_path / "a" / "one.svg")
    draw(plan, tmp_path / "two.svg")
    one = (tmp_path / "a" / "one.svg").read_text()
    assert one == (tmp_path / "two.svg").read_text()
    root = ElementTree.fromstring(one)
    said = {"".join(node.itertext()).strip() for node in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {
        "stackgan-pp-birds",
        "core/precomputed",
        "stackgan/refine",
        "discriminator 2",
        "hidden 64",
    } <= said
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_pixels_and_pages(tmp_path):
    plan = plan_of("gan-cls-shapes")
    draw(plan, tmp_path / "plan.PNG")
    with Image.open(tmp_path / "plan.PNG") as image:
        assert image.width > 800
    draw(plan, tmp_path / "plan.pdf")
    assert (tmp_path / "plan.pdf").read_bytes().startswith(b"%PDF")


def test_another_suffix(ganzoo, tmp_path):
    for name in ("plan.jpg", "plan"):
        with pytest.raises(GanzooError, match=r"expected a name that ends in \.svg, \.pdf or \.png"):
            draw(plan_of("gan-cls-shapes"), Path(name))
    ganzoo("plan", "gan-cls-shapes", "--graph", tmp_path / "x.bmp").fails("cannot be drawn as", "x.bmp")


def test_command(ganzoo, toy_file, tmp_path):
    ran = ganzoo("plan", toy_file, "--set", "data.batch=8", "--graph", tmp_path / "toy.svg")
    assert ran.code == 0 and not ran.err
    assert "gan_int_cls/generator" in ran.out and "generator code 10, noise 6" in ran.out
    assert "of them trained" in ran.out and "phase gan: 4 steps, batch 8" in ran.out
    assert "memory: about " in ran.out and "MFLOP" in ran.out
    assert f"drawn: {tmp_path / 'toy.svg'}" in ran.out and (tmp_path / "toy.svg").exists()
