"""What the measured units cost in US dollars, by the price table in ``prices.json``."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PRICES: Mapping[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text())

VCPU_MEGABYTES = 1_769
"""The memory at which a function has one vCPU (AWS Lambda Developer Guide, "Configure function memory")."""

MEMORY = (128, 256, 512, VCPU_MEGABYTES)
"""The sizes of which a contender gets its cheapest."""

DEFAULT_MEGABYTES = 512
"""The memory of module feedback's function."""

CHANGES_MEGABYTES = 256
"""The memory of module changes' function."""

_MARGIN = 1.3  # of a size over the peak memory that was measured
_MILLION = 1_000  # thousands
_WAITING = "5 ms"  # the answers with which billed time was measured


def for_a_million(entry: Mapping[str, Any], *, queue: bool, sizes: Sequence[int] = MEMORY) -> dict[str, float]:
    """Return dollars for a million notifications by service, and the memory size that makes Lambda cheapest.

    A function's CPU grows with its memory: billed time at another size than was measured is time spent waiting, as
    measured, and CPU time, stretched.
    """
    dollars, assumed = PRICES["dollars"], PRICES["assumed"]
    invocations = entry["invocations per 1,000"] * _MILLION
    billed, cpu = (entry[_WAITING][f"{each} ms per 1,000"] for each in ("billed", "cpu"))
    by_size = {
        size: (billed + cpu * (VCPU_MEGABYTES / size - 1)) * size / 1024 * dollars["lambda_gigabyte_second_arm64"]
        for size in sizes
        if size >= _MARGIN * entry["peak megabytes"] or size == sizes[-1]
    }
    size = min(by_size, key=lambda each: by_size[each])
    log_bytes = entry["log bytes per 1,000"] * _MILLION + invocations * assumed["lambda_log_bytes_an_invocation"]
    parts = {
        "Lambda time": by_size[size],
        "Lambda requests": invocations / 1e6 * dollars["lambda_requests_million"],
        "table writes": entry["write units per 1,000"] * _MILLION / 1e6 * dollars["dynamodb_write_units_million"],
        "index writes": entry["index write units per 1,000"] * _MILLION / 1e6 * dollars["dynamodb_write_units_million"],
        "reads": entry["read units per 1,000"] * _MILLION / 1e6 * dollars["dynamodb_read_units_million"],
        "SNS": dollars["sns_published_million"] + dollars["sns_delivered_to_lambda_or_sqs_million"],
        "SQS": assumed["sqs_requests_a_message"] * dollars["sqs_requests_million"] if queue else 0.0,
        "logs": log_bytes / 1e9 * dollars["log_gigabytes"],
    }
    return parts | {"sum": sum(parts.values()), "megabytes": size}


def for_a_month(entry: Mapping[str, Any], mails: int) -> dict[str, float]:
    """Return dollars of a month by service, as ``docs/cost.md`` has them.

    Each of the mails goes to another address, and the addresses are kept. Feedback comes in every hour of the month, in
    full batches from the queue.
    """
    dollars, assumed = PRICES["dollars"], PRICES["assumed"]
    million = for_a_million(entry, queue=True, sizes=[DEFAULT_MEGABYTES])
    gigabytes = mails * assumed["stored_bytes_an_address"] / 1e9
    parts = {name: million[name] * mails / 1e6 for name in million if name not in {"sum", "megabytes"}}
    parts |= {
        "polling": assumed["sqs_polls_a_month"] / 1e6 * dollars["sqs_requests_million"],
        "storage": gigabytes * dollars["dynamodb_stored_gigabyte_month"],
        "recovery": gigabytes * dollars["dynamodb_recovery_gigabyte_month"],
        "metrics": assumed["custom_metrics"] * dollars["custom_metric_month"],
    }
    return parts | {"sum": sum(parts.values())}


def of_changes(us: float, *, events: bool, size: int) -> dict[str, float]:
    """Return dollars for a million records of a table's stream by service, ``size`` of them in a call.

    Args:
        us: CPU time a record.
        events: Whether each record becomes an event; each request to EventBridge, of ten, is waited for.
        size: Records.
    """
    dollars, assumed = PRICES["dollars"], PRICES["assumed"]
    requests = 1e6 / min(size, 10) if events else 0
    seconds = us * VCPU_MEGABYTES / CHANGES_MEGABYTES + requests * assumed["eventbridge_answer_seconds"]
    log_bytes = assumed["lambda_log_bytes_an_invocation"] + events * assumed["changes_log_bytes_an_invocation"]
    parts = {
        "EventBridge": events * dollars["eventbridge_events_million"],
        "Lambda time": seconds * CHANGES_MEGABYTES / 1024 * dollars["lambda_gigabyte_second_arm64"],
        "Lambda requests": dollars["lambda_requests_million"] / size,
        "logs": 1e6 / size * log_bytes / 1e9 * dollars["log_gigabytes"],
    }
    return parts | {"sum": sum(parts.values())}
