"""What `mailing explain` says of evidence."""

import re
import shlex

import pytest
from hypothesis import given

from healthy_mailing.evidence import Mark, MarkKind, Purpose, Rules, State, assess, evidence_of
from healthy_mailing_cli.shell.explanation import because, lifted_by, timeline, why_they_differ
from healthy_mailing_cli.table.erasing import erased

from .strategies import ALL_RULES, histories
from .test_evidence_state import history_of, mark

RULES = Rules()


@pytest.mark.parametrize(
    ("history", "says", "lifts"),
    [
        ("disable 1", "Rule 1: ops disabled it on 2026-01-21 12:00:00 UTC (why).", "mailing remove-override A"),
        ("complaint 1", "Rule 2: the recipient complained on 2026-01-21 12:00:00 UTC.", "mailing enable A"),
        ("optOut 1", "Rule 3: the recipient opted out on 2026-01-21 12:00:00 UTC.", "mailing enable A"),
        ("hard 1", "Rule 4: a permanent bounce on 2026-01-21 12:00:00 UTC", "mailing clear-bounces A"),
        ("soft 1-5", "Rule 5: soft bounces on at least 5 days within 30 days", "mailing clear-bounces A"),
        ("undetermined 1", "Rule 6: delivery failed on 2026-01-21 12:00:00 UTC", "mailing clear-bounces A"),
        ("delivery 1", "Rule 7: nothing that is known forbids it.", ""),
        ("complaint 1, enable 2", "ops enabled it on 2026-01-22 12:00:00 UTC (why)", ""),
        (
            "hard 1, clear 2",
            "ops cleared its bounces up to 2026-01-22 12:00:00 UTC (an outage), and nothing newer forbids it.",
            "",
        ),
    ],
)
def test_the_rule_and_what_would_change_it_are_told(history: str, says: str, lifts: str) -> None:
    assessment = assess(evidence_of(history_of(history)), RULES)
    assert because(assessment, RULES).startswith(says)
    assert lifts in lifted_by(assessment, "A")
    assert bool(lifted_by(assessment, "A")) == (assessment.state is not State.ENABLE)


@given(histories(ids_tell_all=True))
def test_what_is_suggested_can_be_pasted_into_a_shell(history: list[Mark]) -> None:
    address = "x`id`$(id)'\"@example.com"
    for command in re.findall(
        r"`(mailing [a-z-]+ .+?example\.com\S*)`", lifted_by(assess(evidence_of(history), RULES), address)
    ):
        assert shlex.split(command)[2] == address


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ("optOut 1", "such as a password reset"),
        ("optOut 1, hard 2", "Rule 4: a permanent bounce"),
        ("optOut 1, undetermined 2", "Rule 6: delivery failed"),
        ("complaint 1, optOut 2", ""),
        ("optOut 1, optIn 2", ""),
        ("delivery 1", ""),
    ],
)
def test_why_two_answers_differ_is_told(history: str, says: str) -> None:
    told = why_they_differ(evidence_of(history_of(history)), RULES)
    assert says in told
    assert bool(told) == bool(says)


@given(histories(ids_tell_all=True), ALL_RULES)
def test_all_evidence_can_be_explained(history: list[Mark], rules: Rules) -> None:
    evidence = evidence_of(history)
    assessments = [assess(evidence, rules, purpose) for purpose in Purpose]
    assert all(because(each, rules) for each in assessments)
    if len({each.state for each in assessments}) > 1:
        assert why_they_differ(evidence, rules)
    lines = timeline(evidence)
    assert len(lines) == len(evidence)
    assert [when for when, _, _ in lines] == sorted(when for when, _, _ in lines)


def test_the_time_line_has_ses_s_own_words_and_who_decided() -> None:
    bounce = Mark(
        kind=MarkKind.HARD_BOUNCE,
        at="2026-01-21T12:00:00.000Z",
        feedback_id="f",
        message_id="m-1",
        sender="news@example.org",
        detail=(("diagnosticCode", "smtp; 550 5.1.1 user unknown"), ("subType", "General")),
    )
    assert timeline(evidence_of([bounce, mark("disable", 9)])) == [
        (
            "2026-01-21 12:00:00 UTC",
            "hard bounce",
            "subType General, from news@example.org, messageId m-1: smtp; 550 5.1.1 user unknown",
        ),
        ("2026-01-29 12:00:00 UTC", "override", "disable by ops (why)"),
    ]


def test_who_decided_is_someone_once_that_is_erased() -> None:
    left = erased(evidence_of([mark("hardBounce", 1), mark("clear", 2), mark("enable", 3)]))
    assert [(what, details) for _, what, details in timeline(left)] == [
        ("hard bounce", "bounceType Permanent, subType General"),
        ("bounces cleared", "by someone"),
        ("override", "enable by someone"),
    ]
    assert because(assess(left, RULES), RULES).startswith("someone enabled it on 2026-01-23")
