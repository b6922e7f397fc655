"""AttnGAN's losses and gradients against the authors' numbers, and their steps through our own loop."""

import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from ganzoo_attngan import damsm as module
from ganzoo_attngan.damsm import Damsm, cosine, same_class, told_apart, word_maps, word_similarity
from ganzoo_attngan.matching import Matching
from ganzoo_attngan.weights import discriminator_slots, generator_slots
from pydantic import TypeAdapter, ValidationError

from ganzoo.core.adversarial import NonSaturating
from ganzoo.errors import GanzooError
from ganzoo.flow import Condition, GeneratorOutput, ImageFeatures, StageOutput, TextFeatures
from ganzoo.step import Step
from ganzoo.testing.golden import RecordedDraws
from ganzoo.updates import PhaseTrainer

SIDES = (64, 128, 256)
GAMMAS = {"birdsyml_4_5_10": 4.0, "configpy_5_5_10": 5.0}


def damsm_features(damsm):
    """Captions and pictures of the fixture, leaves of the graph."""
    leaves = {
        key: damsm.io[f"in/{key}"].double().requires_grad_()
        for key in ("img_features", "words_emb", "cnn_code", "sent_emb")
    }
    text = TextFeatures(leaves["sent_emb"], leaves["words_emb"].mT, damsm.io["in/captions"] > 0)
    return leaves, text, ImageFeatures(leaves["cnn_code"], leaves["img_features"].flatten(2).mT)


@pytest.mark.parametrize("classes", ["class_ids", "no_class_ids"])
@pytest.mark.parametrize("gammas", GAMMAS)
def test_damsm_terms_and_gradients(damsm, gammas, classes):
    leaves, text, pictures = damsm_features(damsm)
    left_out = same_class(damsm.io["in/class_ids"]) if classes == "class_ids" else None
    theirs = damsm.scalars[f"{gammas}/{classes}"]
    for only in ("words", "sentence"):
        weights = {"words": float(only == "words"), "sentence": float(only == "sentence")}
        value = Damsm(gamma1=GAMMAS[gammas], **weights).of_features(text, pictures, left_out)
        name = "words" if only == "words" else "sent"
        expected = theirs[f"{name}_loss0"] + theirs[f"{name}_loss1"]
        assert value.item() == pytest.approx(expected, rel=1e-6)
    total = Damsm(gamma1=GAMMAS[gammas]).of_features(text, pictures, left_out)
    assert total.item() == pytest.approx(theirs["damsm_total"], rel=1e-6)
    total.backward()
    for name, leaf in leaves.items():
        assert damsm.error(leaf.grad, f"out/{gammas}/{classes}/grad_{name}") < 1e-6


def test_both_directions_of_telling_apart(damsm):
    _, text, pictures = damsm_features(damsm)
    scores = 10 * cosine(pictures.vector, text.sentence)
    labels = torch.arange(5)
    theirs = damsm.scalars["birdsyml_4_5_10/no_class_ids"]
    assert F.cross_entropy(scores, labels).item() == pytest.approx(theirs["sent_loss0"], rel=1e-6)
    assert F.cross_entropy(scores.mT, labels).item() == pytest.approx(theirs["sent_loss1"], rel=1e-6)
    assert damsm.error(scores.diag() / 10, "out/cosine_similarity") < 1e-6


def test_where_words_look(damsm):
    _, text, pictures = damsm_features(damsm)
    maps = word_maps(pictures.regions, text.words, text.mask).unflatten(2, text.mask.shape)
    for row, length in enumerate(damsm.config["lens"]):
        own = maps[row, :, row, :length].mT.unflatten(1, (17, 17))
        assert damsm.error(own, f"out/birdsyml_4_5_10/class_ids/att_map_{row}") < 1e-6
    every = torch.ones_like(text.mask)
    maps = word_maps(pictures.regions, text.words, every).unflatten(2, every.shape)
    own = torch.stack([maps[row, :, row].mT.unflatten(1, (17, 17)) for row in range(5)])
    assert damsm.error(own, "out/func_attention/attn") < 1e-6
    seen = torch.einsum("btxy,bfxy->bft", own, damsm.io["in/img_features"].double())
    assert damsm.error(seen, "out/func_attention/weightedContext") < 1e-6


def one_pair(regions, words, gamma1=4.0, gamma2=5.0):
    """The similarity of one picture and one caption, as the equations have it."""
    shares = (words @ regions.mT).softmax(0)
    seen = (gamma1 * shares).softmax(1) @ regions
    return torch.log(torch.exp(gamma2 * F.cosine_similarity(seen, words, dim=1)).sum())


