"""How fast models are: a pytest-benchmark suite over recipes and metrics, run in a process of its own.

`runner` starts it and reads what it says; `suite` holds the benchmarks, `subject` what they time, `drawn` the
pictures they time it with, `harness` is the suite's pytest plugin.
"""

from ganzoo.bench.speed.job import Outcome as Outcome
from ganzoo.bench.speed.runner import Speed as Speed
from ganzoo.bench.speed.runner import run as run
