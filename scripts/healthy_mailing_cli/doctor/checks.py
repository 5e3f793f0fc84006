"""The checks of ``mailing doctor``, in the order in which feedback passes through what they look at."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from botocore.exceptions import ClientError

from healthy_mailing_cli.doctor import delivery, events, function, metrics, ses, table
from healthy_mailing_cli.doctor.examination import Examination, Findings

Check = Callable[[Examination], Findings]  # an error of AWS ends it, and is a finding of its own

CHECKS: Mapping[str, Check] = {
    "SES account": ses.look_at_account,
    # Before the identities, which may report through one.
    "configuration set": ses.look_at_configuration_sets,
    "identity": ses.look_at_identities,
    "reports": ses.look_for_sources,
    "topic": delivery.look_at_topic,
    "topic policy": delivery.look_at_topic_policy,
    "subscription": delivery.look_at_subscriptions,
    "queue": delivery.look_at_queue,
    "queue policy": delivery.look_at_queue_policy,
    "dead letters": delivery.look_at_dead_letters,
    "mapping": function.look_at_mapping,
    "direct calls": function.look_at_direct_calls,
    "function": function.look_at_function,
    "role": function.look_at_role,
    "timeouts": function.look_at_timeouts,
    "table": table.look_at_table,
    "rows": table.look_at_rows,
    "last feedback": metrics.look_at_calls,
    "failures": metrics.look_at_failures,
    "lookup": function.look_at_lookup,
    "events": events.look_at_events,
}


def examine(examination: Examination, done: Callable[[], object] = lambda: None) -> Findings:
    """Make all checks and yield what they find; call ``done`` after each.

    Raises:
        BotoCoreError: AWS can't be reached, or there are no credentials.
    """
    for name, check in CHECKS.items():
        try:
            for finding in check(examination):
                yield replace(finding, check=name)
        except ClientError as error:
            yield replace(examination.refused(error), check=name)
        done()