@pytest.mark.parametrize("at_once", [1, 3 * 9 * 4 * 6, 2**26])
def test_similarity_in_parts_is_the_same(monkeypatch, at_once):
    """Another number of captions than pictures; a few pictures at a time, or all."""
    monkeypatch.setattr(module, "SCORES_AT_ONCE", at_once)
    torch.manual_seed(0)
    regions = torch.randn(5, 9, 7, dtype=torch.float64, requires_grad=True)
    words, lengths = torch.randn(4, 6, 7, dtype=torch.float64), (6, 1, 3, 4)
    mask = torch.arange(6) < torch.tensor(lengths).unsqueeze(1)
    ours = word_similarity(regions, words, mask)
    single = [[one_pair(picture, w[:n]) for w, n in zip(words, lengths, strict=True)] for picture in regions]
    expected = torch.stack([torch.stack(row) for row in single])
    assert torch.allclose(ours, expected)
    gradients = [torch.autograd.grad(value.sum(), regions)[0] for value in (ours, expected)]
    assert torch.allclose(*gradients)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_damsm_is_computed_in_float32_at_least(dtype):
    text = TextFeatures(torch.randn(3, 4), torch.randn(3, 5, 4), torch.ones(3, 5, dtype=torch.bool))
    pictures = ImageFeatures(torch.randn(3, 4), torch.randn(3, 6, 4))
    text, pictures = (part.to("cpu", dtype) for part in (text, pictures))
    expected = Damsm().of_features(text.to("cpu", torch.float64), pictures.to("cpu", torch.float64))
    with torch.autocast("cpu", torch.bfloat16):
        value = Damsm().of_features(text, pictures)
    assert value.dtype == torch.float32 and value.item() == pytest.approx(expected.item(), rel=1e-4)


def test_rivals_of_the_same_class_are_left_out():
    left_out = same_class(torch.tensor([2, 5, 2]))
    assert left_out.tolist() == [[False, False, True], [False] * 3, [True, False, False]]
    scores = torch.zeros(3, 3)
    row = torch.tensor([2.0, 3.0, 2.0]).log().mean()
    assert told_apart(scores, left_out).item() == pytest.approx(2 * row.item())


def test_several_pictures_of_a_caption_are_no_rivals(attngan):
    tree = attngan.tree()
    tree["training"]["gan"]["samples_per_caption"] = 2
    model = attngan.model()
    model.plan = attngan.plan(tree)
    draws = RecordedDraws(
        [attngan.input("z"), attngan.input("z"), attngan.input("eps"), attngan.input("eps")]
    )
    step = Step(model, attngan.batch(), model.plan.phases[0], draws)
    step.begin("generator", keep_graph=False, regenerate=False)
    value = Damsm(classes=False)(step)
    text = step.generated.text
    features = step.image_features_of(step.generated.images[-1])
    left_out = same_class(torch.tensor([0, 1, 2, 0, 1, 2]))
    assert value.item() == pytest.approx(Damsm().of_features(text, features, left_out).item())


def test_encoders_are_taught_by_real_pictures(attngan):
    model = attngan.model()
    step = Step(model, attngan.batch(), model.plan.phases[0], RecordedDraws())
    step.begin("encoders", keep_graph=False, regenerate=False)
    value = Damsm()(step)
    features = model.image_encoder(attngan.real()[2])
    expected = Damsm().of_features(attngan.text(), features, same_class(attngan.input("class_ids")))
    assert value.item() == pytest.approx(expected.item())
    assert step.generator_passes == step.discriminator_passes == 0


def test_only_class_masks_need_classes():
    assert "class_id" in Damsm().requires() and "class_id" not in Damsm(classes=False).requires()


@pytest.mark.parametrize("option", ["words", "sentence"])
def test_damsm_refuses_a_negative_weight(option):
    with pytest.raises(ValidationError, match=option):
        TypeAdapter(Damsm).validate_python({option: -1.0})


# -- the discriminators' and the generator's objectives --------------------------------------------


def discriminators_step(attngan, mode, rows=slice(None)):
    """A step whose fakes and codes are those of the authors' stand-alone discriminator losses."""
    model = attngan.model().train(mode == "train")
    step = Step(model, attngan.batch().rows(rows), model.plan.phases[0], RecordedDraws())
    code = step.text.sentence
    step._generated = GeneratorOutput(
        text=step.text,
        noise=attngan.input("z"),
        epsilons=(),
        conditions=(Condition(code, code),) * 3,
        stages=tuple(StageOutput(image[rows]) for image in attngan.stand_alone_fakes()),
    )
    step.begin("discriminator", keep_graph=False, regenerate=False)
    return step


def norms_differ(slots, norms):
    """The largest relative deviation of gradients' norms from the authors' `norms`, both by name."""
    ours = {name: slot.grad for name, slot in slots.items() if slot.requires_grad}
    assert ours.keys() == norms.keys()
    floor = 1e-5 * max(norms.values())
    return max(abs(float(g.norm()) - norms[n]) / max(norms[n], floor) for n, g in ours.items())


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("level", range(3))
def test_discriminators_objective(attngan, level, mode):
    step, side = discriminators_step(attngan, mode), SIDES[level]
    step.levels = (level,)
    loss = Matching()(step)
    assert loss.item() == pytest.approx(attngan.scalars[f"D_loss_{mode}/D{side}"], rel=1e-6)
    loss.backward()
    slots = discriminator_slots(step.model)[level]
    assert norms_differ(slots, attngan.scalars[f"D_loss_{mode}_grad_norm/D{side}"]) < 1e-6
    assert step.discriminator_passes == 2
    if mode == "train":
        gradients = [key for key in attngan.io if key.startswith(f"out/D{side}_grad/")]
        statistics = [key for key in attngan.io if key.startswith(f"out/D{side}_bn_after_D_loss/")]
        assert len(gradients) == 3 and len(statistics) == sum("running" in name for name in slots)
        assert max(attngan.error(slots[key.split("/")[2]].grad, key) for key in gradients) < 1e-6
        assert max(attngan.error(slots[key.split("/")[2]], key) for key in statistics) < 1e-6


