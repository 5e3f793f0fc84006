"""LocalStack's index of AWS's APIs, kept in the virtual environment.

    python -P -m harness.emulators.localstack_plugins.catalog

builds it, once. Without it LocalStack 4.14.0 reads all of botocore's descriptions at the first request of every run:
4 seconds, 400 MB.
"""

import sys
from pathlib import Path

from localstack import config

_FOLDER = Path(sys.prefix) / "localstack"


def use() -> None:
    """Let LocalStack find it. Before the first request."""
    config.dirs.static_libs = str(_FOLDER)


def main() -> None:
    """Build it."""
    from localstack.aws import spec  # reads much

    _FOLDER.mkdir(exist_ok=True)
    use()
    spec.main()


if __name__ == "__main__":
    main()
