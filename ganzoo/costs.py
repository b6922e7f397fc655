"""What training a plan costs: weights, memory and arithmetic of a step, without taking one.

The model is built on torch's `meta` device, where tensors have shapes and no memory, and takes the step at
which everything is due. Memory: weights and buffers, their averages, gradients, two moments a trained weight,
and what autograd keeps for backward passes, at its most, all in float32. Not in it: torch itself, and what
layers need for a moment (workspaces). docs/performance.md has estimates beside measurements.
Arithmetic: floating-point operations of convolutions and matrix products, two for a multiply and add.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ganzoo import vocabulary
from ganzoo.flow import Batch, Layout, TextFeatures
from ganzoo.model import Model
from ganzoo.nn.fixed import count_fixed
from ganzoo.parts import conditioning_roles
from ganzoo.plan import PhasePlan, Plan
from ganzoo.randomness import StepDraws
from ganzoo.updates import PhaseTrainer

MOMENTS = 2  # both optimizers are Adams
CAPTION = "a small red circle above a large blue square " * 20  # as long as a text encoder reads
REAL_ROWS = 2  # batch norm wants two


@dataclass(frozen=True)
class Flops:
    """Floating-point operations of an update in one step, up to its objective and back."""

    forward: int
    backward: int


@dataclass(frozen=True)
class Memory:
    """Bytes of one phase. `weights`: with buffers, of the whole model.

    `activations`: what autograd keeps of a step for its backward passes, at its most.
    """

    weights: int
    averages: int
    gradients: int
    moments: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.averages + self.gradients + self.moments + self.activations


@dataclass(frozen=True)
class PhaseCosts:
    """One phase's step on `batch` examples (a micro-batch where it accumulates), by update.

    `rows`: examples in the step that was taken. They are fewer where it cannot be taken without numbers; what
    grows with them is multiplied then.
    """

    batch: int
    rows: int
    updates: Mapping[str, Flops]
    memory: Memory


@dataclass(frozen=True)
class Costs:
    """`parameters`, `fixed`: weights by the parts' roles ("stage 0"), fixed ones apart. `phases`: by name."""

    parameters: Mapping[str, int]
    fixed: Mapping[str, int]
    phases: Mapping[str, PhaseCosts]


def costs(plan: Plan) -> Costs:
    """The costs of `plan`. Pretrained encoders are read from disk; nothing else takes memory."""
    model = _build(plan, "meta")
    phases = {}
    for phase in plan.phases:
        batch = phase.batch or plan.data.batch
        try:
            phases[phase.name] = _phase_costs(model, phase, batch, batch)
        except RuntimeError:  # something asks for a number, which meta tensors do not have
            phases[phase.name] = _phase_costs(_build(plan, "cpu"), phase, batch, min(REAL_ROWS, batch))
    modules = _modules(model)
    return Costs(
        {role: _count(module) for role, module in modules.items()},
        {role: count_fixed(module) for role, module in modules.items()},
        phases,
    )


@dataclass(frozen=True)
class _Ready:
    """Stands for an encoder that is built already."""

    module: nn.Module

    def build(self) -> nn.Module:
        return self.module


def _build(plan: Plan, device: str) -> Model:
    """The model on `device`. A pretrained encoder reads its weights, so it is built on the CPU."""
    plan = vocabulary.knowing(plan, vocabulary.learnt(plan, [CAPTION]))
    encoders: dict[str, Any] = {"text": plan.text, "image": plan.image}
    ready = {
        place: _Ready(encoder.build().to(device))
        for place, encoder in encoders.items()
        if encoder is not None and encoder.pretrained
    }
    with torch.random.fork_rng(devices=[]), torch.device(device):
        return Model(replace(plan, **cast(dict[str, Any], ready)))


def _modules(model: Model) -> dict[str, nn.Module]:
    """The model's parts by role."""
    found: dict[str, nn.Module] = {"text": model.text_encoder}
    if model.image_encoder is not None:
        found["image"] = model.image_encoder
    found |= dict(zip(conditioning_roles(model.plan), model.conditionings, strict=True))
    found |= {f"stage {level}": module for level, module in enumerate(model.stages)}
    return found | {f"discriminator {level}": module for level, module in model.discriminators.items()}


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _phase_costs(model: Model, phase: PhasePlan, batch: int, rows: int) -> PhaseCosts:
    compute = _Watched()
    trainer = PhaseTrainer(model, phase, cast(Any, compute))
    trainer.train_mode()
    trained = [p for update in trainer.updates for p in update.parameters]
    batches = [_batch(model, phase, rows) for _ in range(phase.accumulate)]
    draws = [StepDraws(0, step, model.device, model.dtype) for step in range(phase.accumulate)]
    weights = [*model.parameters(), *model.buffers()]
    kept = _Kept(weights)
    with compute.arithmetic, kept.hooks:
        trainer.take_step(phase.all_due, batches, draws)
    scale, gradients = batch / rows, _bytes(trained)
    memory = Memory(
        weights=_bytes(weights),
        averages=_bytes(trainer.ema.state.values()) if trainer.ema else 0,
        gradients=gradients,
        moments=MOMENTS * gradients,
        activations=round(scale * kept.most),
    )
    return PhaseCosts(batch, rows, compute.by_update(phase, scale), memory)


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)


