"""What a person decides about an address holds for who looks it up, or the command says what stands in the way."""

import itertools
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from healthy_mailing import operations
from healthy_mailing.address import canonical, forms
from healthy_mailing.evidence import MarkKind, Purpose, State, evidence_of, override
from healthy_mailing.item import state_of
from healthy_mailing_cli.shell.output import CommandError
from support.marks import mark
from support.table import TABLE

from .conftest import DynamoDB, Run, add, items, soon, table_of, write

BEFORE, AHEAD = "2026-03-01T12:00:00.000Z", "2999-01-01T00:00:00.000Z"


KINDS = {
    "complaint": mark(MarkKind.COMPLAINT),
    "bounce": mark(MarkKind.HARD_BOUNCE),
    "delivery": mark(MarkKind.DELIVERY),
    "opt-out": mark(MarkKind.OPT_OUT),
    "decision": override(State.DISABLE, BEFORE, "zoe"),
}
NONE, ODD = "none", "odd"  # no row; a row that is no record

STRASSE, QUOTED, CAPITAL, DASH = "J{}@stra\u00dfe.de", '"J{}"@example.com', "J{}@Example.org", "-J{}@Example.org"


def keys_of(given: str) -> list[str]:
    """Return the keys of all rows that a lookup reads."""
    return list(dict.fromkeys([*forms(given), given]))


def put(client: DynamoDB, rows: Mapping[str, str]) -> None:
    for key, kind in rows.items():
        if kind == ODD:
            client.put_item(TableName=TABLE, Item={"UserId": {"S": key}, "state": {"S": "disable"}})
    marks = {key: evidence_of([KINDS[kind]]) for key, kind in rows.items() if kind in KINDS}
    assert not [each for each in write(client, marks).values() if each.error]


def looked_up(client: DynamoDB, given: Sequence[str], purpose: Purpose) -> dict[str, tuple[State | None, str]]:
    """Return the state of each address for a kind of mail, and the key that decides, as `mailing check` has them."""
    answers = operations.check(table_of(client), given, soon(), purpose=purpose, consistent=True)
    return {each.given: (state_of(each.item, purpose) if each.item else State.ENABLE, each.address) for each in answers}


