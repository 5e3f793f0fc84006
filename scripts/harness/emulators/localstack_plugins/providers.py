"""LocalStack's providers of DynamoDB, its streams, and S3, as they run on a bare machine."""

from threading import Lock
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError
from localstack.aws.api import RequestContext, ServiceRequest, ServiceResponse
from localstack.aws.api.dynamodb import BatchExecuteStatementOutput, DynamodbApi, PartiQLBatchRequest
from localstack.aws.api.dynamodbstreams import DynamodbstreamsApi
from localstack.aws.connect import connect_to
from localstack.aws.forwarder import ForwardingFallbackDispatcher
from localstack.services.moto import call_moto
from localstack.services.plugins import Service, aws_provider
from localstack.services.s3.provider import S3Provider
from localstack.services.s3.storage.ephemeral import EphemeralS3ObjectStore
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from harness.emulators import partiql

_one_at_a_time = Lock()


@aws_provider(api="dynamodb", name="moto")
def dynamodb_by_moto() -> Service:
    """Serve DynamoDB from moto.

    Not from DynamoDB Local, which LocalStack would fetch: it needs Java, and its licence is the user's to accept.
    """
    return Service.for_provider(
        _Dynamodb(), dispatch_table_factory=lambda provider: ForwardingFallbackDispatcher(provider, _ask_moto)
    )


class _Dynamodb(DynamodbApi):
    """What moto 5.1.54 lacks; all other operations are forwarded to it."""

    def batch_execute_statement(
        self, context: RequestContext, statements: PartiQLBatchRequest, **_: object
    ) -> BatchExecuteStatementOutput:
        client = connect_to(aws_access_key_id=context.account_id, region_name=context.region).dynamodb

        def call(operation: str, request: dict[str, Any]) -> str:
            try:
                getattr(client, xform_name(operation))(**request)
            except ClientError as error:
                return str(error.response["Error"]["Code"])
            return ""

        return BatchExecuteStatementOutput(**partiql.execute(statements, call))


def _ask_moto(context: RequestContext, request: ServiceRequest) -> ServiceResponse:
    # Between the check of a write's condition and the write, moto 5.1.54 lets other threads write.
    with _one_at_a_time:
        response = call_moto(context)
        if context.operation.name == "UpdateTable":
            _forget_unused_attributes(
                dynamodb_backends[context.account_id][context.region].get_table(request["TableName"])
            )
        return response


def _forget_unused_attributes(table: Table) -> None:
    """Take out attributes that are no key, as DynamoDB does when an index goes and moto 5.1.54 does not."""
    schemas = [table.schema, *(index.schema for index in [*table.global_indexes, *table.indexes])]
    keys = {key["AttributeName"] for schema in schemas for key in schema}
    table.attr = [each for each in table.attr if each["AttributeName"] in keys]


@aws_provider(api="dynamodbstreams", name="moto")
def streams_by_moto() -> Service:
    """Serve the streams of moto's tables, each of one shard."""
    return Service.for_provider(
        DynamodbstreamsApi(),
        dispatch_table_factory=lambda provider: ForwardingFallbackDispatcher(provider, _read_stream),
    )


def _read_stream(context: RequestContext, _request: ServiceRequest) -> ServiceResponse:
    with _one_at_a_time:
        response = call_moto(context)
    # Of an item that is new, moto 5.1.54 gives an empty old image, and of a deleted one an empty new one.
    for record in response.get("Records", []):
        for image in ("OldImage", "NewImage"):
            if not record["dynamodb"].get(image, True):
                del record["dynamodb"][image]
    return response


@aws_provider(api="s3", name="temporary")
def s3_in_temporary_folder() -> Service:
    """Keep objects, the functions' zips among them, in the temporary folder.

    LocalStack 4.14.0 keeps them under a fixed path that all running ones share.
    """
    return Service.for_provider(S3Provider(EphemeralS3ObjectStore()))
