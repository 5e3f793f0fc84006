"""Generated evidence, from so few days, times and ids that ties and collisions are common."""

import itertools
import operator
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from healthy_mailing.evidence import (
    MADE_BY_PEOPLE,
    Evidence,
    Mark,
    MarkKind,
    Rules,
    State,
    bounces_cleared,
    merge,
    override,
)
from support import ses

FIRST_DAY = datetime(2026, 1, 20, tzinfo=UTC)
TIMES_OF_DAY = ("00:00:00.000", "11:59:59.999", "12:00:00.000", "23:59:59.999")

Detail = tuple[tuple[str, str], ...]

DETAILS: dict[MarkKind, list[Detail]] = {
    MarkKind.COMPLAINT: [(), (("feedbackType", "abuse"), ("subType", "OnAccountSuppressionList"))],
    MarkKind.HARD_BOUNCE: [(("bounceType", "Permanent"), ("subType", name)) for name in ("General", "NoEmail")],
    MarkKind.SOFT_BOUNCE: [(("bounceType", "Transient"), ("subType", name)) for name in ("General", "MailboxFull")],
    MarkKind.UNDETERMINED: [(("bounceType", "Undetermined"), ("subType", "Undetermined"))],
}


SINGLE = frozenset(MarkKind) - {MarkKind.SOFT_BOUNCE}


def at(day: int, time: int) -> str:
    """Return a time of day on the day of a number."""
    return f"{FIRST_DAY + timedelta(days=day):%Y-%m-%d}T{TIMES_OF_DAY[time]}Z"


@st.composite
def marks(draw: st.DrawFn, kinds: st.SearchStrategy[MarkKind], days: int, *, ids_tell_all: bool) -> Mark:
    """Return a mark; ``ids_tell_all``: two of one kind, time and ids are the same mark, as SES's are."""
    kind, day, time = draw(kinds), draw(st.integers(0, days)), draw(st.integers(0, len(TIMES_OF_DAY) - 1))
    number = draw(st.integers(0, 2))
    if kind is MarkKind.OVERRIDE:
        # Overrides have no id, so in real life two of one millisecond cannot be told apart.
        chosen = (day + time) % 2 if ids_tell_all else number % 2
        return override([State.ENABLE, State.DISABLE][chosen], at(day, time), "ops", "" if chosen else "asked for it")
    if kind is MarkKind.BOUNCES_CLEARED:
        return bounces_cleared(at(day, time), "ops", "" if ids_tell_all or number else "an outage")
    which = number if ids_tell_all else draw(st.integers(0, 1))
    details = DETAILS.get(kind, [()])
    nameless = number == 2  # of a message without ids and sender; a soft bounce of such would pass for an erased one
    return Mark(
        at=at(day, time),
        feedback_id="" if kind is MarkKind.DELIVERY or (nameless and kind in SINGLE) else f"f{number}",
        message_id="" if nameless else f"m{number}",
        sender="" if nameless else f"news{which}@example.org",
        detail=details[which % len(details)],
        kind=kind,
    )


ANY_KIND = st.sampled_from(list(MarkKind))
# Soft bounces matter in numbers, and overrides to disable silence all else.
MOSTLY_SOFT = st.sampled_from(
    [MarkKind.SOFT_BOUNCE] * 12 + [MarkKind.DELIVERY] * 2 + [MarkKind.UNDETERMINED, MarkKind.BOUNCES_CLEARED]
)
FEEDBACK = st.sampled_from([kind for kind in MarkKind if kind not in MADE_BY_PEOPLE])


def histories(*, ids_tell_all: bool) -> st.SearchStrategy[list[Mark]]:
    """Return lists of at least one mark of one address: short and tangled, or long with many days of soft bounces.

    Some are of deliveries alone, as most addresses' are.
    """
    short = st.lists(marks(ANY_KIND, 3, ids_tell_all=ids_tell_all), min_size=1, max_size=12)
    feedback = st.lists(marks(FEEDBACK, 3, ids_tell_all=ids_tell_all), min_size=1, max_size=8)
    some = st.lists(marks(MOSTLY_SOFT, 8, ids_tell_all=ids_tell_all), min_size=1, max_size=12)
    long = st.lists(marks(MOSTLY_SOFT, 40, ids_tell_all=ids_tell_all), min_size=20, max_size=45)
    deliveries = st.lists(marks(st.just(MarkKind.DELIVERY), 3, ids_tell_all=ids_tell_all), min_size=1, max_size=4)
    return short | feedback | deliveries | some | long | st.builds(operator.add, feedback, some | long)


ALL_RULES = st.builds(
    Rules,
    soft_bounce_limit=st.integers(1, 16),
    soft_bounce_window_days=st.integers(1, 45) | st.just(3650),
    delivery_refresh_days=st.integers(1, 10) | st.just(365),
    expire_days=st.none() | st.integers(30, 3650),
)


def split_and_merge(data: st.DataObject, history: list[Mark], batch: Callable[[list[Mark]], Evidence]) -> Evidence:
    """Return what a history amounts to, some of it repeated, reordered, split at will, and merged in any tree."""
    repeated = data.draw(st.lists(st.sampled_from(history), max_size=6))
    shuffled = data.draw(st.permutations(history + repeated))
    cuts = data.draw(st.sets(st.integers(0, len(shuffled)), max_size=6))
    parts = [batch(shuffled[start:end]) for start, end in itertools.pairwise([0, *sorted(cuts), len(shuffled)])]
    while len(parts) > 1:
        first = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        second = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        parts.append(merge(first, second))
    return parts[0]


ADDRESSES = ("a@example.com", "b@example.com")
SPELLINGS = ("a@example.com", "A@Example.com", "b@example.com", "Bea <B@EXAMPLE.COM>")


@st.composite
def notifications(draw: st.DrawFn) -> ses.Json:
    """Return SES feedback about a few addresses, in either contract."""
    recipients = draw(st.lists(st.sampled_from(SPELLINGS), min_size=1, max_size=3))
    time = at(draw(st.integers(0, 3)), draw(st.integers(0, len(TIMES_OF_DAY) - 1)))
    number = draw(st.integers(0, 1))
    ids = {"feedback_id": f"f{number}", "message_id": f"m{number}"}
    builders: list[Callable[[], ses.Json]] = [
        lambda: ses.bounce(*recipients, at=time, **ids),
        lambda: ses.bounce(*recipients, at=time, action="delayed", **ids),
        lambda: ses.bounce(*recipients, at=time, subtype="UnsubscribedRecipient", **ids),
        lambda: ses.bounce(*recipients, at=time, kind="Transient", subtype="MailboxFull", **ids),
        lambda: ses.bounce(*recipients, at=time, kind="Transient", action=None, status=None, **ids),
        lambda: ses.bounce(*recipients, at=time, kind="Undetermined", subtype="Undetermined", **ids),
        lambda: ses.complaint(*recipients, at=time, **ids),
        lambda: ses.complaint(*recipients, at=time, feedback_type="not-spam", **ids),
        lambda: ses.delivery(*recipients, sent=time, message_id=f"m{number}"),
        lambda: ses.subscription(*recipients, at=time, message_id=f"m{number}"),
        lambda: ses.subscription(*recipients, at=time, unsubscribe_all=False, message_id=f"m{number}"),
    ]
    built = draw(st.sampled_from(builders))()
    return ses.event(built) if draw(st.booleans()) else built
