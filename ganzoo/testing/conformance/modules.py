"""Checks of what text encoders, image encoders, conditionings, stages and discriminators build.

Each check takes a Harness and raises an AssertionError that names the component and the fault.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from ganzoo.flow import Flow
from ganzoo.testing.conformance.harness import CAPTIONS, Harness, OfDiscriminator, OfTextEncoder
from ganzoo.testing.conformance.inputs import ROWS, Inputs

ATTEMPTS = 4  # draws of weights and inputs after which a gradient that was always 0 is one that is 0


def specs(harness: Harness) -> None:
    """What it gives has the sizes it declares, with all there can be and with no more than it requires."""
    for withheld in ("nothing", "absent"):
        module = harness.build(withheld)
        doing = "fails" if withheld == "nothing" else "fails where there is only what it requires"
        harness.declared(harness.run(module, harness.inputs(0, withheld), doing), withheld)


def starvation(harness: Harness) -> None:
    """It reads nothing but what it requires; passing things on is not reading."""
    module = harness.build("starved")
    harness.run(module, harness.inputs(0, "starved"), "fails on what it requires")


def gradients(harness: Harness) -> None:
    """A gradient reaches every parameter and every declared input from the outputs together."""
    missing: set[str] = set()
    for seed in range(ATTEMPTS):
        module, inputs = harness.build(seed=seed).train(), harness.inputs(seed)
        wanted: dict[str, Tensor] = {}
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                wanted[f"its parameter {name}"] = parameter
        if all(parameter.requires_grad for parameter in module.parameters()):  # it is no frozen encoder
            places = ("boxes", "keypoints")  # may be rounded to pixels
            wanted |= {f"the input `{n}`": x for n, x in inputs.named.items() if n not in places}
        for tensor in wanted.values():
            tensor.requires_grad_(True)
        if not wanted:
            return
        _stir(module, seed)
        objective = weighted(harness.run(module, inputs), seed)
        found = torch.autograd.grad(objective, list(wanted.values()), allow_unused=True)
        alive = {n for n, g in zip(wanted, found, strict=True) if g is not None and bool(g.any())}
        missing = set(wanted) - alive if seed == 0 else missing - alive
        if not missing:
            return
    harness.subject.fail(f"does not depend on {', '.join(sorted(missing))}: no gradient reaches it")


def placement(harness: Harness) -> None:
    """Other boxes or keypoints, where it declares that it reads them, change what it gives."""
    module, inputs, others = harness.build().eval(), harness.inputs(0), harness.inputs(1)
    for need in sorted(inputs.named.keys() & {"boxes", "keypoints"}):
        given, other = inputs.named[need], others.named[need]
        moved = inputs.map(partial(_instead, given, other))
        with torch.no_grad():
            before, after = (tensors_of(harness.run(module, what)) for what in (inputs, moved))
        same = all(map(torch.equal, before, after))
        harness.subject.expect(not same, f"gives the same outputs for other `{need}`")


def _instead(given: Tensor, other: Tensor, x: Tensor) -> Tensor:
    return other if x is given else x


def _stir(module: nn.Module, seed: int) -> None:
    """Move weights off their start: layers that start at 0 hide what is behind them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


def weighted(out: Flow, seed: int) -> Tensor:
    """The outputs' sum with random weights; without them a batch norm's output would sum to a constant."""
    generator = torch.Generator().manual_seed(seed)
    floating = [x for x in tensors_of(out) if x.is_floating_point() and x.requires_grad]
    terms = [(x * torch.randn(x.shape, generator=generator)).sum() for x in floating]
    return torch.stack(terms).sum() if terms else torch.zeros((), requires_grad=True)


def tensors_of(out: Flow) -> list[Tensor]:
    """All tensors in `out`."""
    found: list[Tensor] = []

    def note(x: Tensor) -> Tensor:
        found.append(x)
        return x

    out.map(note)
    return found


