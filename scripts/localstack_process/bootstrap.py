"""What runs inside a worker process: a handler under AWS's runtime interface client, for as long as LocalStack lives.

    python -P bootstrap.py LIFELINE HANDLER

LIFELINE is the file descriptor of a pipe whose other end LocalStack holds open and never writes to. Reading it returns
when LocalStack is gone, even by ``kill -9``; then the worker ends, with all that the handler started. (Linux's
parent-death signal would not do: it goes by the thread that started the process, and LocalStack's come and go.)
"""

import os
import signal
import sys
from threading import Thread

from awslambdaric import __main__ as runtime


def main() -> None:
    """Serve invocations; never returns."""
    lifeline, handler = int(sys.argv[1]), sys.argv[2]
    os.set_inheritable(lifeline, False)  # noqa: FBT003  (it takes no keyword)
    Thread(target=_end_with_localstack, args=(lifeline,), daemon=True).start()
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    runtime.main(["bootstrap", handler])


def _end_with_localstack(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
