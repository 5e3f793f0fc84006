"""What runs inside a worker process: a handler under AWS's runtime interface client, for as long as LocalStack lives.

    python -P bootstrap.py HANDLER

When LocalStack is gone, it ends with all that the handler started.
"""

import os
import signal
import sys

from awslambdaric import __main__ as runtime

from harness import lifeline


def main() -> None:
    """Serve invocations; never returns."""
    lifeline.watch(lambda: os.killpg(0, signal.SIGKILL))
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    runtime.main(["bootstrap", sys.argv[1]])


if __name__ == "__main__":
    main()