def double_precision(harness: Harness) -> None:
    """In float64 it computes in float64: no tensor is made in a fixed dtype."""
    module = harness.build().double()
    out = harness.run(module, harness.inputs().to("cpu", torch.float64), "fails in float64")
    kinds = {x.dtype for x in tensors_of(out) if x.is_floating_point()}
    harness.subject.expect(
        kinds == {torch.float64}, f"was moved to float64, but gives {sorted(map(str, kinds))}"
    )


def mixed_precision(harness: Harness) -> None:
    """Under bf16 autocast it runs and gives finite numbers."""
    module = harness.build()
    with torch.autocast("cpu", torch.bfloat16):
        out = harness.run(module, harness.inputs(), "fails under bf16 autocast")
    finite = all(bool(x.isfinite().all()) for x in tensors_of(out))
    harness.subject.expect(finite, "gives numbers that are not finite under bf16 autocast")


def device_moves(harness: Harness) -> None:
    """On another device it computes there: no tensor is made on a fixed one. Tried on torch's `meta`."""
    module = harness.build().to("meta")
    out = harness.run(module, harness.inputs().to("meta"), "fails on another device than the CPU")
    kinds = {x.device.type for x in tensors_of(out)}
    harness.subject.expect(
        kinds == {"meta"}, f"was moved to another device, but gives tensors on {sorted(kinds)}"
    )


def determinism(harness: Harness) -> None:
    """The same inputs, the same outputs in evaluation mode; no draw of its own in any mode, but dropout's."""
    module = harness.build()
    for mode in (False, True):
        module.train(mode)
        for layer in module.modules():
            if isinstance(layer, _DropoutNd | nn.RNNBase):
                layer.eval()
        drew = draws_of(lambda: harness.run(module, harness.inputs()))
        harness.subject.expect(
            not drew, f"draws from {drew}: draws come in as noise or epsilon, nothing draws for itself"
        )
    module.eval()
    _expect_equal(harness, module, module, "gives other outputs when called again with the same inputs")


def draws_of(act: Callable[[], Any]) -> str:
    """Which global generator `act` draws from, or an empty string."""
    torchs, numpys = torch.get_rng_state(), np.random.get_state()  # Python's own moves: type checkers draw
    act()
    if not torch.equal(torchs, torch.get_rng_state()):
        return "torch's global generator"
    return "" if repr(numpys) == repr(np.random.get_state()) else "numpy's global generator"


def _expect_equal(harness: Harness, one: nn.Module, other: nn.Module, problem: str) -> None:
    with torch.no_grad():
        first, second = (tensors_of(harness.run(m, harness.inputs())) for m in (one, other))
    harness.subject.expect(all(map(torch.equal, first, second)), problem)


def state_dict(harness: Harness) -> None:
    """A second build with the first one's state dict gives the same outputs."""
    first, second = harness.build(seed=1), harness.build(seed=2)
    first.train()
    harness.run(first, harness.inputs(1))  # moves running statistics
    harness.subject.attempt(
        "cannot load its own state dict", lambda: second.load_state_dict(first.state_dict())
    )
    _expect_equal(
        harness, first.eval(), second.eval(), "gives other outputs after its state dict was loaded elsewhere"
    )


def independence(harness: Harness) -> None:
    """In evaluation mode a row alone gives what it gives in company.

    Not asked of discriminators: statistics over the batch are a known means of theirs.
    """
    module, inputs = harness.build().eval().double(), harness.inputs().to("cpu", torch.float64)
    with torch.no_grad():
        whole = harness.run(module, inputs)
        for row in range(ROWS):
            alone = harness.run(module, _row(inputs, row), "fails on a batch of one")
            pairs = zip(tensors_of(alone), tensors_of(whole), strict=True)
            same = all(_close(one, many[row : row + 1]) for one, many in pairs)
            harness.subject.expect(same, "mixes the rows of a batch: a row alone gives other outputs")


