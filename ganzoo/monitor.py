"""What happens between steps: losses are looked at and logged, grids drawn, checkpoints saved."""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping
from dataclasses import dataclass

from accelerate import Accelerator
from torch import Tensor

from ganzoo import checkpoint
from ganzoo.checkpoint import Checkpoint
from ganzoo.data.feed import Feed
from ganzoo.errors import GanzooError
from ganzoo.health import Losses, unhealthy_weights
from ganzoo.interrupts import Stopped, StopRequest
from ganzoo.measurements import Measurements
from ganzoo.model import Model
from ganzoo.preview import Preview
from ganzoo.processes import anywhere, failing_together
from ganzoo.progress import TrainingProgress
from ganzoo.run import Run
from ganzoo.settings import Settings
from ganzoo.updates import PhaseTrainer

log = logging.getLogger("ganzoo")

ASK_EVERY = 10  # steps after which several processes ask each other whether one was told to stop

ADVICE = "Try a smaller learning rate, a gradient clip, or `--precision fp32`"


@dataclass(frozen=True, eq=False)
class Session:
    """A training under way: what is trained, on what, how, and where that is written.

    `measurements`: by the name of the phase.
    """

    model: Model
    feed: Feed
    preview: Preview
    measurements: Mapping[str, Measurements]
    run: Run
    settings: Settings
    compute: Accelerator
    stop: StopRequest


class Monitor:
    """Looks at one phase after each step, and leaves it as it is.

    Nothing is drawn, measured or saved before all losses and weights were found to be finite, so no
    checkpoint holds a NaN. `base`: steps taken before the phase; `steps`: its own.
    """

    def __init__(
        self, session: Session, trainer: PhaseTrainer, base: int, steps: int, bar: TrainingProgress
    ) -> None:
        self._session, self._trainer, self._bar = session, trainer, bar
        self._base, self._steps = base, steps
        self._losses = Losses(session.compute)

    def after(self, step: int, values: Mapping[str, Tensor]) -> None:
        """Do what is due after `step` steps of the phase, of which the last had these losses.

        Raises GanzooError at the first loss or weight that is not finite, and Stopped when asked to stop,
        after a save.
        """
        self._losses.take(step, values)
        self._bar.advance(step)
        settings, last = self._session.settings, step == self._steps
        logs, draw, save = (
            bool(every) and (last or step % every == 0)
            for every in (settings.log_every, settings.sample_every, settings.save_every)
        )
        stopping = self._asked_to_stop(step)
        if not (logs or draw or save or stopping or last or self._losses.many):
            return
        newest = self._healthy(step, weights=draw or save or stopping or last)
        if logs:
            self._report(step, newest)
        if draw or save or stopping:
            # All processes have the same weights: one looks, the others wait.
            with failing_together(self._session.compute):
                if self._session.compute.is_main_process:
                    self._look(step, draw, save, stopping and bool(settings.save_every))
        if stopping:
            raise Stopped(self._session.stop.signal or signal.SIGTERM)

    def _asked_to_stop(self, step: int) -> bool:
        asked, compute = self._session.stop.signal is not None, self._session.compute
        if compute.num_processes > 1 and step % ASK_EVERY:
            return False
        return anywhere(compute, asked)

    def _healthy(self, step: int, weights: bool) -> dict[str, float]:
        """The newest losses, when they and all before them are finite, and the weights too where asked."""
        newest, unhealthy = self._losses.look()
        phase, run = self._trainer.phase.name, self._session.run
        with failing_together(self._session.compute):
            if unhealthy:
                raise GanzooError(
                    f"loss {unhealthy.loss} is {unhealthy.value} at step {unhealthy.step} of phase {phase}; "
                    f"{run.kept}. {ADVICE}"
                )
            bad = unhealthy_weights(checkpoint.model_state(self._session.model)) if weights else None
            if bad:
                raise GanzooError(
                    f"weight {bad} is not finite after step {step} of phase {phase}; {run.kept}. {ADVICE}"
                )
        return newest

    def _report(self, step: int, losses: Mapping[str, float]) -> None:
        rates, total = self._bar.rates(step), self._base + step
        with failing_together(self._session.compute):
            if self._session.compute.is_main_process:
                self._bar.say(step, losses, rates)
                self._session.run.log({"phase": self._trainer.phase.name, "step": total, **losses, **rates})
        self._session.compute.log({**losses, **rates}, step=total)

    def _look(self, step: int, draw: bool, save: bool, stopping: bool) -> None:
        model, trainer, total = self._session.model, self._trainer, self._base + step
        if draw and trainer.phase.updates[-1].name != "encoders":
            self._session.preview.draw(model, trainer.ema, total, 1 + max(trainer.phase.stages))
        if save or stopping:
            self._save(step, measure=save)

    def _save(self, step: int, measure: bool) -> None:
        """Save, once metrics are known. Who asked to stop does not wait for these."""
        model, trainer, run, total = self._session.model, self._trainer, self._session.run, self._base + step
        phase = trainer.phase.name
        measured = self._session.measurements[phase].of(model, trainer.ema) if measure else None
        if measured:
            values = {f"metric/{name}": value for name, value in measured.values.items()}
            run.log({"phase": phase, "step": total, **values})
            self._session.compute.log(values, step=total)
        saved = Checkpoint(
            phase,
            step,
            total,
            checkpoint.model_state(model),
            trainer.ema.state if trainer.ema else None,
            trainer.optimizer_states(),
            measured,
        )
        path = run.save(saved, self._session.settings.keep)
        if measured:
            value = measured.values[measured.decides]
            best = ", the best so far" if checkpoint.best_in(run.checkpoints) == path else ""
            log.info("%s: %s %.4g%s", path.name, measured.decides, value, best)
