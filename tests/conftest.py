"""What all tests share: 64-bit numbers, Hypothesis without deadlines, and the study, loaded once."""

from __future__ import annotations

import jax
import pytest
from hypothesis import HealthCheck, settings

from outbid.compiled import prepare
from outbid.study import Study, load_study

jax.config.update("jax_enable_x64", True)
# Most of the time goes into compiling: what one worker has compiled, no other and no later run compiles again.
prepare()
# The first example of a law may have to wait for a compiler: no deadline, and that is not called slow.
settings.register_profile(
    "outbid", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("outbid")


@pytest.fixture(scope="session")
def khorasan() -> Study:
    """The shipped study of the Taliban against Islamic State-Khorasan."""
    return load_study("khorasan")
