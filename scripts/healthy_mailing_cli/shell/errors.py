"""What the program says when AWS, or the way to AWS, refuses."""

from botocore.exceptions import BotoCoreError, ClientError

from healthy_mailing.row import UNREADABLE
from healthy_mailing.settings import SettingsError
from healthy_mailing.table import OUT_OF_TIME, TableError

_CREDENTIALS = "Name a profile with --profile, or set AWS_PROFILE"
_EXPIRED = "The AWS credentials have expired. Get new ones, for instance with `aws sso login`"
_UNKNOWN = f"AWS does not know these credentials. {_CREDENTIALS}"
_UNFIT = f"AWS does not accept these credentials. {_CREDENTIALS}"
_THROTTLED = "DynamoDB throttles the table. Run the command again later"
_PERMISSION = "The policies in docs/operate.md list what each command needs"

_MAY_NOT = f"These credentials may not do that. {_PERMISSION}"

_SENTENCES = {
    "NoCredentialsError": f"There are no AWS credentials. {_CREDENTIALS}",
    "PartialCredentialsError": f"The AWS credentials are incomplete. {_CREDENTIALS}",
    "ProfileNotFound": "The AWS configuration has no such profile. `aws configure list-profiles` lists those there are",
    "NoRegionError": "No AWS region is set. Name one with --region, or set AWS_REGION",
    "EndpointConnectionError": "AWS can't be reached. Check the network, --region and --endpoint-url",
    "ConnectTimeoutError": "AWS can't be reached. Check the network, --region and --endpoint-url",
    "ReadTimeoutError": "AWS does not answer. Check the network and --endpoint-url, or run the command again",
    # Services say the same in two ways (IAM, "Common errors").
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "InvalidClientTokenId": _UNKNOWN,
    "UnrecognizedClientException": _UNKNOWN,
    "InvalidSignatureException": _UNFIT,
    "SignatureDoesNotMatch": _UNFIT,
    # So do DynamoDB's statements and its requests.
    "AccessDenied": _MAY_NOT,
    "AccessDeniedException": _MAY_NOT,
    "ResourceNotFoundException": "There is no such table here. Name it with --table, and its region with --region",
    "ProvisionedThroughputExceeded": _THROTTLED,
    "ProvisionedThroughputExceededException": _THROTTLED,
    "ThrottlingException": "AWS throttles the requests. Run the command again later",
    "TooManyRequestsException": "AWS throttles the requests. Run the command again later",
    UNREADABLE: "Another program wrote the item, or a newer version of this one: upgrade, or look at it in DynamoDB",
    OUT_OF_TIME: "The table did not answer in time. Run the command again",
}
"""By the name of an exception of botocore, or the code of an error of AWS."""


def sentence(error: BaseException) -> str:
    """Return what is wrong and what to do, as one sentence or two."""
    if isinstance(error, ClientError):
        return _of_service(error)
    if isinstance(error, TableError):
        return _SENTENCES.get(str(error), f"DynamoDB refused: {error}")
    if isinstance(error, BotoCoreError):
        return _SENTENCES.get(type(error).__name__, str(error))
    if isinstance(error, SettingsError):
        return f"The function's settings are not those of this version: {error}"
    return str(error)


def _of_service(error: ClientError) -> str:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code.startswith("AccessDenied") or code in {"AuthorizationError", "403"}:  # as SNS and S3's HeadObject have it
        return f"These credentials may not call {error.operation_name}. {_PERMISSION}"
    if code == "ResourceNotFoundException":  # of which service it is, the message says
        return f"{error.operation_name}: {message.rstrip('.')}. Check the names and --region"
    return _SENTENCES.get(code, f"{error.operation_name}: {code}: {message}")
