"""The report: ``BENCHMARKS.md`` and its charts, out of ``results.json``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench import changes, costs, index, mixes, plot
from bench.pipeline import BATCH, COUNT, SAMPLE

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BENCHMARKS = ROOT / "BENCHMARKS.md"
NOTES = HERE / "notes.md"

ARTICLE, DIRECT, QUEUE, FLOOR, BLIND = "article", "project, direct", "project, queue", "floor", "blind floor"
_QUEUED = {"article, awaiting", "obvious Python", QUEUE, FLOOR, BLIND}
_VOLUMES = (1e3, 1e4, 1e5, 1e6, 1e7, 1e8)

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Goal:
    """Something to reach, and what was measured."""

    name: str
    wanted: str
    measured: str
    met: bool

    def row(self) -> tuple[str, ...]:
        return self.name, self.wanted, self.measured, "met" if self.met else "**not met**"


def goals(results: Json) -> list[Goal]:
    """Return every goal of this project's performance with its verdict."""
    news = results["mixes"]["newsletter"]
    billed = news[ARTICLE]["5 ms"]["billed ms per 1,000"] / news[QUEUE]["5 ms"]["billed ms per 1,000"]
    cpu = {
        name: news[QUEUE]["0 ms"]["cpu ms per 1,000"] / news[name]["0 ms"]["cpu ms per 1,000"]
        for name in (FLOOR, BLIND)
    }
    found = [
        Goal(
            "billed time, article / queue, newsletter, answers after 5 ms",
            "at least 10 x",
            f"{billed:.1f} x",
            billed >= 10,
        ),
        Goal("CPU, queue / floor, newsletter", "at most 3 x", f"{cpu[FLOOR]:.2f} x", cpu[FLOOR] <= 3),
        Goal("CPU, queue / blind floor, newsletter", "at most 3 x", f"{cpu[BLIND]:.1f} x", cpu[BLIND] <= 3),
    ]
    for mix, share in (("newsletter", 1), ("transactional", 1 / 3), ("cleanup", 1), ("storm", 1), ("replays", 1 / 3)):
        entries = results["mixes"][mix]
        ratio = entries[QUEUE]["write units per 1,000"] / entries[ARTICLE]["write units per 1,000"]
        found.append(
            Goal(
                f"write units of the table, queue / article, {mix}",
                "at most a third" if share < 1 else "at most 1 x",
                f"{ratio:.3f} x",
                ratio < share + 1e-9,  # a third of 1,998 is no exact float
            )
        )
        for name, batch in ((QUEUE, BATCH), (DIRECT, 1)):
            by_rules = _index_cost(mix, batch)
            measured = round(entries[name]["index write units per 1,000"] * COUNT / 1000)
            goal = f"write units of the index, {name.removeprefix('project, ')}, {mix}, of {COUNT:,} messages"
            found.append(Goal(goal, f"{by_rules:,}, by the rules", f"{measured:,}", measured == by_rules))
    invocations = news[ARTICLE]["invocations per 1,000"] / news[QUEUE]["invocations per 1,000"]
    found.append(
        Goal(
            "invocations, article / queue, batches of 1,000", "at least 50 x", f"{invocations:.0f} x", invocations >= 50
        )
    )
    cold = results["cold start ms"]["project"] / results["cold start ms"]["bare boto3"]
    found.append(
        Goal("cold start to first write, project / bare boto3", "at most 1.35 x", f"{cold:.2f} x", cold <= 1.35)
    )
    growth = results["growth"]
    times, memories = [point["us"] for point in growth], [point["megabytes"] for point in growth]
    last = growth[-1]["notifications"]
    found += [
        Goal(
            f"growth of time a notification, 1,000 to {last:,}",
            "at most 1.1 x",
            f"{times[-1] / times[0]:.2f} x",
            times[-1] <= 1.1 * times[0],
        ),
        Goal(
            f"growth of memory, 1,000 to {last:,}",
            "at most 1.1 x",
            f"{memories[-1] / memories[0]:.2f} x",
            memories[-1] <= 1.1 * memories[0],
        ),
    ]
    sizes = results["batches"]
    worst = max(later["us"] / min(each["us"] for each in sizes[: index + 1]) for index, later in enumerate(sizes))
    found.append(
        Goal("growth of time a notification, batches of 1 to 1,000", "at most 1.1 x", f"{worst:.2f} x", worst <= 1.1)
    )
    peak = results["largest batch"]["megabytes"]
    found.append(Goal("peak memory, 10,000 messages, 6 MB", "at most 256 MB", f"{peak:.0f} MB", peak <= 256))
    for answers, speeds in _bulk_speeds(results).items():
        for what, bare in (
            ("write", "bare write"),
            ("write", "bare write in batches"),
            ("read", "bare read"),
            ("mailing check", "bare read"),
            ("mailing import", "bare import in batches"),
            ("mailing export", "bare scan"),
        ):
            ratio = speeds[what] / speeds[bare]
            name = f"bulk {what}, speed / that of {bare}, answers after {answers}"
            found.append(Goal(name, "at least 0.8 x", f"{ratio:.2f} x", ratio >= 0.8))
    for command, took in results.get("lists", {}).items():
        if command.startswith("import"):
            name = f"peak memory, mailing {command}, {took['rows']:,} rows"
            found.append(Goal(name, "at most 200 MB", f"{took['megabytes']} MB", took["megabytes"] <= 200))
    for answers, times in results["POST /check"]["times"].items():
        for bare, most in (("ten BatchGetItem of whole items", 0.8), ("ten BatchGetItem, same projection", 1.15)):
            ratio = times["POST /check"]["cpu ms"] / times[bare]["cpu ms"]
            name = f"CPU, POST /check of 1,000 addresses / {bare}, answers after {answers}"
            found.append(Goal(name, f"at most {most} x", f"{ratio:.2f} x", ratio <= most))
    return found


