"""How Hypothesis searches: the same examples each time in CI, new ones on a desk; ``--hypothesis-profile thorough``."""

import os

from hypothesis import settings

# No deadline: on a busy machine it would fail tests of code that is not slow.
settings.register_profile("quick", deadline=None, derandomize="CI" in os.environ)
settings.register_profile("thorough", deadline=None, max_examples=5000)
settings.load_profile("quick")
