"""How many examples hypothesis draws: the same few each time, or with `CHAINRULE_SOAK=1` many new ones."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ordinary",
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "soak", settings.get_profile("ordinary"), max_examples=1000, derandomize=False
)
settings.load_profile("soak" if os.environ.get("CHAINRULE_SOAK") == "1" else "ordinary")
