"""The policies that docs/operate.md gives, and the bucket that it speaks of."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from harness import paths

RUNBOOK = (paths.ROOT / "docs" / "operate.md").read_text()
BUCKET = "my-bucket"
PLACE = f"s3://{BUCKET}/mailing"

Statements = list[dict[str, Any]]


def policies(own: Mapping[str, str]) -> tuple[Statements, Statements, Statements]:
    """Return the statements of who looks, of what an operator needs too, and of the bucket for import jobs.

    ``own`` has what takes the place of the runbook's names.
    """
    text = re.sub("|".join(own), lambda match: own[match[0]], RUNBOOK)
    read, operate, bucket = (
        json.loads(block)["Statement"] for block in re.findall(r"```json\n(.+?)```", text, re.DOTALL)
    )
    return read, operate, bucket


@contextmanager
def bucket_for_jobs(s3: Any) -> Iterator[None]:
    """Make the bucket, with the runbook's policy, for a ``with`` block."""
    s3.create_bucket(Bucket=BUCKET)
    *_, statements = policies({"123456789012": "000000000000"})
    policy = {"Version": "2012-10-17", "Statement": statements}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    try:
        yield
    finally:
        for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            s3.delete_object(Bucket=BUCKET, Key=each["Key"])
        s3.delete_bucket(Bucket=BUCKET)
