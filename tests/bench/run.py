"""Measure the function: cold start against bare boto3, and CPU time per 1,000 notifications.

    make bench

Everything is measured alternately in one run; what counts are the ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
COLD_START_GOAL = 1.35
BATCH = 1000

COLD_STARTS = {
    "bare boto3": 'import boto3; boto3.client("dynamodb")',
    "feedback.handler": "import feedback",
}

# Runs in a process of its own; prints its CPU seconds for the batches alone, after one to warm up.
BATCHES = """
import json, sys, time
sys.path.insert(0, {here!r})
import run
print(json.dumps(run.{contender}({batches})))
"""


def environment(endpoint_url: str | None = None) -> dict[str, str]:
    """Return the environment of Lambda as far as it matters, with the packaged zip on the path."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    lambda_like = {
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "TABLE_NAME": "mailing",
        "LOG_LEVEL": "WARNING",
        # Python does not keep compiled files of a zip, nor does Lambda of what it unpacks.
        "PYTHONPATH": str(ROOT / "build" / "healthy-mailing.zip"),
    }
    return kept | lambda_like | ({"AWS_ENDPOINT_URL": endpoint_url} if endpoint_url else {})


def cold_starts(rounds: int) -> dict[str, list[float]]:
    """Return the seconds that each contender's process took from start to end, round by round."""
    seconds: dict[str, list[float]] = {name: [] for name in COLD_STARTS}
    for _ in range(rounds):
        for name, program in COLD_STARTS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], env=environment(), check=True)
            seconds[name].append(time.perf_counter() - start)
    return seconds


def deliveries(batch: int) -> list[str]:
    """Return one batch of notifications, each of a delivery to an address of its own."""
    return [
        json.dumps(
            {
                "notificationType": "Delivery",
                "mail": {
                    "timestamp": "2026-03-01T12:00:00.000Z",
                    "messageId": f"0102018{batch:06d}{number:06d}-7a5433e7-8edb-42ae-af10-f0181f34d6ee-000000",
                    "source": "news@example.com",
                    "sourceArn": "arn:aws:ses:eu-west-1:123456789012:identity/example.com",
                    "sendingAccountId": "123456789012",
                    "destination": [f"reader-{batch}-{number}@example.com"],
                },
                "delivery": {
                    "timestamp": "2026-03-01T12:00:02.000Z",
                    "processingTimeMillis": 2000,
                    "recipients": [f"reader-{batch}-{number}@example.com"],
                    "smtpResponse": "250 2.6.0 Message received",
                    "reportingMTA": "a8-70.smtp-out.amazonses.com",
                },
            }
        )
        for number in range(BATCH)
    ]


def feedback_handler(batches: int) -> float:
    """Return the CPU seconds of the handler for so many batches from SQS."""
    import feedback  # noqa: PLC0415  (its import reads the environment of the measured process)

    context = SimpleNamespace(aws_request_id="bench", get_remaining_time_in_millis=lambda: 60_000)

    def invoke(batch: int) -> float:
        records = [
            {"eventSource": "aws:sqs", "messageId": str(number), "body": body}
            for number, body in enumerate(deliveries(batch))
        ]
        start = time.process_time()
        result = feedback.handler({"Records": records}, context)
        taken = time.process_time() - start
        if result["batchItemFailures"]:
            raise RuntimeError("the stand-in refused a write")
        return taken

    invoke(0)
    return sum(invoke(batch) for batch in range(1, batches + 1))


def bare_requests(batches: int) -> float:
    """Return the CPU seconds of bare boto3 for the least that such batches need: JSON read, the same requests."""
    import boto3  # noqa: PLC0415  (as above)

    client = boto3.client("dynamodb")

    def send(batch: int) -> float:
        bodies = deliveries(batch)
        start = time.process_time()
        messages: list[Mapping[str, Any]] = [json.loads(body) for body in bodies]
        keys = [{"UserId": {"S": message["delivery"]["recipients"][0]}} for message in messages]
        for first in range(0, BATCH, 100):
            client.batch_get_item(RequestItems={"mailing": {"Keys": keys[first : first + 100]}})
        for key, message in zip(keys, messages, strict=True):
            client.update_item(
                TableName="mailing",
                Key=key,
                UpdateExpression="SET #state = :state, #at = :at",
                ExpressionAttributeNames={"#state": "state", "#at": "timestamp"},
                ExpressionAttributeValues={":state": {"S": "enable"}, ":at": {"S": message["mail"]["timestamp"]}},
            )
        return time.process_time() - start

    send(0)
    return sum(send(batch) for batch in range(1, batches + 1))


@contextmanager
def stand_in() -> Iterator[str]:
    """Run DynamoDB's stand-in and yield its endpoint."""
    program = [sys.executable, str(Path(__file__).with_name("stand_in.py"))]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("the stand-in has no pipes")
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.stdin.close()


def cpu_seconds(contender: str, batches: int, endpoint_url: str) -> float:
    """Return the CPU seconds per batch of a contender, measured in a process of its own."""
    program = BATCHES.format(here=str(Path(__file__).parent), contender=contender, batches=batches)
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment(endpoint_url), check=True, stdout=subprocess.PIPE, text=True
    )
    return float(result.stdout.splitlines()[-1]) / batches


def main() -> int:
    """Print the figures; fail if the cold start misses its goal."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=15, help="cold starts of each contender (default 15)")
    arguments.add_argument("--batches", type=int, default=5, help="batches of 1,000 notifications (default 5)")
    options = arguments.parse_args()

    seconds = cold_starts(options.rounds)
    print(f"Cold start: Python's start to a client that is ready, {options.rounds} rounds")
    base = statistics.median(seconds["bare boto3"])
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"  {name:<18} median {median * 1000:5.0f} ms   {median / base:4.2f} x")
    ratio = statistics.median(seconds["feedback.handler"]) / base

    print(f"\nCPU per 1,000 notifications: deliveries to as many addresses, batches of {BATCH:,}, answers after 0 ms")
    with stand_in() as endpoint_url:
        bare = cpu_seconds("bare_requests", options.batches, endpoint_url)
        ours = cpu_seconds("feedback_handler", options.batches, endpoint_url)
    print(f"  {'bare boto3':<18} {bare * 1000:5.0f} ms   1.00 x   the same JSON read, the same requests, one by one")
    print(f"  {'feedback.handler':<18} {ours * 1000:5.0f} ms   {ours / bare:4.2f} x")

    if ratio > COLD_START_GOAL:
        print(f"\nCold start is {ratio:.2f} x bare boto3's; the goal is at most {COLD_START_GOAL} x")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
