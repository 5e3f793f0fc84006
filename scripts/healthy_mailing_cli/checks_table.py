"""What ``mailing doctor`` looks at in the table: rows that an earlier function wrote. Needs ``dynamodb:Scan``."""

import shlex
from typing import Any

from healthy_mailing.address import masked, respelt
from healthy_mailing.item import ADDRESS, VERSION
from healthy_mailing_cli.connection import DEFAULT_TABLE
from healthy_mailing_cli.examination import Examination, Findings, ok, problem, warning
from healthy_mailing_cli.stack import name_in

_MOST = 256 * 2**20
"""How large a table is read, in bytes: for less than a cent, in some seconds."""


def look_at_rows(seen: Examination) -> Findings:
    """Count the rows that `mailing reassess` is to bring up to date."""
    name = name_in(seen.stack.table)
    try:
        table = seen.dynamodb.describe_table(TableName=name)["Table"]
    except seen.dynamodb.exceptions.ResourceNotFoundException:
        return  # which is a finding of the table
    reassess = shlex.join(["mailing", "reassess", *([] if name == DEFAULT_TABLE else ["--table", name])])
    if table.get("TableSizeBytes", 0) > _MOST:
        count = table.get("ItemCount", 0)
        yield ok(f"Not looked at: {name} has about {count:,} items. `{reassess} --dry-run` reads all of them.")
        return
    pages: Any = seen.dynamodb.get_paginator("scan").paginate(
        TableName=name,
        ProjectionExpression=f"{ADDRESS}, #{VERSION}",
        ExpressionAttributeNames={f"#{VERSION}": VERSION},
    )
    spelled = old = count = 0
    example = ""
    for page in pages:
        for item in page["Items"]:
            count += 1
            key = item.get(ADDRESS, {}).get("S", "")
            if respelt([key]):
                spelled += 1
                example = example or masked(key)
            elif VERSION not in item:
                old += 1
    if spelled:
        yield problem(
            f"{_of(spelled, count)} under another spelling than the canonical address: {example}"
            f"{' …' if spelled > 1 else ''}. Who asks by the canonical one may not find it.",
            "Let your applications ask by the canonical address. Then merge such rows:",
            reassess,
        )
    if old:
        yield warning(
            f"{_of(old, count)} as the original article's function wrote it, so lists leave it out.",
            "Bring such rows up to date:",
            reassess,
        )
    if not spelled and not old:
        yield ok(f"All rows ({count:,}) are under the canonical address, and as this version writes them.")


def _of(some: int, count: int) -> str:
    return f"{some:,} of {count:,} rows {'is' if some == 1 else 'are'}"
