"""`mailing publish` asks before it publishes to AWS itself."""

import pytest

from support.command_line import Mailing, Ran

KEYS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-west-1"}
# Nothing can be reached: what does not ask fails at the first call.
OFFLINE = {**KEYS, "HTTPS_PROXY": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
TOPIC = "arn:aws:sns:eu-west-1:123456789012:mailing-feedback"
MAILING = Mailing(OFFLINE | {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "mailing")
QUESTION = "Publish to mailing-feedback at AWS, where it counts as true (Complaint: angry@example.com)?"


def publish(*options: str) -> Ran:
    return MAILING("publish", "complaint-abuse", "--topic", TOPIC, *options)


def test_without_a_terminal_it_needs_to_be_told() -> None:
    ran = publish()
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {QUESTION}")
    assert "--yes" in ran.err
    assert publish("--dry-run").code == 0
    reached = publish("--yes")
    assert (reached.code, QUESTION in reached.err) == (2, False)
    assert "127.0.0.1:9" in reached.err or "can't be reached" in reached.err


def test_at_a_terminal_no_is_the_default() -> None:
    for answer in ("n\n", "\n"):
        asked = MAILING.at_a_terminal("publish", "complaint-abuse", "--topic", TOPIC, answer=answer, width=200)
        assert (asked.code, QUESTION in asked.out) == (1, True), asked


AT_AWS: list[tuple[dict[str, str], str]] = [
    ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, ""),
    ({"AWS_REGION": "us-iso-east-1"}, ""),
    ({"AWS_REGION": "eusc-de-east-1"}, ""),
    ({}, "https://vpce-1-2.sns.eu-west-1.vpce.amazonaws.com"),
]


@pytest.mark.parametrize(("environment", "url"), AT_AWS)
def test_aws_is_asked_about_in_every_partition_and_behind_every_endpoint(environment: dict[str, str], url: str) -> None:
    mailing = Mailing({**MAILING.environment, **environment}, "mailing")
    ran = mailing("publish", "complaint-abuse", "--topic", TOPIC, *(["--endpoint-url", url] if url else []))
    assert (ran.code, QUESTION in ran.err) == (2, True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://localstack.invalid:4566"])
def test_an_emulator_is_not_asked_about(url: str) -> None:
    ran = publish("--endpoint-url", url)
    assert (ran.code, QUESTION in ran.err) == (2, False)
    given = Mailing({**OFFLINE, "AWS_ENDPOINT_URL": url}, "mailing")("publish", "complaint-abuse", "--topic", TOPIC)
    assert (given.code, QUESTION in given.err) == (2, False)
