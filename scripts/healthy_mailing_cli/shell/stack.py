"""What a stack is made of, by the names that Terraform gave it."""

from collections.abc import Mapping
from dataclasses import dataclass

from healthy_mailing_cli.shell.connection import Connection


@dataclass(frozen=True)
class Names:
    """What a stack is called in AWS."""

    dead_letter_queue: str
    queue: str
    function: str
    changes: str  # the function that tells of changes by events
    lookup: str  # the function behind the lookup API

    @classmethod
    def of(
        cls, name: str, *, dead_letter_queue: str | None = None, queue: str | None = None, function: str | None = None
    ) -> "Names":
        """Return the names that the Terraform variable ``name`` gives, but for those that are given."""
        return cls(
            dead_letter_queue or f"{name}-feedback-dead-letter",
            queue or f"{name}-feedback",
            function or f"{name}-feedback",
            f"{name}-changes",
            f"{name}-lookup",
        )


@dataclass(frozen=True)
class Place:
    """An account and a region, as ARNs begin there."""

    partition: str
    region: str
    account: str

    @classmethod
    def of(cls, connection: Connection) -> "Place":
        """Return where the credentials lead."""
        _, partition, _, _, account, _ = connection.caller().split(":", 5)
        return cls(partition, connection.session.region_name, account)

    def __contains__(self, arn: str) -> bool:
        """Return whether something is here, by its ARN."""
        return arn.split(":")[3:5] == [self.region, self.account]

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def topic_arn(connection: Connection, name: str | None, topic: str | None) -> str:
    """Return the ARN of a stack's topic, which may have a name of its own, or be elsewhere and named by its ARN."""
    topic = topic or f"{name or connection.table}-feedback"
    return topic if topic.startswith("arn:") else Place.of(connection).arn("sns", topic)


@dataclass(frozen=True)
class Parts:
    """The parts of a stack by their ARNs, whether they exist or not."""

    topic: str
    queue: str
    dead_letter_queue: str
    function: str
    changes: str
    lookup: str
    table: str

    @classmethod
    def of(cls, place: Place, names: Names, *, topic: str, table: str) -> "Parts":
        """Return the ARNs of what is called so; of the topic, it is given."""
        return cls(
            topic,
            place.arn("sqs", names.queue),
            place.arn("sqs", names.dead_letter_queue),
            place.arn("lambda", f"function:{names.function}"),
            place.arn("lambda", f"function:{names.changes}"),
            place.arn("lambda", f"function:{names.lookup}"),
            place.arn("dynamodb", f"table/{table}"),
        )


def name_in(arn: str) -> str:
    """Return the name at the end of the ARN of a topic, queue, function or table."""
    return arn.rpartition(":")[2].rpartition("/")[2]


def table_in(stream: str) -> str:
    """Return the name of the table in the ARN of its stream; the name at its end for another source."""
    return name_in(stream.partition("/stream/")[0])


def sent_for(arn: str) -> Mapping[str, str]:
    """Return the condition keys of a request that an AWS service makes for a resource.

    IAM User Guide, "AWS global condition context keys".
    """
    return {"aws:sourcearn": arn, "aws:sourceaccount": arn.split(":")[4], "aws:securetransport": "true"}
