"""The parts of a plan: names, needs and gifts with sizes."""

import ganzoo
from ganzoo.parts import length, parts, trained_by, trained_in


def test_needs_and_gifts_have_sizes(plan):
    said = {part.role: (part.use, part.needs, part.gives) for part in parts(plan)}
    assert said == {
        "data": ("core/shapes", (), ("boxes", "captions", "class id", "keypoints 2")),
        "text": ("core/ngrams", ("captions",), ("sentence 24", "words 24")),
        "conditioning": (
            "gan_int_cls/project",
            ("sentence 24",),
            ("generator code 10", "discriminator code 24", "words 24"),
        ),
        "stage 0": ("gan_int_cls/generator", ("generator code 10", "noise 6"), ("image 16 px",)),
        "discriminator 0": (
            "gan_int_cls/discriminator",
            ("image 16 px", "discriminator code 24"),
            ("conditional logits",),
        ),
    }


def test_a_later_stage_reads_what_the_one_before_gives():
    said = {part.role: (part.needs, part.gives) for part in parts(ganzoo.plan("stackgan-pp-birds"))}
    assert said["stage 1"] == (("generator code 128", "hidden 64"), ("image 128 px", "hidden 32"))
    assert said["stage 2"] == (("generator code 128", "hidden 32"), ("image 256 px", "hidden 16"))
    assert said["discriminator 1"][1] == ("conditional and unconditional logits",)
    assert said["conditioning"] == (
        ("sentence 1024", "epsilon 128"),
        ("generator code 128", "discriminator code 128", "gaussian"),
    )


def test_who_trains_what():
    plan = ganzoo.plan("stackgan-v1-birds")
    assert trained_by(plan, plan.phases[1]) == {
        "stage 1": "generator",
        "conditioning 1": "generator",
        "discriminator 1": "discriminator",
    }
    assert trained_in(plan)["stage 0"] == ["stage-1"]
    assert "text" not in trained_in(plan)
    assert length(plan.phases[0]) == "600 epochs"
    assert length(ganzoo.plan("gan-int-cls-shapes").phases[0]) == "12,000 steps"
