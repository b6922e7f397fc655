"""AttnGAN at full width, and the DAMSM's word loss, beside the same written in the authors' way.

`pytest benchmarks/test_attngan.py -s` prints ratios. In the authors' way (see `plain.py`): captions encoded
at every step, gradients into the discriminators in the generator's update too, one Adam a network, words
compared with pictures one caption after the other, attention by a softmax over a reshaped copy.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import timm
import torch
import torch.nn.functional as F
from ganzoo_attngan.damsm import Damsm, same_class, told_apart, word_similarity
from ganzoo_attngan.stages import WordAttention
from torch import Tensor, nn

from benchmarks.plain import (
    DEVICE,
    FORMS,
    Augment,
    First,
    Judge,
    Residual,
    as_in_training,
    bce,
    compare,
    our_model,
    our_step,
    picture,
    up,
)
from ganzoo.flow import Batch, TextFeatures, Tokens
from ganzoo.randomness import StepDraws

BATCH, SAMPLES = (20, 64) if DEVICE.type == "cuda" else (4, 16)
WORDS, WIDTH, CODE, NOISE, KNOWN = 18, 256, 100, 100, 5450
RECIPE = "attngan-birds"


class Look(nn.Module):
    """Each pixel looks at the words."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(WIDTH, hidden, 1, bias=False)

    def forward(self, maps: Tensor, words: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
        rows, _, side, _ = maps.shape
        pixels = side * side
        keys = self.project(words.unsqueeze(3)).squeeze(3)  # [b, f, t]
        scores = torch.bmm(maps.view(rows, -1, pixels).transpose(1, 2).contiguous(), keys)
        flat = scores.view(rows * pixels, -1)
        flat.data.masked_fill_(padding.repeat(pixels, 1), -float("inf"))
        shares = flat.softmax(1).view(rows, pixels, -1).transpose(1, 2).contiguous()
        return torch.bmm(keys, shares).view(rows, -1, side, side), shares.view(rows, -1, side, side)


class Next(nn.Module):
    """R_NUM 2."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.look = Look(width)
        self.rest = nn.Sequential(
            Residual(2 * width, True), Residual(2 * width, True), up(2 * width, width, True)
        )

    def forward(self, maps: Tensor, words: Tensor, padding: Tensor) -> Tensor:
        seen, _ = self.look(maps, words, padding)
        return self.rest(torch.cat([maps, seen], 1))


class Generator(nn.Module):
    """GF_DIM 32, CONDITION_DIM 100."""

    def __init__(self) -> None:
        super().__init__()
        self.ca, self.first = Augment(WIDTH, CODE, gated=True), First(CODE + NOISE, 512, gated=True)
        self.nexts = nn.ModuleList(Next(32) for _ in range(2))
        self.pictures = nn.ModuleList(picture(32) for _ in range(3))

    def forward(
        self, sentence: Tensor, words: Tensor, padding: Tensor, noise: Tensor
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        code, mean, logvar = self.ca(sentence)
        maps = [self.first(code, noise)]
        for stage in self.nexts:
            maps.append(stage(maps[-1], words, padding))
        return [draw(m) for draw, m in zip(self.pictures, maps, strict=True)], mean, logvar


class Text(nn.Module):
    """300 wide embeddings, an LSTM of 128 each way."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(KNOWN, 300)
        self.rnn = nn.LSTM(300, WIDTH // 2, batch_first=True, bidirectional=True)

    def forward(self, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        packed = nn.utils.rnn.pack_padded_sequence(self.embedding(ids), lengths.cpu(), batch_first=True)
        states, (last, _) = self.rnn(packed)
        words, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True)
        return words.transpose(1, 2), last.transpose(0, 1).reshape(len(ids), WIDTH)


class Sight(nn.Module):
    """Inception-v3 at 299 pixels, its map of 17 x 17."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = timm.create_model("inception_v3", features_only=True).requires_grad_(False)
        self.regions, self.vector = nn.Conv2d(768, WIDTH, 1, bias=False), nn.Linear(2048, WIDTH)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.trunk(F.interpolate(images, (299, 299), mode="bilinear", align_corners=True))
        return self.regions(maps[-2]), self.vector(maps[-1].mean((2, 3)))


def plain_words(regions: Tensor, words: Tensor, lengths: list[int], classes: Tensor) -> Tensor:
    """One caption after the other, against all pictures; regions [b, d, 17, 17], words [b, d, t]."""
    rows = len(regions)
    flat = regions.view(rows, regions.shape[1], -1)
    columns = []
    for row, length in enumerate(lengths):
        word = words[row, :, :length].unsqueeze(0).repeat(rows, 1, 1)
        scores = torch.bmm(flat.transpose(1, 2).contiguous(), word)  # [b, n, t]
        shares = F.softmax(scores.view(-1, length), 1).view(rows, -1, length).transpose(1, 2).contiguous()
        shares = F.softmax(4.0 * shares.view(rows * length, -1), 1).view(rows, length, -1)
        seen = torch.bmm(flat, shares.transpose(1, 2).contiguous()).transpose(1, 2).contiguous()
        said = word.transpose(1, 2).contiguous()
        cosines = F.cosine_similarity(said.view(rows * length, -1), seen.view(rows * length, -1))
        columns.append((5.0 * cosines.view(rows, length)).exp().sum(1, keepdim=True).log())
    return plain_told_apart(torch.cat(columns, 1) * 10.0, classes)


def plain_told_apart(scores: Tensor, classes: Tensor) -> Tensor:
    same = (classes.unsqueeze(1) == classes) & ~torch.eye(len(classes), dtype=torch.bool, device=DEVICE)
    scores = scores.masked_fill(same, -float("inf"))
    labels = torch.arange(len(classes), device=DEVICE)
    return F.cross_entropy(scores, labels) + F.cross_entropy(scores.t(), labels)


def plain_damsm(
    seen: tuple[Tensor, Tensor], words: Tensor, sentence: Tensor, lengths: list[int], classes: Tensor
) -> Tensor:
    regions, vector = seen
    norms = vector.norm(dim=1, keepdim=True) @ sentence.norm(dim=1, keepdim=True).t()
    scores = vector @ sentence.t() / norms.clamp(min=1e-8) * 10.0
    return plain_words(regions, words, lengths, classes) + plain_told_apart(scores, classes)


def plain_step(batch: Batch) -> Callable[[], None]:
    made, text, sight = Generator().to(DEVICE), Text().to(DEVICE).eval(), Sight().to(DEVICE).eval()
    text.requires_grad_(False), sight.requires_grad_(False)
    judges = [Judge(side, WIDTH).to(DEVICE) for side in (64, 128, 256)]
    optimizers = [torch.optim.Adam(part.parameters(), 2e-4, (0.5, 0.999)) for part in (made, *judges)]
    averages = [p.detach().clone() for p in made.parameters()]
    assert batch.class_id is not None
    ids, lengths, classes = batch.tokens.ids, batch.tokens.length.tolist(), batch.class_id

    def step() -> None:
        words, sentence = (said.detach() for said in text(ids, batch.tokens.length))
        noise = torch.randn(len(ids), NOISE, device=DEVICE)
        fakes, mean, logvar = made(sentence, words, ids[:, : words.shape[2]] == 0, noise)
        for judge, optimizer, real, fake in zip(judges, optimizers[1:], batch.images, fakes, strict=True):
            judge.zero_grad()
            r, f = judge.tower(real), judge.tower(fake.detach())
            pairs = bce(judge.of_pairs(r, sentence), 1), bce(judge.of_pairs(f, sentence), 0)
            wrong = bce(judge.of_pairs(r[:-1], sentence[1:]), 0)
            alone = bce(judge.alone(r).flatten(), 1), bce(judge.alone(f).flatten(), 0)
            ((alone[0] + pairs[0]) / 2 + (alone[1] + pairs[1] + wrong) / 3).backward()
            optimizer.step()
        made.zero_grad()
        loss = -0.5 * (1 + logvar - mean.pow(2) - logvar.exp()).mean()
        for judge, fake in zip(judges, fakes, strict=True):
            pair, alone = judge(fake, sentence)
            loss = loss + bce(pair, 1) + bce(alone, 1)
        loss = loss + 5.0 * plain_damsm(sight(fakes[-1]), words, sentence, lengths, classes)
        loss.backward()
        optimizers[0].step()
        for average, parameter in zip(averages, made.parameters(), strict=True):
            average.mul_(0.999).add_(parameter.detach(), alpha=0.001)

    return step


def lengths_of(rows: int) -> Tensor:
    """From 18 words down, as the authors sort a batch."""
    return torch.linspace(WORDS, WORDS // 2, rows).round().long()


def some_text(rows: int) -> tuple[Tokens, TextFeatures]:
    length = lengths_of(rows)
    mask = torch.arange(WORDS) < length.unsqueeze(1)
    ids = torch.randint(1, KNOWN, (rows, WORDS)) * mask
    words = torch.randn(rows, WORDS, WIDTH) * mask.unsqueeze(2)
    features = TextFeatures(torch.randn(rows, WIDTH), words, mask)
    return Tokens(ids, length).to(DEVICE), features.to(DEVICE)


def some_batch(rows: int) -> Batch:
    tokens, text = some_text(rows)
    reals = tuple(torch.rand(rows, 3, side, side, device=DEVICE) * 2 - 1 for side in (64, 128, 256))
    return Batch(reals, tokens, (), text, torch.arange(rows, device=DEVICE))


@pytest.fixture(scope="module", autouse=True)
def _setting() -> None:
    as_in_training()


@pytest.mark.parametrize("rows", [20, 48])
def test_word_loss(rows: int) -> None:
    """Forward and backward; 17 x 17 regions, 256 dimensions, 18 words."""
    torch.manual_seed(0)
    tokens, text = some_text(rows)
    assert text.words is not None and text.mask is not None
    regions = torch.randn(rows, 289, WIDTH, device=DEVICE).requires_grad_()
    words, mask, classes = text.words.requires_grad_(), text.mask, torch.arange(rows, device=DEVICE)
    damsm, lengths = Damsm(), tokens.length.tolist()

    def vectorised() -> Tensor:
        scores = damsm.gamma3 * word_similarity(regions, words, mask, damsm.gamma1, damsm.gamma2)
        return told_apart(scores, same_class(classes))

    def looped() -> Tensor:
        return plain_words(regions.mT.unflatten(2, (17, 17)).contiguous(), words.mT, lengths, classes)

    torch.testing.assert_close(vectorised(), looped(), rtol=1e-5, atol=1e-5)
    own, plain = (lambda: vectorised().backward()), (lambda: looped().backward())
    assert compare(f"word loss, batch {rows}, forward and backward", own, plain) > 0


@pytest.mark.parametrize("form", FORMS[:2])
@pytest.mark.parametrize("side", [64, 128])
def test_attention(side: int, form: str) -> None:
    """Forward and backward of the module, beside torch's own attention on the same weights."""
    torch.manual_seed(0)
    _, text = some_text(BATCH)
    assert text.words is not None and text.mask is not None
    maps = torch.randn(BATCH, 32, side, side, device=DEVICE).requires_grad_()
    words, mask = text.words.requires_grad_(), text.mask
    module = WordAttention(WIDTH, 32, "own").to(DEVICE)

    def fused() -> Tensor:
        keys = module.project(words.mT.unsqueeze(3)).squeeze(3).mT  # [b, t, f]
        pixels = maps.flatten(2).mT
        read = F.scaled_dot_product_attention(pixels, keys, keys, attn_mask=mask.unsqueeze(1), scale=1.0)
        return read.mT.unflatten(2, (side, side))

    torch.testing.assert_close(module(maps, words, mask)[0], fused(), rtol=1e-4, atol=1e-4)

    def run(attention: Callable[[], Tensor]) -> None:
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=form != "fp32"):
            read = attention()
        read.float().square().sum().backward()

    own, plain = (lambda: run(lambda: module(maps, words, mask)[0])), (lambda: run(fused))
    what = f"word attention at {side} pixels in {form}, forward and backward"
    assert compare(what, own, plain, "torch's fused attention") > 0


@pytest.mark.parametrize("form", FORMS)
def test_training_step(form: str) -> None:
    torch.manual_seed(0)
    batch = some_batch(BATCH)
    own, plain = our_step(RECIPE, "gan", form, batch), plain_step(batch)
    assert compare(f"{RECIPE}, a step of {BATCH} in {form}", own, plain) > 0


@pytest.mark.parametrize("form", FORMS)
def test_sampling(form: str) -> None:
    torch.manual_seed(0)
    tokens, text = some_text(SAMPLES)
    noise = torch.randn(SAMPLES, NOISE, device=DEVICE)
    model, plain = our_model(RECIPE, form).eval(), Generator().to(DEVICE).eval()
    epsilons = model.draw_epsilons(StepDraws(0, 0, DEVICE, torch.float32), SAMPLES)
    assert text.words is not None

    @torch.no_grad()
    def own() -> None:
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=form != "fp32"):
            model.synthesize(text, noise, epsilons)

    other = torch.no_grad()(lambda: plain(text.sentence, text.words.mT, tokens.ids == 0, noise))
    assert compare(f"{RECIPE}, {SAMPLES} pictures in {form}", own, other) > 0