def _bulk_speeds(results: Json) -> dict[str, dict[str, float]]:
    """Return rows a second by answer time and contender."""
    read, taken_in, exported = (results[part]["rows a second"] for part in ("bulk", "import", "export"))
    return {answers: speeds | taken_in[answers] | exported[answers] for answers, speeds in read.items()}


@cache
def _index_cost(mix: str, batch: int) -> int:
    return index.cost(mixes.MIXES[mix](COUNT), batch).units


def write(results: Json) -> None:
    """Write the report and its charts, and print the goals."""
    verdicts = goals(results)
    for path, text in files(results, verdicts).items():
        path.write_text(text, encoding="utf-8")
    width = max(len(goal.name) for goal in verdicts)
    for goal in verdicts:
        print(f"{goal.name:<{width}}  {goal.measured:>8}  {goal.wanted:<15}  {'met' if goal.met else 'NOT MET'}")
    print(f"{sum(goal.met for goal in verdicts)} of {len(verdicts)} goals met; {BENCHMARKS.name} says more")


def files(results: Json, verdicts: Sequence[Goal]) -> dict[Path, str]:
    """Return the report and its charts."""
    return {
        BENCHMARKS: "\n".join(_sections(results, verdicts)),
        HERE / "cost.svg": _cost_chart(results),
        HERE / "time.svg": _time_chart(results),
    }


def _sections(results: Json, verdicts: Sequence[Goal]) -> Iterable[str]:
    machine = results["machine"]
    yield "# Benchmarks"
    yield ""
    yield "<!-- Written by `make bench` from tests/bench/results.json and tests/bench/notes.md; do not edit. -->"
    yield ""
    yield (
        f"Measured on {machine['date']} in {machine['seconds']} s: {machine['processors']} processors ({machine['processor']}), "
        f"load {machine['load before']} before and {machine['load after']} after, Python {machine['Python']}, botocore "
        f"{machine['botocore']}, Node.js {machine['Node.js']}. Everything ran by turns in one run: the ratios count, the "
        "milliseconds are this machine's."
    )
    again = [
        f"{name} on {each['date']} (load {each['load before']} before, {each['load after']} after)"
        for name, each in results["measured again"].items()
    ]
    if again:
        yield (
            f"\nMeasured again since, by itself: {', '.join(again)}. Where the load was above the number of processors, "
            "the contenders still ran by turns, so ratios count; wall time, p50 and p99 there are mostly time spent "
            "waiting for a processor."
        )
    yield "\n## Goals\n"
    yield from _table(("goal", "wanted", "measured", ""), [goal.row() for goal in verdicts])
    yield from _intro()
    for mix, entries in results["mixes"].items():
        yield f"\n### {mix.capitalize()}\n"
        yield from _mix_table(entries)
        differ = entries["states that differ"]
        yield (
            f"\nOf {differ['addresses']:,} addresses the article's table ends up wrong for "
            f"{differ['article mails, though it must not']:,} that must not be mailed, and for "
            f"{differ['article blocks, though it need not']:,} that may be."
        )
    yield from _cost_sections(results)
    yield from _project_sections(results)
    yield from _changes_section(results["changes"])
    yield ""
    yield NOTES.read_text().rstrip()
    yield ""


