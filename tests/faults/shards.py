"""A table's stream, Lambda's part of reading it, EventBridge, and what must have arrived there.

The stream is made of a seed: what happens to addresses, one change after the other, as the images of an item before and
after. What is expected of it is read from the images alone, by the rules that docs/events.md tells, without any
function of the product.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from healthy_mailing.evidence import (
    Mark,
    MarkKind,
    Record,
    Rules,
    State,
    evidence_of,
    override,
)
from healthy_mailing.item import to_dynamodb, to_item
from support import wire
from support.faults import Answer, Forward, Request
from support.stream import TTL, record

from .function import Function

Json = Mapping[str, Any]
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 60

# Of 100: mostly feedback, of which much changes a state, and some of everything else that a stream shows.
HAPPENINGS = {
    "delivery": 40,
    "hard bounce": 14,
    "soft bounce": 8,
    "undetermined": 6,
    "complaint": 5,
    "not spam": 4,
    "opt-out": 5,
    "opt-in": 4,
    "override": 4,
    "override removed": 2,
    "written by another program": 1,
    "annotated": 3,
    "deleted": 2,
    "expired": 2,
}
KINDS: dict[str, tuple[MarkKind, tuple[tuple[str, str], ...]]] = {
    "delivery": (MarkKind.DELIVERY, ()),
    "hard bounce": (MarkKind.HARD_BOUNCE, (("bounceType", "Permanent"), ("subType", "General"))),
    "soft bounce": (MarkKind.SOFT_BOUNCE, (("bounceType", "Transient"), ("subType", "MailboxFull"))),
    "undetermined": (MarkKind.UNDETERMINED, (("bounceType", "Undetermined"), ("subType", "Undetermined"))),
    "complaint": (MarkKind.COMPLAINT, (("feedbackType", "abuse"),)),
    "not spam": (MarkKind.NOT_SPAM, (("feedbackType", "not-spam"),)),
    "opt-out": (MarkKind.OPT_OUT, ()),
    "opt-in": (MarkKind.OPT_IN, ()),
}


@dataclass
class _Address:
    """What is known of an address, and its item as it is now; None for none."""

    known: list[Mark] = field(default_factory=list)
    item: Json | None = None
    version: int = 0


def stream(count: int, addresses: int, seed: int) -> list[dict[str, Any]]:
    """Return the records of so many changes of items, some addresses with many more than others."""
    chance = random.Random(seed)  # noqa: S311  (not for secrets)
    held: dict[str, _Address] = defaultdict(_Address)
    records: list[dict[str, Any]] = []
    while len(records) < count:
        number = len(records)
        # A tenth of all changes are of five addresses, so that requests would hold several of one.
        which = chance.randrange(5) if chance.random() < 0.1 else int(addresses * chance.random() ** 3)
        name = f"reader-{which}@example.com"
        at = f"{FIRST_DAY + timedelta(days=DAYS * number / count):%Y-%m-%dT%H:%M:%S}.{number % 1000:03d}Z"
        (happening,) = chance.choices(list(HAPPENINGS), list(HAPPENINGS.values()))
        address = held[name]
        before, more = address.item, {}
        if happening in {"deleted", "expired"}:
            if before is None:
                continue
            held[name] = _Address()
            after = None
            more = {"userIdentity": TTL} if happening == "expired" else {}
        else:
            _happen(address, happening, at, number, chance)
            address.version += 1
            after = address.item = _item(name, address, happening, at)
        created = (datetime.fromisoformat(at) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
        records.append(record(name, before, after, number, created=created, **more))
    return records


def _happen(address: _Address, happening: str, at: str, number: int, chance: random.Random) -> None:
    if happening in KINDS:
        kind, detail = KINDS[happening]
        ids = {"feedback_id": f"f{number}", "message_id": f"m{number}"}
        address.known.append(Mark(kind=kind, at=at, sender="news@example.org", detail=detail, **ids))
    elif happening == "override":
        address.known.append(override(chance.choice((State.ENABLE, State.DISABLE)), at, "ops"))
    elif happening == "override removed":
        address.known = [mark for mark in address.known if mark.kind is not MarkKind.OVERRIDE]


def _item(name: str, address: _Address, happening: str, at: str) -> Json:
    if happening == "written by another program":
        return {"UserId": {"S": name}, "orders": {"N": str(address.version)}}
    item = to_item(name, Record.of(evidence_of(address.known), Rules()))
    if happening == "annotated":
        item["pushedToSes"] = {"at": at}
    return to_dynamodb({**item, "version": address.version, "updatedAt": at})


def address_of(record: Json) -> str:
    return str(record["dynamodb"]["Keys"]["UserId"]["S"])


class EventBridge:
    """EventBridge and the dead-letter queue behind a proxy: a fault that forwards nothing and keeps what it takes.

    Every so many requests something goes wrong: with all of it, with some entries, with the connection, or with the
    process that asked, before or after the request took effect.
    """

    def __init__(self, fault_every: int, kill_every: int, kill: Callable[[str], None]) -> None:
        """Call ``kill`` with an address to kill the process that asked."""
        self.events: list[Json] = []
        self.letters: list[str] = []
        self.faults: Counter[str] = Counter()
        self._fault_every = fault_every
        self._kill_every = kill_every
        self._kill = kill

    async def __call__(self, request: Request, _: Forward) -> Answer | None:
        """Answer in the services' place."""
        if request.operation == "PutEvents":
            return self._put(request.body["Entries"], self._fault(request.number))
        assert request.operation == "SendMessage"
        self.letters.append(request.body["MessageBody"])
        return Answer.of({"MessageId": str(len(self.letters))})

    def _put(self, entries: Sequence[Json], fault: str) -> Answer | None:
        self.faults[fault] += 1
        answer: Answer | None = None
        match fault:
            case "throttled":
                answer = Answer.of(wire.error("ThrottlingException", "slow down"), 400)
            case "failed":
                answer = Answer.of(wire.error("InternalException", "no"), 500)
            case "entries throttled":
                answer = self._take(entries, "ThrottlingException", lambda place: place % 3 == 1)
            case "entry refused":
                answer = self._take(entries, "MalformedDetail", lambda place: place == len(entries) // 2)
            case "" | "cut after" | "killed after":
                answer = self._take(entries, "", lambda _: False)
        if fault.startswith("killed"):
            self._kill(_details([entries[0]])[0]["address"])
        return None if fault.startswith(("killed", "cut")) else answer

    def _fault(self, number: int) -> str:
        if number % self._kill_every == 0:
            return ("killed before", "killed after")[number // self._kill_every % 2]
        if number % self._fault_every == 0:
            kinds = ("throttled", "entries throttled", "cut after", "failed", "entry refused", "cut before")
            return kinds[number // self._fault_every % len(kinds)]
        return ""

    def _take(self, entries: Sequence[Json], code: str, is_refused: Callable[[int], bool]) -> Answer:
        refused = {place for place in range(len(entries)) if is_refused(place)}
        taken = [entry for place, entry in enumerate(entries) if place not in refused]
        self.events += _details(taken)
        answers = [{"ErrorCode": code} if place in refused else {"EventId": "1"} for place in range(len(entries))]
        return Answer.of({"FailedEntryCount": len(refused), "Entries": answers})


def _details(entries: Sequence[Json]) -> list[Json]:
    return [json.loads(entry["Detail"]) for entry in entries]


@dataclass
class Reading:
    """What it took to read a shard."""

    calls: int = 0
    died: int = 0
    failed_in_part: int = 0
    read_again: int = 0


def read(  # noqa: PLR0913  (each is a fact of its own)
    records: Sequence[Json],
    function: Function,
    seed: int,
    *,
    batch_size: int = 100,
    again_every: int = 20,
    progress: Callable[[int], object] = lambda _: None,
) -> Reading:
    """Hand a shard's records to a function as Lambda does, until all are done.

    Batch by batch, one at a time; a batch that fails in part from its first failure on; of one whose call died the
    first half alone ("bisect on function error"). One time in ``again_every``, records that were done are read again,
    as after a change of those who read the shard. No record is given up.
    """
    chance = random.Random(seed)  # noqa: S311  (not for secrets)
    reading = Reading()
    done, size = 0, batch_size
    while done < len(records):
        batch = records[done : done + size]
        size = batch_size
        reading.calls += 1
        answer = function.invoke({"Records": batch})
        before = done
        if "answer" not in answer:
            reading.died += 1
            size = max(1, len(batch) // 2)
        elif failures := answer["answer"]["batchItemFailures"]:
            reading.failed_in_part += 1
            numbers = [each["dynamodb"]["SequenceNumber"] for each in batch]
            done += min(numbers.index(failure["itemIdentifier"]) for failure in failures)
        else:
            done += len(batch)
            if chance.randrange(again_every) == 0 and done < len(records):
                reading.read_again += 1
                done -= chance.randrange(1, 3 * batch_size)
                done = max(0, done)
        progress(done - before)
    return reading


def expected(records: Sequence[Json]) -> tuple[dict[str, list[Json]], list[Json]]:
    """Return the events that a stream stands for, by address and in order, and the records that nobody can read.

    Of each event: the fields of its detail that tell what happened.
    """
    events: dict[str, list[Json]] = defaultdict(list)
    unreadable: list[Json] = []
    for each in records:
        change = each["dynamodb"]
        before, after = (_answer(change.get(name)) for name in ("OldImage", "NewImage"))
        if after == "unreadable":
            unreadable.append(each)
            continue
        expired = each.get("userIdentity") == TTL
        if after is None:
            after = ("enable", "enable", "expired" if expired else "erased")
            is_news = not expired or before[:2] != ("enable", "enable")
        elif before is None:
            is_news = after[:2] != ("enable", "enable")
        else:
            is_news = before[:2] != after[:2]
        if not is_news:
            continue
        known = (None, None) if before in {None, "unreadable"} else before[:2]
        events[address_of(each)].append(
            {
                "id": each["eventID"],
                "before": known[0],
                "after": after[0],
                "mayBeMailed": after[0] == "enable",
                "transactional": {"before": known[1], "after": after[1], "mayBeMailed": after[1] == "enable"},
                "reason": after[2],
            }
        )
    return events, unreadable


def _answer(image: Json | None) -> Any:
    """Return the two states and the reason in an image, ``unreadable`` for another program's, None for none."""
    if image is None:
        return None
    if "state" not in image:
        return "unreadable"
    state = image["state"]["S"]
    return state, image.get("transactional", {"S": state})["S"], image.get("reason", {"S": "unknown"})["S"]


def difference(records: Sequence[Json], events: Sequence[Json], letters: Sequence[str]) -> str:
    """Return in what the events and dead letters are not what a stream stands for, empty if they are.

    Each change is told, of an address in order, and what is told once more begins at an earlier change and goes on from
    there without a gap. So the last event is of the last change, whose answer is the table's.
    """
    wanted, unreadable = expected(records)
    told: dict[str, list[Json]] = defaultdict(list)
    for event in events:
        told[event["address"]].append(event)
    table = {address_of(each): each["dynamodb"].get("NewImage") for each in records}
    found = (
        *(f"{address}: invented" for address in told.keys() - wanted.keys()),
        *(f"{address}: {_of_one(wanted[address], told[address])}" for address in wanted),
        *(f"{address}: {_last(image, told.get(address, []))}" for address, image in table.items()),
    )
    differing = [each for each in found if not each.endswith(": ")]
    if {json.loads(each)["eventID"] for each in letters} != {each["eventID"] for each in unreadable}:
        differing.append(f"{len(letters)} dead letters of {len(unreadable)} records that cannot be read")
    return f"{len(differing)} differences; the first: {differing[0]}" if differing else ""


def _of_one(changes: Sequence[Json], told: Sequence[Json]) -> str:
    """Return in what the events of an address are not its changes."""
    places = {change["id"]: place for place, change in enumerate(changes)}
    found = [places.get(event["id"], -1) for event in told]
    if set(found) != set(range(len(changes))):
        return f"of {len(changes)} changes, told were {sorted(set(found))}"
    if found[0] != 0 or found[-1] != len(changes) - 1 or any(later > one + 1 for one, later in pairwise(found)):
        return f"told in the order {found}"
    if any(
        {name: event[name] for name in changes[place]} != changes[place]
        for event, place in zip(told, found, strict=True)
    ):
        return f"expected {changes}, found {told}"
    sequences = {event["id"]: event["sequence"] for event in told}
    if [sequences[change["id"]] for change in changes] != sorted(set(sequences.values())):
        return f"its sequences are not in order: {sequences}"
    return ""


def _last(image: Json | None, told: Sequence[Json]) -> str:
    """Return in what the last event of an address is not what the table says."""
    answer = _answer(image) or ("enable", "enable")
    if answer == "unreadable":
        return ""
    last = (told[-1]["after"], told[-1]["transactional"]["after"]) if told else ("enable", "enable")
    return "" if last == answer[:2] else f"the table says {answer}, the last event {last}"
