"""Structured logs and metrics: each is one line of JSON on standard output.

Metrics use the CloudWatch embedded metric format, so they need no call (Amazon CloudWatch User Guide,
"Specification: Embedded metric format").
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partialmethod

from healthy_mailing.settings import LOG_LEVELS

NAMESPACE = "HealthyMailing"

Print = Callable[[str], object]


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


class Log:
    """Writes log lines. Names and ids are fields; addresses are always masked (see ``address.masked``)."""

    def __init__(self, level: str = "INFO", write: Print = _print) -> None:
        """Write lines of a level (one of ``LOG_LEVELS``) and above through ``write``."""
        self._lowest = LOG_LEVELS.index(level)
        self._write = write
        self._request_id = ""

    def bind(self, request_id: str) -> None:
        """Put the id of the invocation on every line from now on."""
        self._request_id = request_id

    def _line(self, level: str, message: str, **fields: object) -> None:
        if LOG_LEVELS.index(level) >= self._lowest:
            self._write(json.dumps({"level": level, "message": message, "requestId": self._request_id, **fields}))

    debug = partialmethod(_line, "DEBUG")  # a detail
    info = partialmethod(_line, "INFO")  # something worth knowing
    warning = partialmethod(_line, "WARNING")  # a problem that will not go away by itself, but stopped nothing
    error = partialmethod(_line, "ERROR")  # something that failed


class Metrics:
    """Counts of one invocation, written as one line. ``docs/reference.md`` says what each name counts."""

    def __init__(self, function_name: str, write: Print = _print) -> None:
        """Count for a function. Its name becomes the metrics' dimension."""
        self._function_name = function_name
        self._write = write
        self._counts: Counter[str] = Counter()

    def add(self, name: str, count: int = 1) -> None:
        """Add to a count."""
        self._counts[name] += count

    def flush(self) -> None:
        """Write the counts, if there are any, and start over."""
        counts = {name: count for name, count in sorted(self._counts.items()) if count}
        self._counts.clear()
        if counts:
            definition = {
                "Namespace": NAMESPACE,
                "Dimensions": [["FunctionName"]],
                "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
            }
            metadata = {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [definition]}
            self._write(json.dumps({"_aws": metadata, "FunctionName": self._function_name, **counts}))
