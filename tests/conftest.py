"""How Hypothesis searches, which tests share a process, and which begin first.

Each run tries the same examples of a property, here as in CI: a change that breaks nothing is green for everyone. What
looks for new ones is ``make search``, a part of ``make test-all``.
"""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support import botocore_models

botocore_models.share()

# A shell starts what it runs in the background with SIGINT ignored, and every process that a test starts and interrupts
# would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# So that a failure there shows the difference, as in a test.
pytest.register_assert_rewrite("support.eventually")

# No deadline, for an example or for making one: on a busy machine it would fail tests of code that is not slow.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
untimed = settings.get_profile("untimed")
settings.register_profile("same", untimed, derandomize=True)
wanted = int(os.environ.get("SEARCH_EXAMPLES", "500"))
# Said, since Hypothesis' own default is another where CI is set.
settings.register_profile("search", untimed, max_examples=wanted, print_blob=True, derandomize=False)
settings.load_profile("same")

# Tests in these folders share what takes long to start, so each folder's run in one process (see ``xdist_group``); each
# file of those in ``FILES`` has an emulator or a stack of its own.
FOLDERS = {
    "e2e": "e2e",
    "faults": "faults",
    "soak": "faults",
    "localstack_docker": "localstack_docker",
    "localstack_plugins": "localstack_process",
}
FILES = ("integration/commands", "lifecycle")
# The groups of tests that take longest, and mostly wait: begun first, they end before the others.
LONGEST = (
    "e2e",
    "test_sync_ses",
    "test_doctor",
    "terraform",
    "terraform-policies",
    "test_command_line",
    # of `make rest`
    "test_changes",
    "encrypted",
    "test_deployer",
    "faults",
    "upgrade first root",
    "test_complete_example",
    "test_around",
    "upgrade before modules function and topic",
    "test_from_git",
    "leaving protected",
    "test_adopt",
)
# The runbook puts on SES's list, one a second, what other tests have let bounce.
FIRST_OF_THEIR_GROUP = ("test_runbook.py",)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the order below; by itself xdist begins with the groups of most tests."""
    config.option.loadscopereorder = False


def pytest_itemcollected(item: pytest.Item) -> None:
    """Put each test into its folder's group. xdist reads the groups after collection."""
    if item.get_closest_marker("xdist_group"):
        return
    path = item.path.relative_to(Path(__file__).parent)
    group = path.stem if str(path.parent) in FILES else FOLDERS.get(path.parts[0])
    if group:
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(trylast=True)  # once every test has its group
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest groups first; the order is otherwise as it was."""

    def place(item: pytest.Item) -> tuple[int, bool]:
        mark = item.get_closest_marker("xdist_group")
        group = mark.args[0] if mark else ""
        return LONGEST.index(group) if group in LONGEST else len(LONGEST), item.path.name not in FIRST_OF_THEIR_GROUP

    items.sort(key=place)
