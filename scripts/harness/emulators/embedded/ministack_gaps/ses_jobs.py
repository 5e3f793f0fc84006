"""SES's import jobs for the account's suppression list, which ministack 1.5.33 lacks.

As the Amazon SES API v2 Reference (CreateImportJob, GetImportJob) and the Developer Guide ("Adding email addresses in
bulk to your account-level suppression list") describe them. A job takes a moment. How SES writes records that failed,
it does not say.
"""

import asyncio
import json
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3
from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import s3, ses

_MOST = {"PUT": 100_000, "DELETE": 10_000}
_AT_ONCE = 20
_SECONDS = 2.0
"""How long a job takes."""
_PRINCIPAL = "ses.amazonaws.com"
_FAILED = "harness-ses-failed-records"

_jobs = AccountRegionScopedDict()
"""By id, what GetImportJob answers."""

Apply = Callable[[str, Mapping[str, Any]], str]
"""Puts an address on the list, or takes it off, by the action and a record; returns what is wrong, or nothing."""


class RefusedError(Exception):
    """Why there can be no such job: the code and the message of the error."""


def create(data: Mapping[str, Any], apply: Apply) -> str:
    """Begin a job, and return its id.

    Raises:
        RefusedError: It asks for what is unknown here, or too many jobs run.
    """
    action = data.get("ImportDestination", {}).get("SuppressionListDestination", {}).get("SuppressionListImportAction")
    source = data.get("ImportDataSource", {})
    url, form = source.get("S3Url", ""), source.get("DataFormat")
    if action not in _MOST or form not in {"CSV", "JSON"} or not url.startswith("s3://"):
        raise RefusedError("BadRequestException", "This emulator knows import jobs for the suppression list alone.")
    if sum(job["JobStatus"] in {"CREATED", "PROCESSING"} for job in _jobs.values()) >= _AT_ONCE:
        raise RefusedError("LimitExceededException", f"At most {_AT_ONCE} import jobs run at a time.")
    job_id = str(uuid.uuid4())
    _jobs[job_id] = {
        "JobId": job_id,
        "ImportDestination": data["ImportDestination"],
        "ImportDataSource": source,
        "JobStatus": "CREATED",
        "CreatedTimestamp": time.time(),
        "ProcessedRecordsCount": 0,
        "FailedRecordsCount": 0,
    }
    # The context, and with it the account, is the caller's.
    asyncio.get_running_loop().call_later(_SECONDS, _run, _jobs[job_id], action, apply)
    return job_id


def get(job_id: str) -> Mapping[str, Any] | None:
    """Return what is known of a job, None if there is none."""
    found: Mapping[str, Any] | None = _jobs.get(job_id)
    return found


def _run(job: dict[str, Any], action: str, apply: Apply) -> None:
    bucket, _, key = job["ImportDataSource"]["S3Url"].removeprefix("s3://").partition("/")
    body = s3._get_object_data(bucket, key) if _may_read(bucket, key) else None
    lines = [] if body is None else [line for line in body.decode(errors="replace").splitlines() if line.strip()]
    problem = ""
    if body is None:
        problem = f"Access to s3://{bucket}/{key} is denied."
    elif len(lines) > _MOST[action]:
        problem = f"The object holds more than {_MOST[action]} addresses."
    failed = []
    for line in [] if problem else lines:
        wrong = apply(action, _record(line, job["ImportDataSource"]["DataFormat"]))
        if wrong:
            failed.append(f"{line} {wrong}")
    job["CompletedTimestamp"] = time.time()
    job["JobStatus"] = "FAILED" if problem else "COMPLETED"
    if problem:
        job["FailureInfo"] = {"ErrorMessage": problem}
        return
    job["ProcessedRecordsCount"], job["FailedRecordsCount"] = len(lines), len(failed)
    if failed:
        job["FailureInfo"] = {"FailedRecordsS3Url": _kept(job["JobId"], failed)}


def _record(line: str, form: str) -> Mapping[str, Any]:
    if form == "CSV":
        address, _, reason = line.rpartition(",") if "," in line else (line, "", "")
        return {"emailAddress": address, "reason": reason}
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _may_read(bucket: str, key: str) -> bool:
    """Return whether the bucket's policy lets SES read an object on behalf of the account."""
    arn, account = f"arn:aws:s3:::{bucket}/{key}", ses.get_account_id()
    found = s3.bucket_policy_for_arn(arn)
    if found is None:
        return False
    context = EvalContext(
        principal_arn=_PRINCIPAL,
        principal_type="Service",
        principal_account=account,
        action="s3:GetObject",
        resource_arn=arn,
        region="",
        service_context={"aws:referer": account, "aws:sourceaccount": account},
    )
    return bool(evaluate_resource_policy(found[0], context, service=_PRINCIPAL).decision == "Allow")


def _kept(job_id: str, failed: Sequence[str]) -> str:
    """Keep the records that failed in a bucket, and return a URL by which anyone may read them for a while."""
    s3._create_bucket(_FAILED, b"", {})
    s3._put_object(_FAILED, job_id, "\n".join(failed).encode(), {})
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106  (ministack's own)
    )
    return str(client.generate_presigned_url("get_object", Params={"Bucket": _FAILED, "Key": job_id}, ExpiresIn=3600))
