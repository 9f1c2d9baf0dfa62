"""How many examples are tried: few in every run, as many as one likes with ``SEGUE_FUZZ_EXAMPLES``.

A failure prints the example and what reproduces it; ``--hypothesis-seed`` repeats a whole run.
"""

from __future__ import annotations

import os
from datetime import timedelta

from hypothesis import HealthCheck, settings

# Time is bounded to find what hangs, with room for a machine that is busy with other things.
settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("SEGUE_FUZZ_EXAMPLES", "200")),
    deadline=timedelta(seconds=10),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    print_blob=True,
)
settings.load_profile("fuzz")
