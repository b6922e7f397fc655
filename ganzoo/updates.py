"""One phase's updates: which weights each trains, and how one step takes them in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from ganzoo.ema import Ema
from ganzoo.flow import Batch
from ganzoo.model import Model
from ganzoo.optimizers import load_moments
from ganzoo.plan import PhasePlan, UpdatePlan
from ganzoo.processes import average_buffers, average_gradients, copy_from_main
from ganzoo.randomness import Draws
from ganzoo.step import Step

if TYPE_CHECKING:
    from accelerate import Accelerator


class Update:
    """One update: its modules, their parameters, one optimizer over them."""

    def __init__(self, plan: UpdatePlan, modules: Mapping[str, nn.Module], accelerator: Accelerator) -> None:
        self.plan, self.modules = plan, modules
        self.parameters = [p for module in modules.values() for p in module.parameters()]
        self.optimizer = accelerator.prepare(plan.optimizer.build(self.parameters))

    def clip(self, accelerator: Accelerator) -> None:
        """Bound the norm of the gradient, of all modules together or of those named."""
        bound = self.plan.optimizer.clip
        if bound is None:
            return
        accelerator.unscale_gradients(self.optimizer)
        if isinstance(bound, float):
            nn.utils.clip_grad_norm_(self.parameters, bound)
        else:
            for name, norm in bound.items():
                nn.utils.clip_grad_norm_(self.modules[name].parameters(), norm)


class PhaseTrainer:
    """A phase under way: its updates in order, its averages. `take_step` is all that training is.

    Modules are not wrapped for several processes: discriminators run several times a step, are called by
    method and differentiated twice; each update's gradients are averaged by one all-reduce instead. Weights,
    buffers and averages are the same in all processes after every step.
    """

    def __init__(self, model: Model, phase: PhasePlan, accelerator: Accelerator) -> None:
        self.model, self.phase, self.accelerator = model, phase, accelerator
        model.requires_grad_(False)
        copy_from_main(accelerator, model)
        self.updates = [Update(u, _modules(model, phase, u.name), accelerator) for u in phase.updates]
        for update in self.updates:
            for parameter in update.parameters:
                parameter.requires_grad_(True)
        self._moving = [module for update in self.updates for module in update.modules.values()]
        if phase.frozen_train:
            frozen = [level for level in range(max(phase.stages)) if level not in phase.stages]
            self._moving += _generator_modules(model, frozen).values()
        self.ema = Ema(model.generator, phase.ema, phase.ema_warmup) if phase.ema else None

    def train_mode(self) -> None:
        """What this phase trains in training mode, all else (frozen encoders, stages) in evaluation mode.

        With `frozen_train`, frozen stages are in training mode too.
        """
        self.model.eval()
        for module in self._moving:
            module.train()

    def set_epoch(self, epochs_done: int) -> None:
        """Move learning rates along their schedules."""
        for update in self.updates:
            for group in update.optimizer.param_groups:
                group["lr"] = update.plan.optimizer.lr_after(epochs_done)

    def take_step(self, number: int, batches: Sequence[Batch], draws: Sequence[Draws]) -> dict[str, Tensor]:
        """Take step `number`, counted from 0: every update that is due, in order.

        It goes over one batch, or over several whose gradients add up. Returns each loss's value without its
        weight, under `update/loss`, as scalars still on the device.
        """
        steps = [Step(self.model, b, self.phase, d) for b, d in zip(batches, draws, strict=True)]
        due = [update for update in self.updates if (number + 1) % update.plan.every == 0]
        values: dict[str, Tensor] = {}
        for position, update in enumerate(due):
            still = self._hold_still(update)
            shares = any(u.plan.name == "generator" and not u.plan.regenerate for u in due[position + 1 :])
            keep_graph = update.plan.name == "generator" or (shares and len(steps) == 1)
            update.optimizer.zero_grad()
            for step in steps:
                step.begin(update.plan.name, keep_graph=keep_graph, regenerate=update.plan.regenerate)
                self._descend(update, step, number, len(steps), values)
            average_gradients(self.accelerator, update.parameters)
            update.clip(self.accelerator)
            update.optimizer.step()
            for parameter in still:
                parameter.requires_grad_(True)
        average_buffers(self.accelerator, self._moving)
        if self.ema:
            self.ema.update(number)
            restart = self.phase.ema_restart
            if restart and (number + 1) % restart == 0:
                self.ema.hand_on()  # StackGAN++'s authors do so at every snapshot
        return values

    def _descend(
        self, update: Update, step: Step, number: int, shares: int, values: dict[str, Tensor]
    ) -> None:
        """Add one batch's gradient of the update's objective, and its losses to `values`."""
        objective: Tensor | None = None
        with self.accelerator.autocast():
            for name, loss in update.plan.losses:
                if (number + 1) % loss.every:
                    continue
                value = loss(step)
                term = value * (loss.weight * loss.every / shares)
                objective = term if objective is None else objective + term
                key = f"{update.plan.name}/{name}"
                values[key] = values.get(key, 0.0) + value.detach() / shares
        if objective is not None:
            self.accelerator.backward(objective)

    def _hold_still(self, update: Update) -> list[nn.Parameter]:
        """Keep gradients out of other updates' weights; returns those weights.

        The generator stays live in the discriminator's update: its graph is made there and read by its own
        update.
        """
        if update.plan.name == "discriminator":
            return []
        still = [p for other in self.updates if other is not update for p in other.parameters]
        for parameter in still:
            parameter.requires_grad_(False)
        return still

    def optimizer_states(self) -> dict[str, Any]:
        """Every update's optimizer moments by the update's name, and in fp16 the scale of the loss."""
        states = {update.plan.name: update.optimizer.state_dict() for update in self.updates}
        scaler = self.accelerator.scaler
        return states if scaler is None else {**states, "scaler": scaler.state_dict()}

    def load_optimizer_states(self, states: Mapping[str, Any]) -> None:
        """Go on from saved moments. Raises KeyError or ValueError where they are not of this phase."""
        for update in self.updates:
            load_moments(update.optimizer, states[update.plan.name])
        if self.accelerator.scaler is not None and "scaler" in states:
            scale = states["scaler"]
            if not isinstance(scale, dict) or any(type(part) not in (int, float) for part in scale.values()):
                raise ValueError("the scale of the loss is not made of numbers")
            self.accelerator.scaler.load_state_dict(scale)


def _modules(model: Model, phase: PhasePlan, update: str) -> dict[str, nn.Module]:
    """What an update trains."""
    if update == "encoders":  # a run keeps no weights of pretrained ones
        text, image = model.plan.text, model.plan.image
        found = {} if text.pretrained else {"text": model.text_encoder}
        if image and model.image_encoder is not None and not image.pretrained:
            found["image"] = model.image_encoder
        return found
    if update == "discriminator":
        return {key: d for key, d in model.discriminators.items() if int(key) in phase.stages}
    return _generator_modules(model, phase.stages)


def _generator_modules(model: Model, levels: Sequence[int]) -> dict[str, nn.Module]:
    """The stages at `levels` and the conditionings they read."""
    stages = {f"stage {level}": model.stages[level] for level in levels}
    read = sorted({model.plan.stages[level].conditioning for level in levels})
    return stages | {f"conditioning {i}": model.conditionings[i] for i in read}