def _intro() -> Iterable[str]:
    yield f"""
## Contenders

| | what it is | invoked |
|---|---|---|
| article | the article's function, ported to Node.js 20 and the AWS SDK v3, otherwise as written | by SNS, a message a call |
| article, awaiting | the same, but it reads all records and awaits its writes | by SQS, 1,000 a call |
| obvious Python | a loop over the records, one `update_item` of boto3's resource a recipient | by SQS, 1,000 a call |
| project, direct | this project's zip, `delivery = "direct"` | by SNS, a message a call |
| project, queue | this project's zip, `delivery = "queue"` | by SQS, 1,000 a call |
| floor | `json.loads`, then bare boto3: `BatchGetItem`, and `BatchWriteItem` of what is to change, without conditions | by SQS, 1,000 a call |
| blind floor | `json.loads`, then bare boto3: `BatchWriteItem` of what came last, with no look at the table: cheap, and wrong as the article is | by SQS, 1,000 a call |

Each gets the same {COUNT:,} messages of a mix, on one processor of its own; a stand-in for DynamoDB runs on another, keeps
the items, and counts requests and units by DynamoDB's rules. It answers at once or after 5 ms; with 5 ms, those that wait
for each answer get {SAMPLE} messages. The final table of every run was compared with what the contender's own rule makes of
the messages: this project's is the merge of all evidence, the others' whatever came last. Billed time is wall time rounded
up to a millisecond an invocation, as Lambda bills; CPU time includes the runtime's decoding of the event. Of each
invocation the best round counts. The stand-in speaks HTTP, not TLS, and it is local: real answers take about 5 ms.

The index `suppressed-updatedAt`, which lists who must not be mailed, costs write units of its own; the article's table has
none. They are given apart. What they must be follows from the rules: one for an address that enters or leaves the list, two
for one whose entry changes, of each KB of the entry. `tests/bench/index.py` counts such changes with the oracle of the
tests, and the goals above hold the measured units against that number.

## Mixes, per 1,000 notifications"""


def _mix_table(entries: Json) -> Iterable[str]:
    head = (
        "",
        "invocations",
        "billed ms, 5 ms",
        "CPU ms, 0 ms",
        "requests",
        "write units",
        "of the index",
        "read units",
    )
    rows = [
        (
            name,
            _number(entry["invocations per 1,000"]),
            _number(entry["5 ms"]["billed ms per 1,000"]),
            _number(entry["0 ms"]["cpu ms per 1,000"]),
            _number(entry["requests per 1,000"]),
            _number(entry["write units per 1,000"]),
            _number(entry["index write units per 1,000"]),
            _number(entry["read units per 1,000"]),
        )
        for name, entry in entries.items()
        if name != "states that differ"
    ]
    return _table(head, rows)


def _cost_sections(results: Json) -> Iterable[str]:
    prices = costs.PRICES
    yield "\n## Dollars for a million notifications\n"
    yield (
        f"Prices of {prices['date']}, {prices['region']} (`tests/bench/prices.json`; change them there, then "
        "`make bench BENCH_ARGS=--report`). Answers after 5 ms. Each contender gets the memory size, of 128, 256, 512 and "
        "1,769 MB, that makes it cheapest and holds its peak; its billed time there is its waiting as measured and its CPU time "
        "stretched by the smaller share of a processor.\n"
    )
    mixes = results["mixes"]
    names = [name for name in mixes["newsletter"] if name != "states that differ"]
    sums = {mix: {name: _dollars(entries[name], name) for name in names} for mix, entries in mixes.items()}
    yield from _table(("sum", *mixes), [(name, *(f"{sums[mix][name]['sum']:.2f}" for mix in mixes)) for name in names])
    yield "\nThe newsletter's, by service:\n"
    parts = [part for part in sums["newsletter"][ARTICLE] if part != "megabytes"]
    yield from _table(
        ("", *parts, "MB"),
        [
            (
                name,
                *(f"{sums['newsletter'][name][part]:.3f}" for part in parts),
                f"{sums['newsletter'][name]['megabytes']:.0f}",
            )
            for name in names
        ],
    )
    yield "\n![Dollars a month against notifications a month](tests/bench/cost.svg)"


