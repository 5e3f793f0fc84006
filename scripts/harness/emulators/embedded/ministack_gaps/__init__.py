"""What ministack 1.5.33 lacks and this project needs, added to it in its own process; a file for each service.

With another version of ministack, look at each again.
"""

from harness.emulators.embedded.ministack_gaps import (
    apigateway,
    cloudwatch,
    dynamodb,
    iam,
    lambda_,
    logs,
    ses,
    sns,
)


def fill() -> None:
    """Add all of it; once, before ministack serves."""
    for service in (apigateway, cloudwatch, dynamodb, iam, lambda_, logs, ses, sns):
        service.fill()
