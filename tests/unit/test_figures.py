"""The figures of a table, counted once more as plainly as docs/operate.md and the page say them."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthy_mailing.evidence import (
    Evidence,
    Mark,
    MarkKind,
    Record,
    Rules,
    State,
    bounces_cleared,
    evidence_of,
    override,
)
from healthy_mailing.item import to_item
from healthy_mailing_cli.figures.census import DOMAINS, Census, Figures
from healthy_mailing_cli.figures.newest import CHANGES
from healthy_mailing_cli.table.scan import known
from support.figures import TODAY, Row, figures, mark

from . import strategies

NOW = f"{TODAY}T15:00:00.000Z"


def bounce(ago: float, **detail: str) -> Mark:
    return mark(MarkKind.HARD_BOUNCE, ago, **detail)


def delivery(ago: float) -> Mark:
    return mark(MarkKind.DELIVERY, ago)


def complaint(ago: float) -> Mark:
    return mark(MarkKind.COMPLAINT, ago)


def each(count: int, domain: str, *marks: Mark) -> list[Row]:
    return [(f"{number}@{domain}", list(marks)) for number in range(count)]


def counted(evidences: list[Evidence], first: date, last: date) -> dict[str, int]:
    """Return how many addresses have a mark of SES's feedback on one of these days, by kind."""
    found: Counter[str] = Counter()
    for evidence in evidences:
        kinds = {
            str(mark.kind)
            for mark in evidence.values()
            if mark.kind not in {"override", "bouncesCleared"}
            and first <= datetime.fromisoformat(mark.at).astimezone(UTC).date() <= last
            and dict(mark.detail).get("subType") != "OnAccountSuppressionList"
        }
        found.update(kinds)
        found["any"] += bool(kinds & {"delivery", "hardBounce", "softBounces", "undetermined", "complaint"})
    return dict(found)


@given(st.lists(strategies.histories(ids_tell_all=True), max_size=12), st.integers(1, 40))
def test_windows_count_addresses_with_feedback(histories: list[list[Mark]], days: int) -> None:
    evidences = [evidence_of(history) for history in histories]
    last = strategies.FIRST_DAY.date() + timedelta(days=60)
    census = Census(f"{last}T00:00:00.000Z", days)
    items = [to_item(f"{number}@example.com", Record.of(held, Rules())) for number, held in enumerate(evidences)]
    for item in items:
        census.add(*known(item))
    found = census.figures()

    window = {"now": (found.window, last), "before": (found.before, last - timedelta(days=days))}
    for seen, end in window.values():
        expected = counted(evidences, end - timedelta(days=days - 1), end)
        assert {
            "any": seen.reached,
            "delivery": seen.delivered,
            "hardBounce": seen.hard,
            "softBounces": seen.soft,
            "complaint": seen.complaints,
            "optOut": seen.opt_outs,
        } == {
            name: expected.get(name, 0)
            for name in ("any", "delivery", "hardBounce", "softBounces", "complaint", "optOut")
        }
    assert found.states == {state: sum(item["state"] == state for item in items) for state in State}
    assert sum(found.reasons.values()) == found.states["disable"] + found.states["review"]
    assert sum(day.hard for day in found.trend) == found.window.hard
    assert sum(day.complaints for day in found.trend) == found.window.complaints
    assert sum(day.opt_outs for day in found.trend) == found.window.opt_outs
    assert [day.day for day in found.trend] == [f"{last - timedelta(days=ago)}" for ago in reversed(range(days))]


@given(st.permutations([*each(3, "a.example", bounce(1)), *each(2, "b.example", delivery(3))]))
def test_the_order_of_items_does_not_matter(addresses: list[Row]) -> None:
    assert figures(*addresses) == figures(*sorted(addresses))


@pytest.mark.parametrize(
    ("bounced", "complained", "verdicts"),
    [
        (0, 0, ("good", "good")),
        (19, 1, ("good", "review")),
        (20, 4, ("raised", "review")),
        (50, 0, ("review", "good")),
        (100, 5, ("pause", "pause")),
    ],
)
def test_a_rate_stands_beside_the_lines_of_ses(bounced: int, complained: int, verdicts: tuple[str, str]) -> None:
    bounces = [(f"{number}@a.example", [bounce(number % 29)]) for number in range(bounced)]  # on no day a jump
    fine = each(1000 - bounced - complained, "c.example", delivery(2))
    found = figures(*bounces, *each(complained, "b.example", complaint(1)), *fine)
    assert (found.bounces.verdict, found.complaints.verdict) == verdicts
    assert (found.bounces.count, found.complaints.count, found.bounces.of) == (bounced, complained, 1000)
    assert found.bounces.share == bounced / 1000
    assert found.bounces.is_over is (bounced >= 50)
    assert found.are_alarming is (bounced >= 50 or complained > 0)


def test_few_addresses_say_little() -> None:
    assert figures(*each(999, "a.example", delivery(1))).bounces.few
    assert not figures(*each(1000, "a.example", delivery(1))).bounces.few


