"""The function behind the lookup API: ``lookup.handler``."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from healthy_mailing import api, operations
from healthy_mailing.address import masked
from healthy_mailing.operations import UnreadableError
from healthy_mailing.settings import Settings
from healthy_mailing.table import Table, TableError, connect
from healthy_mailing.telemetry import Log
from healthy_mailing.timestamp import from_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthy_mailing.row import Outcome

settings = Settings.from_environment(os.environ)
log = Log(settings.log_level)
client = connect()
table = Table(client, settings.table_name, settings.rules)

_RESERVE = 1.0  # seconds before the timeout in which nothing new starts, so that the caller still gets an answer


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401  (AWS gives the context no type)
    """Answer a request from API Gateway (Lambda proxy integration), always with a response."""
    log.bind(context.aws_request_id)
    deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _RESERVE
    try:
        return _answer(api.parse(event), deadline)
    except api.Problem as problem:
        return problem.response()
    except UnreadableError:
        return api.Problem(
            409, "The table's item for this address is not a valid record. Someone should check it."
        ).response()
    except TableError as error:
        log.error("table did not answer", error=str(error))  # noqa: TRY400  (the traceback says no more)
        return api.Problem(503, "The table is not responding. Try again.").response()


def _answer(request: api.Request, deadline: float) -> dict[str, Any]:
    match request:
        case api.Get(address, consistent, others, spellings):
            item = operations.find(table, address, deadline, consistent=consistent, others=others, spellings=spellings)
            return api.found(item)
        case api.Check(given, purpose, consistent):
            return api.checked(operations.check(table, given, deadline, purpose=purpose, consistent=consistent))
        case api.List(state, since, after, limit):
            return api.listed(request, table.blocked(state, limit, deadline, since=since, after=after))
        case api.SetOverride(address, state, note, by, others, spellings):
            outcome = operations.set_override(
                table,
                address,
                state,
                deadline,
                now=from_datetime(datetime.now(UTC)),
                by=by,
                note=note,
                spellings=spellings,
            )
            _log("override set", outcome)
            item = operations.find(table, address, deadline, consistent=True, others=others, spellings=spellings)
            return api.found(item)
        case api.RemoveOverride(address, spellings):
            removed = operations.remove_override(table, address, deadline, spellings=spellings)
            if removed is None:
                raise api.Problem(404, "This address has no override.")
            _log("override removed", removed)
            return api.response(204)


def _log(message: str, outcome: Outcome) -> None:
    """Log a change of an address. The record and the access log say who made it."""
    change = outcome.change
    states = {} if change is None else {name: value for name, value in asdict(change).items() if name != "address"}
    log.info(message, address=masked(outcome.address), **states)