def _project_sections(results: Json) -> Iterable[str]:
    yield "\n## Cold start\n"
    yield "From Python's start to the end of the first write, median; the project's first write is preceded by a read.\n"
    cold = results["cold start ms"]
    yield from _table(
        ("", "ms", ""), [(name, f"{ms:.0f}", f"{ms / cold['bare boto3']:.2f} x") for name, ms in cold.items()]
    )
    yield "\n## Growth\n"
    last = results["growth"][-1]["notifications"]
    yield (
        f"CPU a notification, newsletter deliveries. By volume up to {last:,} with a client that answers within the process, so "
        "that only the project's own work counts"
        + ("; 1,000,000 are extrapolated from the line being flat" if last < 1_000_000 else "")
        + ". By batch over HTTP, where smaller batches pay for a read each.\n"
    )
    yield from _table(
        ("notifications so far", "µs each", "MB"),
        [(f"{each['notifications']:,}", f"{each['us']:.0f}", f"{each['megabytes']:.0f}") for each in results["growth"]],
    )
    yield ""
    yield from _table(
        ("batch", "µs each", "peak MB"),
        [(f"{each['batch']:,}", f"{each['us']:.0f}", f"{each['megabytes']:.0f}") for each in results["batches"]],
    )
    largest = results["largest batch"]
    yield (
        f"\nThe largest batch, {largest['messages']:,} messages in {largest['bytes'] / 1e6:.2f} MB: {largest['wall ms']:,.0f} ms, "
        f"{largest['megabytes']:.0f} MB at its peak."
    )
    yield "\n![CPU time against batch size and volume](tests/bench/time.svg)"
    yield "\n## Bulk\n"
    bulk = results["bulk"]
    yield (
        f"{bulk['rows']:,} rows (a fifth with answers after 5 ms) through the table adapter (read, merge, conditional write; "
        "read and decode) and by `mailing check` without its start, in parts of 10,000, beside the bare loops: `put_item`, "
        "`batch_write_item` of 25 rows without any condition, and `batch_get_item` of whole items. "
        f"`mailing import` takes {results['import']['rows']:,} rows of SendGrid's bounces, beside `batch_write_item` of the items that it makes. "
        f"`mailing export` reads {results['export']['rows']:,} rows in five rounds, in NDJSON and in CSV, beside a loop over `scan` that writes DynamoDB's JSON as it comes. A million take 10 minutes and more: `make bench BENCH_ARGS='--rows 1000000'`.\n"
    )
    yield from _table(
        ("", "answers after", "rows a second", "a million in"),
        [
            (name, answers, f"{speed:,.0f}", f"{1e6 / speed / 60:.1f} min")
            for answers, speeds in _bulk_speeds(results).items()
            for name, speed in speeds.items()
        ],
    )
    yield "\n## POST /check\n"
    check = results["POST /check"]
    yield (
        f"{check['rounds']:,} requests of the lookup API for the 1,000 addresses of a newsletter, all of them known, by the packaged zip's "
        "`lookup.handler`, by turns with ten `batch_get_item` of boto3's client, one after the other, that make nothing of what "
        "they get. The projection is that of the state and the reason. The median CPU time; p50 and p99 of the wall time, in "
        "which the handler's ten reads are under way at once.\n"
    )
    yield from _table(
        ("", "answers after", "CPU ms", "p50 ms", "p99 ms"),
        [
            (name, answers, *(f"{each[column]:.0f}" for column in ("cpu ms", "p50 ms", "p99 ms")))
            for answers, times in check["times"].items()
            for name, each in times.items()
        ],
    )
    yield "\n## Lists\n"
    yield (
        "The program itself, in processes of its own, against the stand-in; memory is the peak of what is resident. The import "
        "was killed half-way (SIGKILL) and repeated, until all rows were in the table. The longest list has ten rows of each address. Other programs may have run meanwhile, so "
        "CPU time tells more than time. Longer: `make bench BENCH_ARGS='--only lists --list-rows 1000000'`.\n"
    )
    if "lists" not in results:
        yield "Not measured yet: `make bench BENCH_ARGS='--only lists'`."
    else:
        yield from _table(
            ("", "rows", "seconds", "CPU seconds", "MB"),
            [
                (name, f"{took['rows']:,}", *(f"{took[each]:,}" for each in ("seconds", "cpu", "megabytes")))
                for name, took in results["lists"].items()
            ],
        )
    yield "\n## End to end\n"
    yield (
        "On the embedded emulator (SNS, SQS, Lambda, DynamoDB in this machine's Python, batches of 10) beside a function that "
        "does nothing. Latency is from publishing, one message every 50 ms, to the row, or to the call.\n"
    )
    end = results["end to end"]
    if "error" in end:
        yield f"Not measured: {end['error']}"
        return
    columns = list(next(iter(end.values())))
    yield from _table(("", *columns), [(name, *(f"{row[each]:,.0f}" for each in columns)) for name, row in end.items()])