def everything(form: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield addresses, each with another combination of rows."""
    count = len(keys_of(form.format(0)))
    for number, kinds in enumerate(itertools.product([NONE, "complaint", ODD], repeat=count)):
        given = form.format(number)
        yield given, dict(zip(keys_of(given), kinds, strict=True))


@pytest.mark.parametrize("form", [STRASSE, QUOTED])
@pytest.mark.parametrize("state", [State.ENABLE, State.DISABLE])
def test_what_is_printed_is_what_a_lookup_finds(client: DynamoDB, run: Run, form: str, state: State) -> None:
    cases = dict(everything(form))
    put(client, {key: kind for rows in cases.values() for key, kind in rows.items()})
    before = items(client)

    done = run(state, "-", "--yes", "--json", stdin="\n".join(cases))
    told = {each["address"]: each for each in map(json.loads, done.stdout.splitlines())}

    assert done.exit_code == 1
    assert told.keys() == set(map(canonical, cases))
    found, after = {purpose: looked_up(client, [*cases], purpose) for purpose in Purpose}, items(client)
    for given, rows in cases.items():
        address = canonical(given)
        if rows[address] == ODD:
            assert told[address]["error"] == "RecordError"
            continue
        decisive = found[Purpose.BULK][given]
        assert (told[address]["state"], told[address].get("decidedBy", address)) == decisive, rows
        # Only what may be another's stands in the way, and what nobody understands.
        others = {kind for key, kind in rows.items() if canonical(key) != address}
        spelled = {kind for key, kind in rows.items() if canonical(key) == address}
        stands = ODD in spelled or (state is State.ENABLE and bool(others & {"complaint", ODD}))
        assert ({found[purpose][given][0] for purpose in Purpose} == {state}) is not stands, rows
        for key in rows:
            if canonical(key) != address:
                assert after.get(key) == before.get(key), "the row of another address"


def commands(text: str) -> list[list[str]]:
    """Return the commands that an output suggests, as a shell reads them."""
    return [shlex.split(each)[1:] for each in re.findall(r"`(mailing .+?)`(?=[.;, ])", text.replace("\n", " "))]


@pytest.mark.parametrize(
    ("kind", "form"),
    [("bounce", STRASSE), ("bounce", CAPITAL), *(("decision", form) for form in (STRASSE, QUOTED, CAPITAL, DASH))],
)
def test_what_explain_suggests_works_when_it_is_pasted(client: DynamoDB, run: Run, kind: str, form: str) -> None:
    """A decision has two suggestions: to take it back, and to enable."""
    for number, choice in itertools.product(range(len(keys_of(form))), [0, 1] if kind == "decision" else [0]):
        given = form.format(f"{number}{choice}")
        put(client, {keys_of(given)[number]: kind})
        command = [each for each in commands(run("explain", "--", given).stdout) if "@" in each[-1]][choice]
        done = run(*command)
        assert done.exit_code == 0, done.output
        assert run("check", "--", given).exit_code == 0, command
        assert run("explain", "--", given).exit_code == 0


def test_an_override_is_removed_from_each_row_of_an_address(client: DynamoDB, run: Run) -> None:
    for key in ("jane@example.org", "Jane@Example.org"):
        put(client, {key: "bounce"})
        put(client, {key: "decision"})
    (removal, _) = commands(run("explain", "Jane@Example.org").stdout)
    assert run(*removal).stdout == "jane@example.org: the override is gone; disable (bounce:Permanent/General)\n"
    assert run(*removal).exit_code == 1
    assert [row["evidence"]["M"].keys() for row in items(client).values()] == [{"hardBounce"}] * 2


def test_all_forms_can_be_decided_about_at_once(client: DynamoDB, run: Run) -> None:
    put(client, {"jane@strasse.de": "complaint"})
    refused = run("enable", "jane@stra\u00dfe.de")
    assert refused.exit_code == 1
    assert refused.stdout == "jane@xn--strae-oqa.de: disable (complaint)\nDecided, and yet not enable: 1.\n"
    assert commands(refused.stderr) == [["enable", "jane@strasse.de"]]
    assert run("enable", "jane@stra\u00dfe.de", "jane@strasse.de").exit_code == 0


def test_an_override_of_another_form_is_named(client: DynamoDB, run: Run) -> None:
    put(client, {"jane@strasse.de": "decision"})
    done = run("remove-override", "jane@stra\u00dfe.de")
    assert (done.exit_code, done.stdout) == (1, "jane@xn--strae-oqa.de: there is no override\n")
    assert commands(done.stderr) == [["remove-override", "jane@strasse.de"]]
    assert run("remove-override", "jane@strasse.de").exit_code == 0


@pytest.mark.parametrize("options", [[], ["--forget", "--yes"]], ids=str)
@pytest.mark.parametrize("rows", [["jane@strasse.de"], ["jane@strasse.de", "jane@xn--strae-oqa.de"]])
def test_what_is_left_of_an_erased_person_is_named(
    client: DynamoDB, run: Run, options: list[str], rows: list[str]
) -> None:
    for key in rows:
        put(client, {key: "complaint"})
    done = run("erase", "jane@stra\u00dfe.de", *options)
    assert (done.exit_code, done.stdout) == (1, "Left in another row: 1.\n")
    assert "may be mailed" not in done.output
    (told,) = map(json.loads, run("erase", "jane@stra\u00dfe.de", "--json", *options).stdout.splitlines())
    assert told["left"] == ["jane@strasse.de"]
    (command,) = commands(done.stderr)
    assert run(*command, *options[1:]).exit_code == 0
    again = run("erase", "jane@stra\u00dfe.de", *options)
    assert (again.exit_code, again.stdout[:7]) == (0, "Nothing")
    assert "news@" not in str(items(client))


# ---- clear-bounces


def test_a_bounce_of_another_form_is_named(client: DynamoDB, run: Run) -> None:
    for rows in ({"jane@strasse.de": "bounce"}, {"jane@xn--strae-oqa.de": "delivery"}):
        for key, kind in rows.items():
            put(client, {key: kind})
        done = run("clear-bounces", "jane@stra\u00dfe.de")
        assert done.exit_code == 1
        assert commands(done.stderr) == [["clear-bounces", "jane@strasse.de"]]
    assert "a bounce still keeps mail back: 1." in done.stdout
    assert run("clear-bounces", "jane@strasse.de").exit_code == 0
    assert run("check", "jane@stra\u00dfe.de").exit_code == 0


def test_of_two_rows_that_block_the_one_that_blocks_all_mail_is_told(client: DynamoDB, run: Run) -> None:
    """An opt-out does not count for transactional mail, and a bounce of the other form does."""
    put(client, {"jane@xn--strae-oqa.de": "opt-out", "jane@strasse.de": "bounce"})
    done = run("clear-bounces", "jane@stra\u00dfe.de", "--json")
    assert done.exit_code == 1
    (told,) = map(json.loads, done.stdout.splitlines())
    assert (told["result"], told["transactional"], told["decidedBy"]) == ("bounced", "disable", "jane@strasse.de")


@pytest.mark.parametrize("kind", ["complaint", "delivery"])
def test_where_nothing_is_to_be_cleared_nothing_is_written(client: DynamoDB, run: Run, kind: str) -> None:
    put(client, {"jane@example.org": kind})
    before = items(client)
    assert run("clear-bounces", "jane@example.org", "--dry-run").stdout == "Nothing to clear.\n"
    done = run("clear-bounces", "jane@example.org")
    blocked = "Still blocked: complaint 1.\n" if kind == "complaint" else ""
    assert (done.exit_code, done.stdout) == (0, f"Nothing to clear: 1.\n{blocked}")
    (told,) = map(json.loads, run("clear-bounces", "jane@example.org", "--json").stdout.splitlines())
    assert (told["result"], told["state"]) == ("nothing", "disable" if blocked else "enable")
    assert items(client) == before


def test_a_clearing_is_not_made_twice(client: DynamoDB, run: Run) -> None:
    put(client, {"jane@example.org": "bounce"})
    assert run("clear-bounces", "jane@example.org").stdout.startswith("May get all mail again")
    before = items(client)
    assert run("clear-bounces", "jane@example.org").stdout == "Already cleared: 1.\n"
    assert items(client) == before


def test_a_selection_makes_no_record_of_someone_who_was_forgotten(client: DynamoDB, run: Run, tmp_path: Any) -> None:
    file = tmp_path / "selection.csv"
    file.write_text(f"address,until\njane@example.org,{BEFORE}\n")
    assert run("clear-bounces", "--selection", str(file)).stdout == "Nothing to clear: 1.\n"
    assert items(client) == {}


@pytest.mark.parametrize(
    "given",
    [["jane@example.org"] * 2, ["jane@example.org", "JANE@example.org"], ["Jane@example.org", "jane@Example.org"]],
)
@pytest.mark.parametrize("window", [1, 1_000])
def test_an_address_that_is_given_twice_counts_once(
    client: DynamoDB, run: Run, given: Sequence[str], window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("healthy_mailing_cli.decisions.clearing.WINDOW", window)
    for key in {canonical(given[0]), *given}:
        put(client, {key: "bounce"})
    assert "the bounces of 1 address: jane@example.org." in run("clear-bounces", *given, "--dry-run").stdout
    assert "again, unless SES" not in (done := run("clear-bounces", *given)).stdout
    assert done.stdout == "May get all mail again: 1.\n"
    assert run("check", *given).exit_code == 0


def test_a_clearing_that_reaches_into_the_future_is_told(client: DynamoDB, run: Run) -> None:
    add(client, mark(MarkKind.HARD_BOUNCE, AHEAD), address="jane@example.org")
    put(client, {"joe@example.org": "bounce"})
    assert run("clear-bounces", "joe@example.org").stderr == ""
    done = run("clear-bounces", "jane@example.org")
    assert done.stdout == "May get all mail again: 1.\n"
    assert "Bounces until 2999-01-01 00:00:00 UTC do not count, those to come too" in done.stderr


MONDAY = ("--from", "2020-12-14T22:16:00Z", "--to", "2020-12-15T00:38:00Z")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["clear-bounces"], "--selection"),
        (["clear-bounces", "--from", "2020-12-14T22:16:00Z"], "--to"),
        (["clear-bounces", "a@example.com", "--selection", "x"], "Say which"),
        (["clear-bounces", "a@example.com", *MONDAY], "Say which"),
        (["clear-bounces", "--from", "yesterday", "--to", "2020-12-14T22:16:00Z"], "--from yesterday"),
        (["clear-bounces", "--from", "yesterday", "--to", "9999-12-31T23:59:59Z"], "--from yesterday"),
        (["clear-bounces", "--from", "2020-12-15T22:16:00Z", "--to", "2020-12-14T22:16:00Z"], "later than"),
        (["clear-bounces", "--from", "2999-12-15T22:16:00Z", "--to", "2999-12-16T22:16:00Z"], "future"),
        (["clear-bounces", *MONDAY, "--grace", "soon"], "--grace soon"),
        (["clear-bounces", *MONDAY, "--diagnostic", "("], "regular expression"),
        (["clear-bounces", *MONDAY, "--domain", "a b"], "--domain a b"),
        (["clear-bounces", *MONDAY, "--note", "x" * 257], "note"),
        (["clear-bounces", "--selection", "/no/such/file"], "can't be read"),
        (["clear-bounces", "--selection", "README.md"], "not a selection"),
        *(
            (["reassess", "--rules", rule], "--rules")
            for rule in ("SOFT_BOUNCE_LIMIT", "LIMIT=5", "EXPIRE_DAYS=1", "=5")
        ),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_in_a_line(run: Run, command: list[str], says: str) -> None:
    done = run(*command, "--yes")
    assert isinstance(done.exception, CommandError)
    assert says in str(done.exception)
    assert "\n" not in str(done.exception)
    assert done.stdout == ""


def test_a_selection_is_cleared_if_all_of_it_can_be_read(client: DynamoDB, run: Run, tmp_path: Any) -> None:
    file, known = tmp_path / "selection.csv", f"jane@example.org,{BEFORE}\n"
    put(client, {"jane@example.org": "bounce"})
    before = items(client)
    file.write_text(f"address,until\n{known}joe@example.org,soon\n")
    spoilt = run("clear-bounces", "--selection", str(file))
    assert (str(spoilt.exception).count("line 3"), spoilt.stdout, items(client)) == (1, "", before)
    file.write_text("address,until\njane@example.org,2026-02-01T00:00:00.000Z\n")
    newer = run("clear-bounces", "--selection", str(file))
    blocked = "Cleared, but a bounce still keeps mail back: 1.\nStill blocked: bounce:Permanent/General 1.\n"
    assert (newer.exit_code, newer.stdout) == (1, blocked)
    file.write_text(f"\ufeffaddress;until\n{known.replace(',', ';')}")  # as a spreadsheet writes it
    assert run("clear-bounces", "--selection", str(file)).stdout == "May get all mail again: 1.\n"


def test_many_are_cleared_after_a_question(client: DynamoDB, run: Run) -> None:
    addresses = [f"{number}@example.org" for number in range(11)]
    put(client, dict.fromkeys(addresses, "bounce"))
    before = items(client)
    asked = run("clear-bounces", *addresses)
    assert re.match("Clear the bounces of 11 addresses: .* --yes", str(asked.exception))
    assert items(client) == before
    assert (
        run("clear-bounces", *addresses, "--yes").stdout
        == "May get all mail again, unless SES's own list has them, which --ses tells: 11.\n"
    )
