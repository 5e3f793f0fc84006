"""What evidence means, in sentences. Pure: no AWS, no clock."""

import shlex

from healthy_mailing.evidence import (
    ERASED,
    MADE_BY_PEOPLE,
    Assessment,
    Evidence,
    Mark,
    MarkKind,
    Purpose,
    Rules,
    State,
    assess,
)
from healthy_mailing.item import ADDRESS, REASON, STATE, Item, state_of, unreadable

_BECAUSE = {
    MarkKind.OVERRIDE: "Rule 1: {maker} disabled it on {when}{noted}.",
    MarkKind.COMPLAINT: "Rule 2: the recipient complained on {when}. A later delivery does not lift a complaint.",
    MarkKind.OPT_OUT: "Rule 3: the recipient opted out on {when}. A later delivery does not lift an opt-out.",
    MarkKind.HARD_BOUNCE: "Rule 4: a permanent bounce on {when}, and no delivery of mail sent on a later day.",
    MarkKind.SOFT_BOUNCE: "Rule 5: soft bounces on at least {rules.soft_bounce_limit} days within "
    "{rules.soft_bounce_window_days} days, the newest on {when}, and no delivery since.",
    MarkKind.UNDETERMINED: "Rule 6: delivery failed on {when} and SES could not say why. Someone should check.",
}


def because(assessment: Assessment, rules: Rules) -> str:
    """Return the rule that decides, in a sentence; the numbers are those of ``docs/rules.md``."""
    mark, when = assessment.mark, moment(assessment.mark.at)
    if assessment.state is State.ENABLE:
        return _why_enabled(mark, when)
    return _BECAUSE[mark.kind].format(maker=maker(mark), when=when, noted=_noted(mark), rules=rules)


_A_BOUNCE_LIFTED = (
    "A delivery of mail sent on a later day; or, if the address is good, "
    "`mailing clear-bounces {0}`, which keeps complaints and opt-outs in force."
)
_LIFTS = {
    MarkKind.OVERRIDE: "`mailing remove-override {0}` lets the feedback decide; `mailing enable {0}` allows mail.",
    MarkKind.COMPLAINT: 'A later "not spam" from the mailbox provider; or, if the recipient asks for mail, '
    "`mailing enable {0}`.",
    MarkKind.OPT_OUT: "The recipient subscribes again; or, if the recipient asks for mail, `mailing enable {0}`.",
}
"""What lifts a block by a mark of a kind; a bounce of any kind is lifted as above."""


def lifted_by(assessment: Assessment, address: str) -> str:
    """Return what would let the address, in any spelling, be mailed again, in a sentence; empty if it may be."""
    if assessment.state is State.ENABLE:
        return ""
    return _LIFTS.get(assessment.mark.kind, _A_BOUNCE_LIFTED).format(argument(address))


def argument(address: str) -> str:
    """Return an address as the last argument of a command that a person pastes into a shell."""
    return f"-- {shlex.quote(address)}" if address.startswith("-") else shlex.quote(address)


def other_row(address: str, item: Item, command: str) -> str:
    """Return which other row than its own keeps mail from an address, and the command about it, in sentences.

    Empty if there is none. ``item`` is the one that decides (``lookups.weighed``); ``command`` is one of `mailing`.
    """
    key = item.get(ADDRESS, address)
    if item == unreadable(address):
        return (
            "A row of it, in a spelling that you gave, can't be understood, so lookups keep mail back. Someone should "
            "look at it in DynamoDB."
        )
    if key == address or state_of(item, Purpose.BULK) is State.ENABLE:
        return ""
    return (
        f"Some programs take it for {key}, so lookups read that row too: {item[STATE]} ({item.get(REASON)}). "
        f"If both are one person's, `mailing {command} {argument(key)}`."
    )


def followed(address: str, item: Item) -> dict[str, object]:
    """Return what JSON has of what holds now for an address, by the item that decides (empty if nothing is known)."""
    bulk, transactional = (state_of(item, purpose) if item else State.ENABLE for purpose in Purpose)
    key = item.get(ADDRESS, address)
    decided_by = {} if key == address else {"decidedBy": key}
    return {"state": bulk, "transactional": transactional, "reason": item.get(REASON), **decided_by}


def why_they_differ(evidence: Evidence, rules: Rules) -> str:
    """Return why bulk and transactional mail have different answers, or different reasons; empty if they do not."""
    bulk, transactional = (assess(evidence, rules, purpose) for purpose in (Purpose.BULK, Purpose.TRANSACTIONAL))
    if bulk.mark.kind is not MarkKind.OPT_OUT or bulk.state is State.ENABLE:
        return ""
    if transactional.state is State.ENABLE:
        return "An opt-out does not count for transactional mail, such as a password reset or a receipt."
    rule = because(transactional, rules)
    return f"An opt-out does not count for transactional mail, which something else keeps back. {rule}"


def timeline(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Return when, what, and the details of each mark, oldest first."""
    return [(moment(mark.at), _WHAT[mark.kind], _details(mark)) for mark in sorted(evidence.values())]


def moment(at: str) -> str:
    """Return a time as a person reads it: ``2026-01-31 12:00:00 UTC``."""
    return f"{at[:10]} {at[11:19]} UTC"


_WHAT = {
    MarkKind.COMPLAINT: "complaint",
    MarkKind.NOT_SPAM: "not spam",
    MarkKind.HARD_BOUNCE: "hard bounce",
    MarkKind.SOFT_BOUNCE: "soft bounce",
    MarkKind.UNDETERMINED: "bounce, cause unknown",
    MarkKind.OPT_OUT: "opt-out",
    MarkKind.OPT_IN: "opt-in",
    MarkKind.DELIVERY: "delivery",
    MarkKind.OVERRIDE: "override",
    MarkKind.BOUNCES_CLEARED: "bounces cleared",
}


def _why_enabled(mark: Mark, when: str) -> str:
    if mark.kind is MarkKind.OVERRIDE:
        return f"{maker(mark)} enabled it on {when}{_noted(mark)}, and nothing has been reported since."
    if mark.kind is MarkKind.BOUNCES_CLEARED:
        return f"{maker(mark)} cleared its bounces up to {when}{_noted(mark)}, and nothing newer forbids it."
    return f"Rule 7: nothing that is known forbids it. The newest evidence is of {when}: {_WHAT[mark.kind]}."


def maker(mark: Mark) -> str:
    """Return who made a decision."""
    return "someone" if mark.sender == ERASED else mark.sender


def _noted(mark: Mark) -> str:
    return f" ({mark.get('note')})" if mark.get("note") else ""


def _details(mark: Mark) -> str:
    """Return what is known of a mark: SES's own words last, since they are the longest."""
    detail = dict(mark.detail)
    if mark.kind in MADE_BY_PEOPLE:
        return f"{detail.get('state', '')} by {maker(mark)}{_noted(mark)}".lstrip()
    text = detail.pop("diagnosticCode", "")
    facts = [f"{name} {value}" for name, value in detail.items()]
    facts.append(f"from {mark.sender}" if mark.sender else "")
    facts.append(f"messageId {mark.message_id}" if mark.message_id else "")
    return ", ".join(filter(None, facts)) + (f": {text}" if text else "")