def test_without_deliveries_there_is_no_rate() -> None:
    found = figures(*each(3, "a.example", bounce(1)))
    assert (found.bounces.share, found.bounces.verdict, found.are_alarming) == (None, "unknown", False)


@pytest.mark.parametrize(
    "sub_type", ["OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed"]
)
def test_what_ses_did_not_send_is_in_no_rate(sub_type: str) -> None:
    before = ("c@a.example", [bounce(40, subType=sub_type)])
    found = figures(("a@a.example", [bounce(1, subType=sub_type)]), ("b@a.example", [delivery(1)]), before)
    assert (found.bounces.count, found.bounces.of, found.unsent) == (0, 1, 1)
    assert found.states["disable"] == 2
    assert sum(day.hard for day in found.trend) == found.before.hard == 0


def test_imported_lists_are_in_no_rate() -> None:
    found = figures(("a@a.example", [bounce(1, importedFrom="mailgun-bounces")]), ("b@a.example", [delivery(1)]))
    assert (found.bounces.count, found.bounces.of, found.imported) == (0, 1, 1)
    assert found.reasons == {"bounce:Permanent/NoEmail": 1}


def test_soft_bounces_of_any_number_are_one_reason() -> None:
    five, six = ([mark(MarkKind.SOFT_BOUNCE, ago) for ago in range(1, days + 1)] for days in (5, 6))
    found = figures(("a@a.example", five), ("b@a.example", six))
    assert found.reasons == {"soft-bounces": 2}
    assert (found.window.soft, sum(day.soft for day in found.trend)) == (2, 11)


def test_who_may_get_transactional_mail_alone_is_counted() -> None:
    opt_out = mark(MarkKind.OPT_OUT, 1)
    found = figures(("a@a.example", [opt_out]), ("b@a.example", [opt_out, bounce(2)]), ("c@a.example", [delivery(1)]))
    assert (found.states["disable"], found.transactional) == (2, 1)


def test_domains_are_told_apart_by_how_much_feedback_there_was() -> None:
    some = [each(number + 1, f"d{number:02}.example", delivery(1)) for number in range(DOMAINS + 3)]
    found = figures(*(one for domain in some for one in domain), ("z@z.example", [bounce(1)]))
    *named, others = found.domains
    assert [domain.name for domain in named] == [f"d{number:02}.example" for number in range(DOMAINS + 2, 2, -1)]
    assert (others.name, others.addresses, others.reached, others.hard) == ("", 7, 7, 1)
    assert found.domain_count == DOMAINS + 4


def outage(count: int, *others: Row) -> Figures:
    """Return the figures where so many addresses of a provider bounced two days ago, each at another minute."""
    bounced = [(f"{n}@big.example", [delivery(9), bounce(2 + (n + 30) % 60 / 1440)]) for n in range(count)]
    return figures(*bounced, *others)


def test_a_jump_of_hard_bounces_is_found_with_its_times() -> None:
    found = outage(60, *each(500, "big.example.net", delivery(1)))
    (jump,) = found.jumps
    assert (jump.domain, jump.day, jump.count, jump.usual) == ("big.example", "2026-03-29", 60, 0)
    assert (jump.first, jump.last) == ("2026-03-29T14:01:00.000Z", "2026-03-29T15:00:00.000Z")
    assert found.are_alarming


def test_few_bounces_are_no_jump() -> None:
    assert not outage(19, *each(500, "other.example", delivery(1))).jumps
    assert outage(20, *each(500, "other.example", delivery(1))).jumps


def test_what_is_usual_at_a_domain_is_no_jump() -> None:
    usual = [(f"u{ago}-{n}@big.example", [bounce(ago)]) for ago in range(30) for n in range(10) if ago != 2]
    assert not outage(49, *usual).jumps
    assert outage(50, *usual).jumps


def test_bounces_everywhere_on_a_day_are_no_jump() -> None:
    """As after a mailing to an old list."""
    everywhere = [(f"{n}@small{n % 50}.example", [bounce(2)]) for n in range(500)]
    assert not outage(100, *everywhere).jumps


def test_what_was_cleared_is_no_jump_but_stays_in_the_rates() -> None:
    cleared = bounces_cleared(f"{TODAY}T00:00:00.000Z", "ops")
    found = figures(*each(60, "big.example", bounce(2), cleared), *each(60, "other.example", delivery(1)))
    assert not found.jumps
    assert found.bounces.count == 60
    assert found.states["enable"] == 120


def test_a_bounce_of_long_ago_is_no_jump_and_in_no_rate() -> None:
    found = figures(*each(60, "big.example", bounce(61)), *each(60, "other.example", delivery(1)))
    assert (found.jumps, found.bounces.count, found.before.hard) == ([], 0, 0)
    assert found.states["disable"] == 60


def test_a_clock_that_runs_ahead_makes_no_other_day() -> None:
    found = figures(("a@a.example", [bounce(-1)]))
    assert (found.trend[-1].day, found.trend[-1].hard) == (f"{TODAY}", 1)


