"""LocalStack's providers of DynamoDB and S3, as they run on a bare machine."""

from threading import Lock

from localstack.aws.api import RequestContext, ServiceRequest, ServiceResponse
from localstack.aws.api.dynamodb import DynamodbApi
from localstack.aws.forwarder import ForwardingFallbackDispatcher
from localstack.aws.skeleton import DispatchTable
from localstack.services.moto import call_moto
from localstack.services.plugins import Service, aws_provider
from localstack.services.s3.provider import S3Provider
from localstack.services.s3.storage.ephemeral import EphemeralS3ObjectStore

_one_at_a_time = Lock()


@aws_provider(api="dynamodb", name="moto")
def dynamodb_by_moto() -> Service:
    """Serve DynamoDB from moto.

    Not from DynamoDB Local, which LocalStack would fetch: it needs Java, and its licence is the user's to accept.
    """
    # An API that implements nothing, so that every operation is forwarded.
    return Service.for_provider(DynamodbApi(), dispatch_table_factory=_forward_all)


def _forward_all(provider: DynamodbApi) -> DispatchTable:
    return ForwardingFallbackDispatcher(provider, _ask_moto)


def _ask_moto(context: RequestContext, _request: ServiceRequest) -> ServiceResponse:
    # Between the check of a write's condition and the write, moto 5.1.54 lets other threads write.
    with _one_at_a_time:
        return call_moto(context)


@aws_provider(api="s3", name="temporary")
def s3_in_temporary_folder() -> Service:
    """Keep objects, the functions' zips among them, in the temporary folder.

    LocalStack 4.14.0 keeps them under a fixed path that all running ones share.
    """
    return Service.for_provider(S3Provider(EphemeralS3ObjectStore()))