def _batch(model: Model, phase: PhasePlan, rows: int) -> Batch:
    """A batch on the model's device with all that the plan's data gives, its caption as long as is read."""
    plan, device = model.plan, model.device

    def draw(*shape: int) -> Tensor:
        return torch.rand(rows, *shape, device=device)

    encoder: Any = model.text_encoder
    tokens = encoder.tokenize([CAPTION] * rows)
    spec, data = plan.text_spec, plan.data_spec
    if data.embedding:
        tokens = replace(tokens, embedding=torch.rand(rows, data.embedding))
    text = None
    if "encoders" not in (update.name for update in phase.updates):  # a frozen one's features are kept
        long = tokens.ids.shape[1]
        words = draw(long, spec.words) if spec.words else None
        mask = torch.ones(rows, long, dtype=torch.bool, device=device) if spec.words else None
        text = TextFeatures(draw(spec.sentence), words, mask)
    boxes = draw(4) / 2 if data.boxes else None
    keypoints = draw(data.keypoints, 3) if data.keypoints else None
    layout = Layout(boxes, keypoints) if data.boxes or data.keypoints else None
    pictures = tuple(draw(3, side, side) for side in plan.resolutions)
    return Batch(
        pictures,
        tokens.to(device),
        pictures if phase.reads_mismatched else (),
        text,
        torch.arange(rows, device=device) if data.class_id else None,
        layout,
        layout,
    )


class _Watched:
    """What a trainer asks of its accelerator, counting arithmetic on the way. Optimizers do nothing."""

    num_processes = 1

    def __init__(self) -> None:
        self.arithmetic = _Arithmetic()
        self._marks = [0]  # operations done: before and after each backward pass

    def prepare(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        setattr(optimizer, "step", lambda: None)  # noqa: B010 - mypy forbids the plain form
        return optimizer

    def autocast(self) -> AbstractContextManager[None]:
        return nullcontext()

    def unscale_gradients(self, optimizer: object) -> None:
        """Nothing is scaled."""

    def backward(self, objective: Tensor) -> None:
        self._marks.append(self.arithmetic.flops)
        objective.backward()  # type: ignore[no-untyped-call]
        self._marks.append(self.arithmetic.flops)

    def by_update(self, phase: PhasePlan, scale: float) -> dict[str, Flops]:
        """Every update takes as many backward passes as there are batches."""
        steps = [later - earlier for earlier, later in zip(self._marks, self._marks[1:], strict=False)]
        each = 2 * phase.accumulate
        return {
            update.name: Flops(
                round(scale * sum(steps[each * number : each * (number + 1) : 2])),
                round(scale * sum(steps[each * number + 1 : each * (number + 1) : 2])),
            )
            for number, update in enumerate(phase.updates)
        }


class _Arithmetic(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Floating-point operations so far.

    torch's own FlopCounterMode also asks which module they belong to, and cannot do so inside a loss that
    differentiates.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=out)
        return out


class _Kept:
    """Bytes that autograd keeps for backward passes, each storage once; `most`: at the worst moment."""

    def __init__(self, weights: Iterable[Tensor]) -> None:
        self.most = self._now = 0
        self._weights = {id(weight.untyped_storage()) for weight in weights}
        self._holds: Counter[int] = Counter()  # by storage
        self.hooks = saved_tensors_hooks(
            lambda tensor: _Hold(self, tensor.detach()), lambda hold: hold.tensor
        )

    def add(self, storage: torch.UntypedStorage) -> None:
        self._holds[id(storage)] += 1
        if self._holds[id(storage)] == 1 and id(storage) not in self._weights:
            self._now += storage.nbytes()
            self.most = max(self.most, self._now)

    def drop(self, storage: torch.UntypedStorage) -> None:
        self._holds[id(storage)] -= 1
        if not self._holds[id(storage)] and id(storage) not in self._weights:
            self._now -= storage.nbytes()


class _Hold:
    """One tensor that autograd keeps, for as long as it does."""

    def __init__(self, kept: _Kept, tensor: Tensor) -> None:
        self.kept, self.tensor, self.storage = kept, tensor, tensor.untyped_storage()
        kept.add(self.storage)

    def __del__(self) -> None:
        self.kept.drop(self.storage)