def at(time: str, each: Mark) -> Mark:
    return replace(each, at=f"{TODAY}T{time}Z")


def test_the_newest_changes_come_first_and_masked() -> None:
    some = [(f"{number:03}@a.example", [bounce(number * 7 % 20 / 24)]) for number in range(CHANGES + 5)]
    changes = figures(*some, ("fine@a.example", [delivery(0)])).changes
    assert [change.at[11:13] for change in changes] == [f"{hour:02}" for hour in range(15, 15 - CHANGES, -1)]
    assert {(change.address, change.count) for change in changes} == {("0***@a.example", 1)}
    assert {change.reason for change in changes} == {"bounce:Permanent/NoEmail"}


def test_changes_of_one_hour_and_reason_are_shown_together() -> None:
    """As after an import, whose rows would fill the list with one second."""
    imported = [(f"{n}@{'a' if n % 3 else 'b'}.example", [at(f"12:00:{n:02}.000", bounce(1))]) for n in range(60)]
    other = [("c@c.example", [at("12:30:00.000", complaint(1))]), ("d@d.example", [at("11:59:59.999", bounce(1))])]
    newest, many, before = figures(*other, *imported).changes
    assert (newest.reason, newest.count, newest.domain) == ("complaint", 1, "c.example")
    assert (many.count, many.domain, many.of_domain, many.address) == (60, "a.example", 40, "5***@a.example")
    assert (many.since[11:19], many.at[11:19]) == ("12:00:00", "12:00:59")
    assert (before.count, before.at[11:19]) == (1, "11:59:59")


PLAINLY = {
    MarkKind.HARD_BOUNCE: ("disable", "bounce"),
    MarkKind.COMPLAINT: ("disable", "complaint"),
    MarkKind.UNDETERMINED: ("review", "undetermined"),
}


TIMES = [f"{hour:02}:{minute}:00.000" for hour in range(CHANGES + 3) for minute in (10, 50)]


@given(
    st.lists(
        st.builds(
            lambda address, time, each: (address, [at(time, each)]),
            st.sampled_from(["a@a.example", "b@b.example"]),
            st.sampled_from(TIMES),
            st.sampled_from([bounce(1), complaint(1), mark(MarkKind.UNDETERMINED, 1)]),
        ),
        max_size=60,
    )
)
def test_changes_are_those_of_all_together_though_few_are_held(table: list[Row]) -> None:
    """Counted plainly, and in any order."""
    plain = Counter((marks[0].at[11:13], *PLAINLY[marks[0].kind]) for _, marks in table)
    found = figures(*table).changes
    assert {
        (change.at[11:13], change.state, change.reason.partition(":")[0]): change.count for change in found
    } == dict(sorted(plain.items(), reverse=True)[:CHANGES])
    assert found == figures(*reversed(table)).changes


def test_items_of_other_programs_are_counted_and_disturb_nothing() -> None:
    census = Census(NOW)
    census.add(*known({"UserId": "a@a.example", "state": "perhaps"}))
    census.add(*known({"UserId": "no address", "evidence": 7}))
    found = census.figures()
    assert (found.addresses, found.unreadable, found.reasons) == (2, 2, {"unreadable": 2})


def test_they_are_json_too() -> None:
    again = json.loads(json.dumps(outage(60).to_json()))
    assert (again["jumps"][0]["count"], again["bounces"]["verdict"]) == (60, "pause")
    assert again["trend"][-1] == {"day": f"{TODAY}", "hard": 0, "soft": 0, "complaints": 0, "optOuts": 0}


def test_the_mailbox_simulator_counts_nowhere() -> None:
    people = each(500, "example.com", delivery(3))
    simulated = [
        ("complaint+a@simulator.amazonses.com", [complaint(1)]),
        *each(30, "simulator.amazonses.com", bounce(1)),
    ]
    assert figures(*people, *simulated) == figures(*people)


def test_with_a_sender_only_feedback_about_its_mail_counts_and_who_has_some() -> None:
    def of(sender: str, *marks: Mark) -> list[Mark]:
        return [replace(mark, sender=sender) for mark in marks]

    mixed = [*of("News <News@shop.example>", delivery(2)), *of("bills@pay.example", bounce(1))]
    table = [
        ("both@example.com", mixed),
        ("news@example.com", of("news@shop.example", complaint(1), delivery(3))),
        ("bills@example.com", of("bills@pay.example", delivery(1))),
        ("decided@example.com", [override(State.DISABLE, NOW, "news@shop.example", "")]),
    ]
    news, shop, bills = (figures(*table, sender=each) for each in ("news@shop.example", "SHOP.example", "pay.example"))
    assert news == shop
    assert (news.addresses, news.window.reached, news.window.hard, news.window.complaints) == (2, 2, 0, 1)
    assert (bills.addresses, bills.window.reached, bills.window.hard, bills.window.complaints) == (2, 2, 1, 0)
    assert figures(*table).addresses == 4
    assert figures(*table, sender="example").addresses == 0