def _row(inputs: Inputs, row: int) -> Inputs:
    return inputs.rows(slice(row, row + 1))


def _close(one: Tensor, other: Tensor) -> bool:
    """Equal but for rounding; word axes may be shorter where a caption alone is."""
    common = tuple(slice(0, min(a, b)) for a, b in zip(one.shape, other.shape, strict=True))
    if one.is_floating_point():
        return torch.allclose(one[common], other[common], rtol=1e-5, atol=1e-6)
    return torch.equal(one[common], other[common])


def code_widths(harness: Harness) -> None:
    """A discriminator takes codes of any width it was built for."""
    assert isinstance(harness, OfDiscriminator)
    for code in (1, 22):
        other = OfDiscriminator(harness.subject, code)
        other.run(other.build(), other.inputs(), f"fails on a code {code} wide")


def heads(harness: Harness) -> None:
    """A discriminator's unconditional head judges the picture alone."""
    module, inputs = harness.build(), harness.inputs()
    code = inputs.named["code"].requires_grad_()
    alone = harness.run(module, inputs).unconditional
    if alone is None:
        return
    (gradient,) = torch.autograd.grad(alone.sum(), code, allow_unused=True)
    read = gradient is not None and bool(gradient.any())
    harness.subject.expect(not read, "reads the code in its unconditional head")


def second_derivatives(harness: Harness) -> None:
    """A discriminator can be differentiated twice with respect to pictures, as gradient penalties do."""
    module, inputs = harness.build().train(), harness.inputs()
    images = inputs.arguments[0].requires_grad_()
    logits = harness.run(module, inputs).conditional
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)

    def again() -> None:
        torch.autograd.grad(
            gradient.square().sum(), list(module.parameters()), allow_unused=True, materialize_grads=True
        )

    harness.subject.attempt("cannot be differentiated twice", again)


def tokens(harness: Harness) -> None:
    """A text encoder's ids are 0 past each caption's length, and nowhere before it."""
    assert isinstance(harness, OfTextEncoder)
    found, subject = harness.inputs().arguments[0], harness.subject
    subject.expect(
        found.ids.shape[:1] == found.length.shape == (ROWS,), "does not tokenize a row for a caption"
    )
    before = torch.arange(found.ids.shape[1]) < found.length.unsqueeze(1)
    subject.expect(
        torch.equal(found.ids != 0, before),
        "tokenizes to ids that are not 0 exactly past each caption's length",
    )


def padding(harness: Harness) -> None:
    """More padding changes nothing; the mask is True for a caption's words, False past them."""
    assert isinstance(harness, OfTextEncoder)
    module, subject = harness.build().eval(), harness.subject
    inputs = harness.inputs()
    (given,) = inputs.arguments
    longer = type(given)(nn.functional.pad(given.ids, (0, 4)), given.length, given.embedding)
    with torch.no_grad():
        out = harness.run(module, inputs)
        padded = harness.run(module, Inputs((longer,)), "fails on more padding")
    same = all(_close(one, other) for one, other in zip(tensors_of(out), tensors_of(padded), strict=True))
    subject.expect(same, "gives other features where captions are padded further")
    if out.mask is None:
        return
    length = out.mask.sum(1)
    prefix = torch.arange(out.mask.shape[1]) < length.unsqueeze(1)
    subject.expect(
        torch.equal(prefix, out.mask), "gives a mask that is not True for words and False past them"
    )
    subject.expect(
        bool(length.min() > 0) and bool(length[0] > length[1]), "gives a mask that does not count the words"
    )
    spell: Any = getattr(module, "spell", None)
    if spell is not None:
        spelt = [len(words) for words in spell(list(CAPTIONS))]
        subject.expect(spelt == length.tolist(), "spells another number of words than its mask counts")
    extra = padded.mask[:, out.mask.shape[1] :]
    subject.expect(not bool(extra.any()), "masks padding as if it were words")
