import pytest

from ganzoo.assemble import assemble
from ganzoo.misfits import MismatchError


def misfits(recipe, registry):
    with pytest.raises(MismatchError) as caught:
        assemble(recipe, registry)
    return caught.value.misfits


def test_plan_sizes_every_wire(plan):
    assert plan.resolutions == (16,)
    assert plan.text_spec.sentence == 24
    assert plan.stages[0].given.condition.generator_code == 10
    assert plan.stages[0].judged.condition.discriminator_code == 24
    assert plan.phases[0].reads_mismatched
    assert not plan.reads_words


def test_plan_prints_one_line_a_component(plan):
    lines = str(plan).splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "data", "text", "conditioning", "stage 0", "discriminator 0", "gan: discriminator", "gan: generator",
    ]  # fmt: skip


def test_all_misfits_are_said_at_once(toy, registry):
    recipe = (
        toy.set("text.siz", 3)
        .set("stages.0.discriminator", "dfgan/discriminator")
        .set("training.gan.updates.generator.optimizer", "adm")
    )
    found = misfits(recipe, registry)
    assert len(found) == 3
    assert "core/ngrams has no option `siz`; did you mean `size`?" in found[0]
    assert "no installed plugin is called 'dfgan'" in found[1]
    assert "no optimizer `adm`; expected adam or adamw" in found[2]


def test_a_distribution_that_is_not_installed(toy, registry):
    recipe = toy.set("distributions", ["ganzoo-gan-int-cls", "ganzoo-dfgan"])
    found = misfits(recipe.set("text", "dfgan/text"), registry)
    assert found[0].endswith("\n     the recipe needs what is not installed: ganzoo-dfgan")
    for other in (recipe.set("text", "core/ngram"), toy.set("text", "dfgan/text")):
        assert "not installed" not in misfits(other, registry)[0]


def test_misfit_says_where_it_is_written(toy, registry):
    (found,) = misfits(toy.set_text("text.size=tall"), registry)
    assert "option `size` should be a valid integer" in found and "'tall'" in found
    assert "--set text.size=tall" in found


def test_option_out_of_range(toy, registry):
    (found,) = misfits(toy.set("stages.0.stage.resolution", 17), registry)
    assert "gan_int_cls/generator" in found and "power of two" in found


def test_data_without_embeddings_for_precomputed_text(toy, registry):
    (found,) = misfits(toy.set("text", "core/precomputed"), registry)
    assert "core/precomputed needs `embedding`; the data core/shapes gives only" in found


def test_loss_in_the_wrong_update(toy, registry):
    recipe = toy.add("training.gan.updates.generator.losses", {"use": "core/r1"})
    (found,) = misfits(recipe, registry)
    assert "core/r1 is a loss for the discriminator update, not for `generator` of phase gan" in found


def test_loss_without_discriminator(toy, registry):
    found = misfits(toy.set("stages.0.discriminator", None), registry)
    assert "needs `fake`; no stage of this phase has a discriminator" in found[0]


def test_components_resolve_with_short_core_names(toy, registry):
    assert assemble(toy.set("text", "ngrams"), registry).text_spec.sentence == 256


def test_a_components_own_objection_is_a_misfit(toy, registry, tmp_path):
    (found,) = misfits(
        toy.set("stages", [toy.to_dict()["stages"][0] | {"stage": {"use": "odd/stage"}}]), registry
    )
    assert "no installed plugin is called 'odd'" in found
    (found,) = misfits(toy.set("text", {"use": "minilm/text", "model": str(tmp_path)}), registry)
    assert "minilm/text finds no config.json" in found


GENERATOR = "training.gan.updates.generator.losses"
DISCRIMINATOR = "training.gan.updates.discriminator.losses"
STAGE = "stages.0.stage"


@pytest.mark.parametrize(
    "change, said, hint",
    [
        (
            lambda toy: toy.set("text", "core/precomputed"),
            "text core/precomputed needs `embedding`; the data core/shapes gives only `boxes`",
            "core/folder with `embedding: N`",
        ),
        (
            lambda toy: toy.set(STAGE, "stackgan/refine"),
            "stages[0] stackgan/refine needs `hidden`; no stage is before it",
            "installed stages that give it: ",
        ),
        (
            lambda toy: toy.set(
                "stages", [toy.to_dict()["stages"][0], {"stage": {"use": "stackgan/refine"}}]
            ),
            "stages[1] stackgan/refine needs `hidden`; gan_int_cls/generator does not give it",
            "stackgan/initial",
        ),
        (
            lambda toy: toy.set("noise", 0),
            "stages[0] gan_int_cls/generator needs `noise`; the recipe has none",
            "set `noise:` to a width above 0",
        ),
        (
            lambda toy: toy.add(GENERATOR, "stackgan/kl"),
            "gan.generator: loss stackgan/kl needs `gaussian`; gan_int_cls/project does not give it",
            "installed conditionings that give it: stackgan/ca",
        ),
        (
            lambda toy: toy.add(GENERATOR, "stackgan/colour_consistency"),
            "needs `stages`; this phase has one",
            "let the phase train at least two stages",
        ),
        (
            lambda toy: toy.add(DISCRIMINATOR, "stackgan/matching_pp"),
            "needs `unconditional`; gan_int_cls/discriminator has no such head",
            "stackgan/discriminator_pp, stackgan/stage2_discriminator",
        ),
        (
            lambda toy: toy.set("stages.0.discriminator", None),
            "needs `fake`; no stage of this phase has a discriminator",
            "gan_int_cls/discriminator_coco, ",
        ),
        (
            lambda toy: toy.set(
                "training.gan.updates.encoders", {"optimizer": "adam", "losses": ["core/r1"]}
            ),
            "gan.encoders needs an encoder to train; core/ngrams comes with its weights",
            "installed encoders that can be trained: ",
        ),
    ],
)
def test_what_is_lacking_and_what_would_give_it(change, said, hint, toy, registry):
    with pytest.raises(MismatchError) as caught:
        assemble(change(toy), registry)
    sentence = next(sentence for sentence in caught.value.sentences if said in sentence)
    assert hint in sentence and "\n" not in sentence
    assert any(said in misfit and "\n     " in misfit for misfit in caught.value.misfits)
