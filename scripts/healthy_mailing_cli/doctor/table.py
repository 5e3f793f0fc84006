"""What ``mailing doctor`` looks at in the table: its settings, and rows that this version did not write."""

import shlex

from botocore.exceptions import ClientError

from healthy_mailing.address import canonical_or_same, masked
from healthy_mailing.evidence import Rules
from healthy_mailing.item import ADDRESS, VERSION, unreadable
from healthy_mailing.table import INDEX, Table, TableError
from healthy_mailing_cli.doctor.examination import Examination, Findings, ok, problem, warning
from healthy_mailing_cli.shell.connection import DEFAULT_TABLE, step_deadline
from healthy_mailing_cli.shell.stack import name_in

_MOST = 256 * 2**20  # how large a table is read, in bytes: for less than a cent, in some seconds

_WHOLE = 10_000
"""How many of the rows that `mailing reassess` is to bring up to date are read whole, to see whether it can."""


def look_at_table(seen: Examination) -> Findings:
    """See whether the table can be used, listed and restored."""
    name = name_in(seen.stack.table)
    try:
        table = seen.table = seen.dynamodb.describe_table(TableName=name)["Table"]
    except seen.dynamodb.exceptions.ResourceNotFoundException:
        yield seen.missing("table", name, "--table, --region")
        return
    key = ", ".join(each["AttributeName"] for each in table["KeySchema"])
    if table["TableStatus"] not in {"ACTIVE", "UPDATING"} or key != ADDRESS:
        yield problem(
            f"{name} can't be used: it is {table['TableStatus']}, with the key {key}.",
            f"It must be ACTIVE, with the partition key {ADDRESS} and no sort key.",
        )
        return
    yield ok(f"The table {name} is {table['TableStatus']}.")
    index = next((each for each in table.get("GlobalSecondaryIndexes", []) if each["IndexName"] == INDEX), None)
    if index is None:
        yield warning(
            f"{name} lacks the index {INDEX}, so nobody can list addresses.",
            "Unless that is meant so, set table.index to true, and apply.",
        )
    elif index.get("IndexStatus", "ACTIVE") != "ACTIVE":
        yield warning(f"The index {INDEX} is {index['IndexStatus']}: lists may lack addresses.", "Run it again later.")
    if not table.get("DeletionProtectionEnabled"):
        yield warning(f"{name} is not protected from deletion.", "Set table.deletion_protection to true, and apply.")
    backups = seen.dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    if recovery != "ENABLED":
        yield warning(
            f"{name} can't be restored to an earlier time.", "Set table.point_in_time_recovery to true, and apply."
        )


def look_at_rows(seen: Examination) -> Findings:
    """Count the rows that `mailing reassess` is to bring up to date."""
    name, table = name_in(seen.stack.table), seen.table
    if table is None:
        return
    reassess = shlex.join(["mailing", "reassess", *([] if name == DEFAULT_TABLE else ["--table", name])])
    if table.get("TableSizeBytes", 0) > _MOST:
        count = table.get("ItemCount", 0)
        yield ok(f"Not looked at: {name} has about {count:,} items. `{reassess} --dry-run` reads all of them.")
        return
    count, spelled, old = _keys(seen, name)
    try:
        odd = _unreadable(Table(seen.dynamodb, name, Rules()), [*spelled, *old][:_WHOLE])
    except TableError as error:
        yield seen.refused(ClientError({"Error": {"Code": str(error)}}, "BatchGetItem"))
        odd = set()
    if odd:
        yield problem(
            f"{len(odd):,} of {count:,} rows can't be read: {_example(sorted(odd))}. `mailing reassess` leaves such "
            "rows as they are.",
            "Another program wrote them, or a newer version of this one. Upgrade, or look at them in DynamoDB, then "
            "correct or delete them. This names each:",
            f"{reassess} --dry-run",
        )
    spelled, old = ([key for key in keys if key not in odd] for keys in (spelled, old))
    if spelled:
        yield problem(
            f"{_of(len(spelled), count)} under another spelling than the canonical address: {_example(spelled)}. Who "
            "asks by the canonical one may not find it.",
            "Let your applications ask by the canonical address. Then merge such rows:",
            reassess,
        )
    if old:
        yield warning(
            f"{_of(len(old), count)} as the original article's function wrote it, so lists leave it out.",
            "Bring such rows up to date:",
            reassess,
        )
    if not spelled and not old and not odd:
        yield ok(f"All rows ({count:,}) are under the canonical address, and as this version writes them.")


def _keys(seen: Examination, name: str) -> tuple[int, list[str], list[str]]:
    """Return how many rows there are, the keys that are another spelling, and the others of rows without a version."""
    pages = seen.dynamodb.get_paginator("scan").paginate(
        TableName=name,
        ProjectionExpression=f"{ADDRESS}, #{VERSION}",
        ExpressionAttributeNames={f"#{VERSION}": VERSION},
    )
    count, spelled, old = 0, list[str](), list[str]()
    for page in pages:
        for item in page["Items"]:
            count += 1
            key = item.get(ADDRESS, {}).get("S", "")
            if canonical_or_same(key) != key:
                spelled.append(key)
            elif VERSION not in item:
                old.append(key)
    return count, spelled, old


def _unreadable(table: Table, keys: list[str]) -> set[str]:
    """Return the keys of rows that can't be read, or merged into the canonical row since that can't be.

    Raises:
        TableError: DynamoDB refused, or the deadline passed.
    """
    addresses = {key: canonical_or_same(key) for key in keys}
    items = table.read([*addresses, *addresses.values()], step_deadline(), consistent=False)
    odd = {key for key, item in items.items() if item == unreadable(key)}
    return {key for key, address in addresses.items() if key in odd or address in odd}


def _example(keys: list[str]) -> str:
    return f"{masked(keys[0])}{' …' if len(keys) > 1 else ''}"


def _of(some: int, count: int) -> str:
    return f"{some:,} of {count:,} rows {'is' if some == 1 else 'are'}"
