"""Lambda's part, in a process that ``function.py`` starts: import the zip's handler, say so, answer events."""

import importlib
import json
import os
import sys
import time
import uuid
from types import SimpleNamespace

READY = "ready"


def main() -> None:
    """Serve events from standard input; answers go to standard output, what the function prints to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    handler = importlib.import_module(os.environ["HANDLER"]).handler
    answers.write(f"{READY}\n")
    answers.flush()
    for line in sys.stdin:
        request = json.loads(line)
        end = time.monotonic() + request["timeout"]
        context = SimpleNamespace(
            aws_request_id=str(uuid.uuid4()),
            get_remaining_time_in_millis=lambda end=end: max(0, round(1000 * (end - time.monotonic()))),
        )
        try:
            answer = {"answer": handler(request["event"], context)}
        except Exception as error:  # noqa: BLE001  (as Lambda does: any error is the invocation's)
            answer = {"error": type(error).__name__, "message": str(error)}
        sys.stdout.flush()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
