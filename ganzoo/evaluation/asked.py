"""Metrics by the names that people give them: `fd`, `kid@inception`, `core/clip_score`, with options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ganzoo.components import Metric
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.metrics.backbones import INCEPTION
from ganzoo.misfits import made
from ganzoo.plan import Plan
from ganzoo.plugins import Registry

# Names that the field has for a metric with the Inception of 2015.
FAMILIAR = {"fid": "fd@inception", "fid_infinity": "fd_infinity@inception", "is": "inception_score@inception"}
USUAL = ("kid", "fd", "precision_recall", "density_coverage", "diversity")
SHAPES, OWN = "shapes_agreement", "damsm_r_precision"


@dataclass(frozen=True)
class Asked:
    """A metric and its full name."""

    use: str
    metric: Metric

    def called(self, number: str) -> str:
        """One of its numbers with the network: `fd@efficientnet-lite0`.

        Familiar names, such as `fid` and `kid`, belong to the Inception of 2015 alone.
        """
        familiar = {"fd": "fid", "fd_infinity": "fid_infinity"}
        if self.backbone == INCEPTION:
            return familiar.get(number, number)
        return f"{number}@{self.backbone}" if self.backbone else number

    @property
    def backbone(self) -> str:
        """The network that it looks with; "" = none."""
        return str(getattr(self.metric, "backbone", "")) if "backbone" in self.metric.requires() else ""

    def misfit(self, plan: Plan) -> str:
        """Why it cannot measure such a model; "" = it can."""
        if "image_encoder" in self.metric.requires() and not _own_encoders(plan):
            return (
                f"metric {self.use} grades with the model's own text and image encoder, but "
                f"{plan.recipe.name} has none that see in one space; leave it out, or take clip_score"
            )
        data = plan.recipe.data.use if plan.recipe.data else "nothing"
        if self.metric.judges_only not in ("", data):
            return f"metric {self.use} reads captions of {self.metric.judges_only} only, not those of {data}"
        return ""


def asked(names: Iterable[str | Mapping[str, Any]], registry: Registry) -> list[Asked]:
    """The metrics of `names`, each as `NAME`, `NAME@BACKBONE`, or a mapping {"use": NAME, option: value}.

    NAME may leave out the plugin's prefix where only one plugin has such a metric. Raises GanzooError for
    an unknown name or option, and for one metric twice.
    """
    found: list[Asked] = []
    for name in names:
        options = dict(name) if isinstance(name, Mapping) else {"use": name}
        options = _named(str(options.pop("use", ""))) | options
        metric = _metric(options.pop("use"), options, registry)
        if metric in found:
            raise GanzooError(f"metric {metric.use} is asked for twice with the same options; once is enough")
        found.append(metric)
    if not found:
        raise GanzooError(f"no metric is asked for; there is {', '.join(registry.components('metrics'))}")
    return found


def usual(plans: Sequence[Plan], registry: Registry) -> list[Asked]:
    """What is measured where nothing is asked for: quality, variety, and what data or models know of."""
    special = [one for one in asked((SHAPES, OWN), registry) if any(not one.misfit(plan) for plan in plans)]
    return [*asked(USUAL, registry), *special]


def _own_encoders(plan: Plan) -> bool:
    """Whether the model has a text and an image encoder of one space."""
    return plan.image is not None and plan.image.yields().vector == plan.text_spec.sentence


def _named(name: str) -> dict[str, Any]:
    use, at, backbone = FAMILIAR.get(name, name).partition("@")
    if at and not backbone:
        raise GanzooError(
            f"metric `{name}` names no backbone behind @; expected NAME@BACKBONE, as in fd@inception"
        )
    return {"use": use, "backbone": backbone} if at else {"use": use}


def _metric(name: str, options: dict[str, Any], registry: Registry) -> Asked:
    known = registry.components("metrics")
    full = [use for use in known if name in (use, use.split("/", 1)[1])]
    if len(full) > 1:
        raise GanzooError(
            f"metric `{name}` is offered by several plugins: {', '.join(full)}; name one of these"
        )
    if not full:
        short = [use.split("/", 1)[1] for use in known]
        hint = did_you_mean(name, [*known, *short, *FAMILIAR])
        raise GanzooError(f"no metric `{name}`{hint}; there is {', '.join([*short, *FAMILIAR])}")
    return Asked(full[0], cast(Metric, made(registry, "metrics", full[0], options)))
