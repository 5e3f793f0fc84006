"""How Hypothesis searches: the same examples each time in CI, new ones on a desk; ``--hypothesis-profile thorough``."""

import os

import pytest
from hypothesis import HealthCheck, settings

# So that a failure there shows the difference, as in a test.
pytest.register_assert_rewrite("support.eventually")

# No deadline, for an example or for making one: on a busy machine it would fail tests of code that is not slow.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
untimed = settings.get_profile("untimed")
settings.register_profile("quick", untimed, derandomize="CI" in os.environ)
settings.register_profile("thorough", untimed, max_examples=5000)
settings.load_profile("quick")
