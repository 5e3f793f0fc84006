"""How time and memory grow with the number of notifications, for this project's handler alone.

    python -m bench.growth NOTIFICATIONS

Runs in a process of its own and prints JSON. DynamoDB is replaced within the process by a client that answers at once
and keeps nothing, so that only what the project itself does and holds is measured.
"""

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import feedback
from bench import mixes, processes

BATCH = 1_000
_FIRST = 1_000


class _EmptyTable:
    """A client whose table is empty and stays so."""

    exceptions = feedback.client.exceptions

    def batch_get_item(self, **_: Any) -> dict[str, Any]:
        return {"Responses": {}, "UnprocessedKeys": {}}

    def batch_execute_statement(self, *, Statements: list[Any]) -> dict[str, Any]:  # noqa: N803  (botocore's name)
        return {"Responses": [{} for _ in Statements]}


def main() -> None:
    """Handle notifications in batches; after 1,000, 10,000, … note the time of the last part and memory."""
    total = int(sys.argv[1])
    context = SimpleNamespace(aws_request_id="bench", get_remaining_time_in_millis=lambda: 600_000)
    feedback.table.client = _EmptyTable()  # type: ignore[assignment]  # what it calls is there
    points = []
    seconds, part, checkpoint = 0.0, 0, _FIRST
    for done in range(0, total, BATCH):
        (event,) = processes.events(list(mixes.deliveries(done, BATCH)), BATCH)
        start = time.process_time()
        feedback.handler(json.loads(event), context)
        seconds += time.process_time() - start
        part += BATCH
        if done + BATCH in {checkpoint, total}:
            points.append({"notifications": done + BATCH, "µs": seconds * 1e6 / part, "MB": _resident() / 1e6})
            seconds, part, checkpoint = 0.0, 0, checkpoint * 10
    sys.stderr.write(json.dumps(points))


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


if __name__ == "__main__":
    main()