def _changes_section(found: Json) -> Iterable[str]:
    us, ratio, latency = found["us"], found["ratio"], found["latency"]
    yield "\n## Changes as events\n"
    yield (
        f"{found['changes']:,} records of a table's stream, {changes.BATCH} in a call, by turns in one process against a stand-in for EventBridge: "
        "`changes.handler` of the packaged zip; a loop over the same records that a user would write, which compares the one "
        "state and looks at nothing else; and a loop over `put_events` alone, of ten entries that are there already. "
        f"Median CPU time, and the medians of the pairs' ratios, on {found['date']} at a load of {found['load']}. Most records of a table are deliveries that change no state.\n"
    )
    yield from _table(
        ("", "µs CPU a record", "project / this"),
        [(name, f"{each:.0f}", f"{ratio[name]:.2f} x" if name in ratio else "") for name, each in us.items()],
    )
    if "error" in latency:
        yield f"\nLatency was not measured: {latency['error']}"
    else:
        yield (
            f"\nFrom publishing a complaint to its event in the queue of a rule, on the embedded emulator, {latency['messages']:,} complaints, one "
            f"every {latency['pace ms']} ms: p50 {latency['p50 ms']:,.0f} ms, p99 {latency['p99 ms']:,.0f} ms. How often the emulator reads a stream "
            "decides most of it."
        )
    yield (
        f"\nUS dollars for a million records, with {changes.MEGABYTES} MB. Reading the stream for a function is free. Rules' targets are not counted.\n"
    )
    cases = {
        f"told, {changes.BATCH} a call": changes.dollars(us, news=True, alone=False),
        "told, one a call": changes.dollars(us, news=True, alone=True),
        f"no news, {changes.BATCH} a call": changes.dollars(us, news=False, alone=False),
        "no news, one a call": changes.dollars(us, news=False, alone=True),
    }
    names = list(next(iter(cases.values())))
    yield from _table(("", *names), [(case, *(f"{each[name]:.2f}" for name in names)) for case, each in cases.items()])


def _dollars(entry: Json, name: str) -> dict[str, float]:
    return costs.for_a_million(entry, queue=name in _QUEUED, seconds="5 ms")


def _cost_chart(results: Json) -> str:
    entries = results["mixes"]["newsletter"]
    prices = costs.PRICES
    polls = prices["assumed"]["sqs_polls_a_month"] / 1e6 * prices["dollars"]["sqs_requests_million"]
    series = {}
    for name in entries:
        if name == "states that differ":
            continue
        million = _dollars(entries[name], name)["sum"]
        idle = polls if name in _QUEUED else 0.0
        series[name] = [(volume, idle + million * volume / 1e6) for volume in _VOLUMES]
    return plot.line_chart("Newsletter: dollars a month", "notifications a month", "US dollars", series)


def _time_chart(results: Json) -> str:
    return plot.line_chart(
        "Queue mode: CPU time a notification",
        "messages a batch, or notifications so far",
        "µs",
        {
            "by batch, over HTTP": [(each["batch"], each["us"]) for each in results["batches"]],
            "by volume, in process": [(each["notifications"], each["us"]) for each in results["growth"]],
        },
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
