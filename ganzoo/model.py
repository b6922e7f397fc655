"""The model: encoders, conditionings, stages and discriminators of a plan, connected."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from ganzoo.errors import GanzooError
from ganzoo.flow import Condition, GeneratorOutput, Layout, StageOutput, TextFeatures, Tokens
from ganzoo.layouts import checked, draws_keypoints
from ganzoo.randomness import Draws, SampleDraws

if TYPE_CHECKING:
    from ganzoo.plan import Plan

PRESENT = 0.5  # a drawn keypoint is to be seen from this presence on, as in GAWWN's program


class Model(nn.Module):
    """What `Plan.build()` returns, with random weights.

    `conditionings` holds the distinct ones, `plan.stages[i].conditioning` says which one stage i reads.
    `discriminators` is keyed by the stage's number, as text.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.text_encoder = _built(plan.text)
        self.image_encoder = _built(plan.image) if plan.image else None
        self.conditionings = nn.ModuleList(_built(c.component, plan.text_spec) for c in plan.conditionings)
        self.stages = nn.ModuleList(_built(stage.component, stage.given) for stage in plan.stages)
        self.discriminators = nn.ModuleDict(
            {
                str(level): _built(stage.discriminator, stage.judged)
                for level, stage in enumerate(plan.stages)
                if stage.discriminator
            }
        )
        self._run_stage: list[nn.Module] = list(self.stages)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """What the weights are stored in."""
        return next(self.generator.parameters()).dtype

    @property
    def generator(self) -> nn.ModuleDict:
        """All between text features and pictures: what the generator's update trains and the EMA averages."""
        return nn.ModuleDict({"conditionings": self.conditionings, "stages": self.stages})

    def compile_stages(self) -> None:
        """Run every stage through torch.compile from now on; weights and their names stay as they are."""
        self._run_stage = [cast(nn.Module, torch.compile(stage)) for stage in self.stages]

    def encode(self, captions: Sequence[str] | Tokens) -> TextFeatures:
        """Captions to text features on the model's device.

        Raises GanzooError for an empty caption, and for captions in words where the model reads only
        embeddings that come with its data.
        """
        tokens = captions if isinstance(captions, Tokens) else self._tokenize(captions)
        return cast(TextFeatures, self.text_encoder(tokens.to(self.device, self.dtype)))

    def _tokenize(self, captions: Sequence[str]) -> Tokens:
        empty = [i for i, caption in enumerate(captions) if not caption.strip()]
        if empty or not captions:
            where = f"caption {empty[0] + 1} of {len(captions)} is empty" if empty else "no caption was given"
            raise GanzooError(f"{where}; expected a sentence such as 'a small red circle'")
        encoder: Any = self.text_encoder
        return cast(Tokens, encoder.tokenize(list(captions)))

    def draw_epsilons(self, draws: Draws, rows: int, copies: int = 1) -> tuple[Tensor, ...]:
        """Every stage's epsilon, [copies x rows, e]; stages that share a conditioning share the draw."""
        widths = [c.epsilon for c in self.plan.conditionings]
        drawn = [torch.cat([draws.normal(rows, width) for _ in range(copies)]) for width in widths]
        return tuple(drawn[stage.conditioning] for stage in self.plan.stages)

    def synthesize(
        self,
        text: TextFeatures,
        noise: Tensor,
        epsilons: Sequence[Tensor] | None = None,
        layout: Layout | None = None,
        *,
        depth: int | None = None,
        frozen: Collection[int] = (),
    ) -> GeneratorOutput:
        """Run the generator's first `depth` stages (default: all) on given draws.

        `noise`: [n, z]; `epsilons`: one [n, e] a stage (default: zeros, the mean of a Gaussian code). Stages
        in `frozen` run without a graph. Returns every stage's output, conditions and the draws.
        """
        depth = len(self.stages) if depth is None else depth
        if epsilons is None:
            widths = [self.plan.conditionings[stage.conditioning].epsilon for stage in self.plan.stages]
            epsilons = tuple(noise.new_zeros(len(noise), width) for width in widths)
        made: dict[int, Condition] = {}
        outputs: list[StageOutput] = []
        conditions: list[Condition] = []
        for level in range(depth):
            with torch.no_grad() if level in frozen else nullcontext():
                index = self.plan.stages[level].conditioning
                if index not in made:
                    made[index] = self._condition(index, text, layout, epsilons[level])
                conditions.append(replace(made[index], layout=layout))
                previous = outputs[-1] if outputs else None
                outputs.append(self._run_stage[level](previous, conditions[-1], noise))
                layout = outputs[-1].layout or layout
        return GeneratorOutput(text, noise, tuple(epsilons[:depth]), tuple(conditions), tuple(outputs))

    def _condition(self, index: int, text: TextFeatures, layout: Layout | None, epsilon: Tensor) -> Condition:
        return cast(Condition, self.conditionings[index](text, layout, epsilon))

    def generate(
        self,
        captions: Sequence[str] | Tokens,
        seed: int | Sequence[int] = 0,
        *,
        layout: Layout | None = None,
        batch: int = 64,
    ) -> Tensor:
        """One finest picture a caption, [n, 3, r, r] in [-1, 1], drawn in evaluation mode.

        The same caption and seed give the same picture at any `batch` and in any company. `seed`: one for all
        captions, or one each.
        """
        return self.generate_stages(captions, seed, layout=layout, batch=batch)[-1]

    @torch.no_grad()
    def generate_stages(
        self,
        captions: Sequence[str] | Tokens,
        seed: int | Sequence[int] = 0,
        *,
        layout: Layout | None = None,
        batch: int = 64,
        depth: int | None = None,
    ) -> tuple[Tensor, ...]:
        """As `generate`, the pictures of the first `depth` stages (default: all), coarse to fine."""
        drawn = self._drawn(captions, seed, layout, batch, depth)
        return tuple(stage.image for stage in drawn)

    @torch.no_grad()
    def generate_attention(
        self,
        captions: Sequence[str] | Tokens,
        seed: int | Sequence[int] = 0,
        *,
        layout: Layout | None = None,
        batch: int = 64,
    ) -> tuple[StageOutput, ...]:
        """As `generate_stages`, each picture with its stage's attention to the words, where it has any.

        Raises GanzooError where no stage has.
        """
        if not any(stage.spec.attention for stage in self.plan.stages):
            names = ", ".join(entry.stage.use for entry in self.plan.recipe.stages)
            raise GanzooError(
                f"{self.plan.recipe.name} has no attention to show: none of its stages ({names}) looks at "
                "single words; `ganzoo list stages` says which do"
            )
        return self._drawn(captions, seed, layout, batch, None, attention=True)

    @torch.no_grad()
    def place(
        self,
        captions: Sequence[str] | Tokens,
        seed: int | Sequence[int] = 0,
        *,
        layout: Layout | None = None,
        batch: int = 64,
    ) -> Layout:
        """Keypoints of `captions`, each to be seen or not, as a stage draws them; those in `layout` stay.

        Raises GanzooError where no stage draws keypoints.
        """
        if not draws_keypoints(self.plan):
            raise GanzooError(
                f"{self.plan.recipe.name} draws no keypoints; a keypoint generator does, such as "
                "gawwn-keypoint-generator-shapes"
            )
        drawn = next(s.layout for s in reversed(self._drawn(captions, seed, layout, batch, None)) if s.layout)
        assert drawn.keypoints is not None, "a stage that draws keypoints gives them"
        seen = (drawn.keypoints[..., 2:] >= PRESENT).to(drawn.keypoints.dtype)
        return Layout(keypoints=torch.cat([drawn.keypoints[..., :2], torch.ones_like(seen)], -1) * seen)

    def _drawn(
        self,
        captions: Sequence[str] | Tokens,
        seed: int | Sequence[int],
        layout: Layout | None,
        batch: int,
        depth: int | None,
        *,
        attention: bool = False,
    ) -> tuple[StageOutput, ...]:
        """Every stage's pictures, made `batch` rows at a time; attention is kept where it is asked for."""
        rows = len(captions.ids) if isinstance(captions, Tokens) else len(captions)
        seeds = [seed] * rows if isinstance(seed, int) else list(seed)
        if len(seeds) != rows:
            raise GanzooError(
                f"generate was given {rows} captions and {len(seeds)} seeds; expected one seed each"
            )
        layout = checked(self.plan, layout, rows)
        parts = []
        with self.evaluating():
            text = self.encode(captions)
            for start in range(0, rows, batch):
                stages = self._drawn_rows(text, seeds, layout, slice(start, start + batch), depth)
                parts.append(
                    [replace(s, hidden=None, attention=s.attention if attention else None) for s in stages]
                )
        return tuple(_joined(level) for level in zip(*parts, strict=True))

    def _drawn_rows(
        self, text: TextFeatures, seeds: list[int], layout: Layout | None, rows: slice, depth: int | None
    ) -> tuple[StageOutput, ...]:
        draws = SampleDraws(seeds[rows], device=self.device, dtype=self.dtype)
        count = len(seeds[rows])
        noise, epsilons = draws.normal(count, self.plan.noise), self.draw_epsilons(draws, count)
        layout = layout.rows(rows).to(self.device, self.dtype) if layout else None
        return self.synthesize(text.rows(rows), noise, epsilons, layout, depth=depth).stages

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Evaluation mode inside this block, each module's own mode again afterwards."""
        modes = {module: module.training for module in self.modules()}
        self.eval()
        try:
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode


def _joined(parts: Sequence[StageOutput]) -> StageOutput:
    """One stage's outputs, row after row."""
    maps = [part.attention for part in parts if part.attention is not None]
    points = [p.layout.keypoints for p in parts if p.layout is not None and p.layout.keypoints is not None]
    return StageOutput(
        torch.cat([part.image for part in parts]),
        attention=torch.cat(maps) if maps else None,
        layout=Layout(keypoints=torch.cat(points)) if points else None,
    )


def _built(component: Any, *given: Any) -> nn.Module:
    """The component's module. What it raises in building is a fault of its plugin, and is said with its name.

    Errors of torch pass: they may say that there is no memory left.
    """
    try:
        return cast(nn.Module, component.build(*given))
    except (GanzooError, RuntimeError, MemoryError):
        raise
    except Exception as error:
        raise GanzooError(
            f"{component} is broken: its build() raised {type(error).__name__}: {error}; "
            "`ganzoo.testing.conformance` finds the place"
        ) from error
