"""How to train, apart from what the recipe says: seed, data folder, device, precision, how often to save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ganzoo.errors import GanzooError, did_you_mean

COUNTS = ("seed", "log_every", "sample_every", "save_every", "keep")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a run; they are kept in its `run.json`.

    `data`: the data folder. `device`: auto, cpu or cuda. `precision`: auto (bf16 on a GPU, else fp32), fp32,
    bf16, fp16 or fp64. `channels_last` None = on a GPU only. `log_every`, `sample_every`, `save_every` count
    steps; 0 = never. `keep`: so many of the newest checkpoints stay, and the best where metrics are measured;
    0 = all. `trackers`: names that accelerate knows, such as tensorboard. `encoders`: the run whose trained
    encoders it begins with.
    """

    data: str | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    compile: bool = False
    channels_last: bool | None = None
    keep_large_blocks: bool = True
    skip_broken: bool = False
    log_every: int = 50
    sample_every: int = 500
    save_every: int = 1000
    keep: int = 2
    trackers: tuple[str, ...] = ()
    encoders: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """Settings by name; what is not given, or None, has its default.

        Raises GanzooError for an unknown name, a value of the wrong type, a negative number.
        """
        from pydantic import TypeAdapter, ValidationError

        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                hint = did_you_mean(name, known) or f"; there is {', '.join(known)}"
                raise GanzooError(f"training has no setting `{name}`{hint}")
        try:
            settings = TypeAdapter(cls).validate_python({k: v for k, v in given.items() if v is not None})
        except ValidationError as error:
            problem = error.errors()[0]
            name = ".".join(str(part) for part in problem["loc"])
            wanted = str(problem["msg"]).removeprefix("Input should be ")
            raise GanzooError(f"setting `{name}` should be {wanted}; got {problem['input']!r}") from error
        for name in COUNTS:
            if not 0 <= getattr(settings, name) < 2**63:
                wanted = "0 or more" if getattr(settings, name) < 0 else "below 2^63"
                raise GanzooError(f"setting `{name}` should be {wanted}; got {getattr(settings, name)}")
        return settings