def test_discriminators_objective_of_pairs_alone(attngan):
    step = discriminators_step(attngan, "train")
    step.levels = (2,)
    step.discriminator(2).unconditional = None
    expected = attngan.scalars["D_loss_train_no_uncond/D256"]
    assert Matching()(step).item() == pytest.approx(expected, rel=1e-6)


def test_shifted_pairs_need_two_rows(attngan):
    step = discriminators_step(attngan, "eval", slice(0, 1))
    with pytest.raises(GanzooError, match=r"batches of at least 2; raise `data\.batch`"):
        Matching()(step)


def test_generators_objective_and_gradients(attngan):
    model, theirs = attngan.model(), attngan.scalars
    draws = RecordedDraws([attngan.input("z"), attngan.input("eps")])
    step = Step(model, attngan.batch(), model.plan.phases[0], draws)
    step.begin("generator", keep_graph=True, regenerate=False)
    adversarial, damsm = NonSaturating()(step), Damsm()(step)
    kl = dict(model.plan.phases[0].updates[1].losses)["stackgan/kl"](step)
    parts = {key.removeprefix("G_loss/"): value for key, value in theirs.items() if key.startswith("G_loss/")}
    parts |= theirs.get("G_loss", {})
    without = adversarial + attngan.config["LAMBDA"] * damsm
    assert without.item() == pytest.approx(parts["generator_loss_without_kl"], rel=1e-6)
    (without + kl).backward()
    assert (without + kl).item() == pytest.approx(parts["total"], rel=1e-6)
    slots = generator_slots(model)
    assert norms_differ(slots, theirs["G_loss_grad_norm"]) < 1e-6
    keys = [key for key in attngan.io if key.startswith("out/G_grad/")]
    assert len(keys) == 4
    assert max(attngan.error(slots[key.removeprefix("out/G_grad/")].grad, key) for key in keys) < 1e-6


def networks_of(model):
    """Every network's own tensors by the authors' names."""
    names = [f"D{side}" for side in SIDES]
    return {"G": generator_slots(model)} | dict(zip(names, discriminator_slots(model), strict=True))


def test_golden_steps_through_the_loop(attngan):
    """Two of the authors' steps: losses, how far every weight moved, pictures live and averaged."""
    model = attngan.model()
    networks = networks_of(model)
    start = {net: {n: s.detach().clone() for n, s in slots.items()} for net, slots in networks.items()}
    trainer = PhaseTrainer(model, model.plan.phases[0], Accelerator(cpu=True))
    trainer.train_mode()
    for number in range(2):
        draws = RecordedDraws([attngan.input("traj_z")[number], attngan.input("traj_eps")[number]])
        values = trainer.take_step(number, [attngan.batch()], [draws])
        assert draws.left == 0
        theirs = attngan.scalars[f"trajectory/step{number + 1}"]
        judged = sum(theirs[f"errD{level}"] for level in range(3))
        made = float(values["generator/core/nonsaturating"] + values["generator/stackgan/kl"])
        made += attngan.config["LAMBDA"] * float(values["generator/attngan/damsm"])
        assert float(values["discriminator/attngan/matching"]) == pytest.approx(judged, rel=1e-4)
        assert made == pytest.approx(theirs["errG_total"], rel=1e-4)
    for net, slots in networks.items():
        moved = attngan.scalars[f"trajectory/{net}_param_delta_norm_after2"]
        assert moved.keys() == {name for name, slot in slots.items() if slot.requires_grad}
        for name, distance in moved.items():
            ours = float((slots[name].detach() - start[net][name]).norm())
            assert ours == pytest.approx(distance, rel=1e-2)
    assert_pictures(attngan, model, trainer.ema)


def assert_pictures(attngan, model, ema):
    """The trained model's pictures, with its own weights and with their averages."""
    prefix, middle = "out/trajectory/eval", slice(120, 136)
    with torch.no_grad(), model.evaluating():
        coarse, _, fine = attngan.synthesize(model).images
        assert attngan.error(fine[:, :, middle, middle], f"{prefix}_fake256_crop_after2") < 1e-3
        with ema.applied():
            averaged = attngan.synthesize(model).images[2]
    assert attngan.error(coarse[:, :, ::2, ::2], f"{prefix}_fake64_s2_after2") < 1e-3
    assert attngan.error(averaged[:, :, middle, middle], f"{prefix}_ema_fake256_crop_after2") < 1e-3
    assert attngan.error(fine[:, :, middle, middle], f"{prefix}_ema_fake256_crop_after2") > 1e-3
