"""Whether what a command was given is of one stack: each part is followed to the function, and that to its table.

What is named by hand, or in ``MAILING_TABLE`` and ``MAILING_NAME``, may be of two stacks. What is sent to a queue or a
topic then changes the table of another stack. So the commands that send ask here first, if someone named the table.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from healthy_mailing_cli.shell.connection import Connection
from healthy_mailing_cli.shell.output import CommandError
from healthy_mailing_cli.shell.stack import Place, name_in

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import EventSourceMappingConfigurationTypeDef


def mappings(lambda_: "LambdaClient", **of: str) -> "list[EventSourceMappingConfigurationTypeDef]":
    """Return the event source mappings of a source or a function; none where there is no such function."""
    try:
        request: Any = of  # a source or a function
        pages = list(lambda_.get_paginator("list_event_source_mappings").paginate(**request))
    except lambda_.exceptions.ResourceNotFoundException:
        return []
    return [each for page in pages for each in page["EventSourceMappings"]]


def functions_behind(lambda_: "LambdaClient", queue: str) -> list[str]:
    """Return the ARNs of the functions that take messages from a queue, given by its ARN."""
    return [each["FunctionArn"] for each in mappings(lambda_, EventSourceArn=queue)]


def check_queue(connection: Connection, queue: str, function: str | None) -> None:
    """Make sure that a queue goes to a function, if one is given, and to the table alone, if someone named it.

    Raises:
        CommandError: It does not.
    """
    if function is None and not connection.is_named:
        return
    functions = functions_behind(connection.client("lambda"), queue)
    what, names = f"The queue {name_in(queue)}", sorted({each.split(":")[6] for each in functions})
    if function is not None and function not in names:
        goes = " and ".join(names) or "no function"
        raise CommandError(
            f"{what} goes to {goes}, not to {function}: name the stack with --name, or its parts with --queue and "
            "--function"
        )
    check_table(connection, what, functions, alone=True)


def check_topics(connection: Connection, what: str, topics: Iterable[str]) -> None:
    """Make sure that one of some topics, given by their ARNs, leads to the table, if someone named it.

    Only what is in the region and the account of the table can lead there.

    Raises:
        CommandError: None does.
        botocore.exceptions.ClientError: There is no such topic, or you may not.
    """
    if not connection.is_named:
        return
    place = Place.of(connection)
    lambda_, sns = connection.client("lambda"), connection.client("sns")
    functions: list[str] = []
    for topic in topics:
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic) if topic in place else ()
        for each in (each for page in pages for each in page["Subscriptions"]):
            if each["Protocol"] == "lambda":
                functions.append(each["Endpoint"])
            elif each["Protocol"] == "sqs" and each["Endpoint"] in place:
                functions += functions_behind(lambda_, each["Endpoint"])
    check_table(connection, what, [each for each in functions if each in place])


def check_table(connection: Connection, what: str, functions: Iterable[str], *, alone: bool = False) -> None:
    """Make sure that one of some functions writes to the table, if someone named it.

    Args:
        connection: Says which table.
        what: What goes to these functions, to begin a sentence.
        functions: Their names or ARNs.
        alone: Whether none may write to another, since what goes there reaches one of them and not all.

    Raises:
        CommandError: None does, or one that matters is gone.
        botocore.exceptions.ClientError: You may not read the settings of one that matters.
    """
    if not connection.is_named:
        return
    tables = set[str]()
    refused: ClientError | CommandError | None = None
    for each in dict.fromkeys(functions):  # delivery by both ways leads to it twice
        try:
            tables.add(connection.settings_of(each).get("TABLE_NAME", ""))
        except (ClientError, CommandError) as error:
            refused = error  # it may be another team's, or what is left of one
    tables.discard("")
    ours = connection.table in tables
    if refused and (alone or not ours):
        raise refused
    if not ours or (alone and len(tables) > 1):
        leads = f"the table {' and '.join(sorted(tables))}" if tables else "no table"
        raise CommandError(
            f"{what} leads to {leads}, not to {connection.table} in {connection.session.region_name}: name the table "
            f"with --table, or the stack of {connection.table} with --name"
        )
