"""The function behind the lookup API: ``lookup.handler``."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from healthy_mailing import api
from healthy_mailing.address import AddressError, canonical, masked
from healthy_mailing.record import RecordError, evidence_of, override
from healthy_mailing.settings import Settings
from healthy_mailing.table import Outcome, Table, TableError, connect
from healthy_mailing.telemetry import Log
from healthy_mailing.timestamp import from_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping

settings = Settings.from_environment(os.environ)
log = Log(settings.log_level)
client = connect()
table = Table(client, settings.table_name, settings.rules)

_RESERVE = 1.0  # seconds before the timeout in which nothing new is begun, so that the caller still gets an answer


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401  (AWS gives the context no type)
    """Answer a request that API Gateway hands over by Lambda proxy integration, always with a response."""
    log.bind(context.aws_request_id)
    deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _RESERVE
    try:
        return _answer(api.parse(event), deadline)
    except api.Problem as problem:
        return problem.response()
    except TableError as error:
        log.error("table did not answer", error=str(error))  # noqa: TRY400  (the traceback says no more)
        return api.Problem(503, "The table does not answer now. Try again.").response()


def _answer(request: api.Request, deadline: float) -> dict[str, Any]:
    match request:
        case api.Get():
            return _get(request.address, deadline, consistent=request.consistent)
        case api.Check():
            return _check(request, deadline)
        case api.List():
            return _list(request)
        case api.SetOverride():
            return _set_override(request, deadline)
        case api.RemoveOverride():
            return _remove_override(request, deadline)


def _get(address: str, deadline: float, *, consistent: bool) -> dict[str, Any]:
    record = table.read([address], deadline, consistent=consistent)[address]
    if record is None:
        raise api.Problem(404, "Nothing is known of this address. It may be mailed.")
    return api.response(200, api.describe(record))


def _check(request: api.Check, deadline: float) -> dict[str, Any]:
    forms = {given: _canonical(given) for given in request.addresses}
    addresses = [form for form in forms.values() if isinstance(form, str)]
    records = table.read(addresses, deadline, consistent=request.consistent)
    answers = [
        api.verdict(given, form, records[form]) if isinstance(form, str) else api.refusal(given, form)
        for given, form in ((given, forms[given]) for given in request.addresses)
    ]
    return api.response(200, {"addresses": answers})


def _canonical(text: str) -> str | AddressError:
    try:
        return canonical(text)
    except AddressError as error:
        return error


def _list(request: api.List) -> dict[str, Any]:
    page = table.suppressed(request.state, request.limit, request.since, request.after)
    body: dict[str, Any] = {"addresses": [api.describe(record) for record in page.records]}
    if page.last:
        body["cursor"] = api.cursor(request.state, request.since, page.last)
    return api.response(200, body)


def _set_override(request: api.SetOverride, deadline: float) -> dict[str, Any]:
    mark = override(request.state, from_datetime(datetime.now(UTC)), request.by, request.note)
    (outcome,) = table.add({request.address: evidence_of([mark])}, deadline)
    _note(outcome, "override set")
    return _get(request.address, deadline, consistent=True)


def _remove_override(request: api.RemoveOverride, deadline: float) -> dict[str, Any]:
    outcome = table.remove_override(request.address, deadline)
    if outcome is None:
        raise api.Problem(404, "This address has no override.")
    _note(outcome, "override removed")
    return api.response(204)


def _note(outcome: Outcome, message: str) -> None:
    """Log what was done to an address; who did it is in the record and in the access log.

    Raises:
        Problem: The address's item is no record.
        TableError: It was not done.
    """
    if outcome.error == RecordError.__name__:
        raise api.Problem(409, "What the table holds under this address is no record. A person has to look at it.")
    if outcome.error:
        raise TableError(outcome.error)
    change = outcome.change
    after = {} if change is None else {"before": change.before, "after": change.after, "reason": change.reason}
    log.info(message, address=masked(outcome.address), **after)
