"""What ``mailing doctor`` looks at in the table: rows that an earlier function wrote. Needs ``dynamodb:Scan``."""

from typing import Any

from healthy_mailing.address import masked, spellings
from healthy_mailing.item import ADDRESS, VERSION
from healthy_mailing_cli.examination import Examination, Findings, ok, problem, warning
from healthy_mailing_cli.stack import name_in

_MOST = 256 * 2**20
"""How large a table is read, in bytes: for less than a cent, in some seconds."""

_REASSESS = "mailing reassess --table {}"


def look_at_rows(seen: Examination) -> Findings:
    """Count the rows that `mailing reassess` is to bring up to date."""
    name = name_in(seen.stack.table)
    try:
        table = seen.dynamodb.describe_table(TableName=name)["Table"]
    except seen.dynamodb.exceptions.ResourceNotFoundException:
        return  # which is a finding of the table
    reassess = _REASSESS.format(name)
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
            if spellings([key]):
                spelled += 1
                example = example or masked(key)
            elif VERSION not in item:
                old += 1
    if spelled:
        yield problem(
            f"{spelled:,} of {count:,} rows are under another spelling than the canonical address, such as {example}. "
            "They count only for those who ask in that spelling.",
            "Let your applications ask by the canonical address. Then merge these rows:",
            reassess,
        )
    if old:
        yield warning(
            f"{old:,} of {count:,} rows are as the original article's function wrote them, so lists leave them out.",
            "Bring them up to date:",
            reassess,
        )
    if not spelled and not old:
        yield ok(f"All {count:,} rows are under the canonical address, and as this version writes them.")
