"""`mailing`'s commands as people run them, by those policies that docs/operate.md gives, with signed calls."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.emulator import Emulator
from healthy_mailing.timestamp import to_utc
from support import ses
from support.command_line import PROGRAM, Mailing, Ran
from support.hand_made import Filled, filled, hand_made, without_index
from support.iam import as_user, user
from support.runbook import actions_of, named_by, operating, without

OPT_OUT, BOUNCE, COMPLAINT = "opt-out", "bounce:Permanent/General", "complaint:abuse"


@pytest.fixture(scope="module")
def people(stack: Filled) -> Iterator[Mapping[str, Mailing]]:
    """The command line of someone who may look, and of one who may decide too."""
    read, operate = operating(stack)
    with user(stack.emulator, *read) as reader, user(stack.emulator, *operate) as operator:
        yield {"read": as_user(stack, reader), "operate": as_user(stack, operator)}


@pytest.fixture(scope="module")
def known(stack: Filled) -> Mapping[str, str]:
    """Addresses of which something is known, by what."""
    found = {name: ses.fresh(name) for name in ("fine", "bounced", "complained", "unclear", "left", "gone")}
    messages = [
        ses.delivery(found["fine"]),
        ses.bounce(found["bounced"]),
        ses.complaint(found["complained"]),
        ses.bounce(found["unclear"], kind="Undetermined", subtype="Undetermined"),
        ses.subscription(found["left"]),
        ses.subscription(found["gone"]),
        ses.bounce(found["gone"]),
    ]
    stack.publish(*map(ses.text, messages))
    return found


def test_check_says_of_each_address_whether_it_may_be_mailed(
    people: Mapping[str, Mailing], known: Mapping[str, str]
) -> None:
    mailing = people["read"]
    new = ses.fresh("new")

    some = mailing("check", known["fine"], f"Bo <{known['bounced'].upper()}>", new, "a@b@")
    assert some.code == 1
    assert [line.split("  ")[0] for line in some.out.splitlines()] == [
        known["fine"],
        f"Bo <{known['bounced'].upper()}>",
        new,
        "a@b@",
    ]
    assert [re.split("  +", line)[1] for line in some.out.splitlines()] == ["yes", "no", "yes", "no"]
    assert mailing("check", known["fine"], new).code == 0

    left, gone = known["left"], known["gone"]
    bulk = mailing("check", left, gone, "--json").json
    transactional = mailing("check", left, gone, "--transactional", "--json").json
    assert [(each["mayBeMailed"], each["reason"]) for each in bulk] == [(False, OPT_OUT), (False, OPT_OUT)]
    assert [(each["mayBeMailed"], each["reason"]) for each in transactional] == [(True, OPT_OUT), (False, BOUNCE)]


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("fine", 0, ["Rule 7", "delivery"]),
        ("bounced", 1, ["Rule 4", "clear-bounces", "550 5.1.1"]),
        ("complained", 1, ["Rule 2", "mailing enable"]),
        ("unclear", 1, ["Rule 6", "not before someone has checked"]),
        ("left", 1, ["Rule 3", "password reset", "Transactional mail    yes"]),
        ("gone", 1, ["Rule 3", "Rule 4", "Transactional mail    no"]),
    ],
)
def test_explain_says_why_and_what_would_change_it(
    people: Mapping[str, Mailing], known: Mapping[str, str], name: str, code: int, says: list[str]
) -> None:
    told = people["read"]("explain", known[name])
    assert (told.code, told.err) == (code, "")
    text = re.sub(r"\s+", " ", told.out)
    assert [each for each in says if re.sub(r"\s+", " ", each) not in text] == []
    assert max(map(len, told.out.splitlines())) <= 80
    assert "SES's own suppression list does not have" in text
    (told_json,) = people["read"]("explain", known[name], "--json").json
    assert told_json["address"] == known[name]
    assert told_json["notes"] == []


def test_explain_of_an_unknown_address_and_of_one_on_the_list_of_ses(
    people: Mapping[str, Mailing], stack: Filled
) -> None:
    address, sesv2 = ses.fresh("new"), stack.emulator.client("sesv2")
    assert people["read"]("explain", address).code == 0
    sesv2.put_suppressed_destination(EmailAddress=address, Reason="BOUNCE")
    told = people["read"]("explain", address)
    (fields,) = people["read"]("explain", address, "--json").json
    sesv2.delete_suppressed_destination(EmailAddress=address)
    assert "Nothing is known of this address." in told.out
    assert "list has it since" in re.sub(r"\s+", " ", told.out)
    assert fields["ses"] == {"listed": True, "sesReason": "BOUNCE", "since": to_utc(fields["ses"]["since"])}


def test_explain_tells_if_the_rules_have_changed(people: Mapping[str, Mailing], stack: Filled) -> None:
    address, function = ses.fresh("soft"), stack.outputs["function_name"]
    stack.publish(ses.text(ses.bounce(address, kind="Transient", subtype="MailboxFull")))
    held = stack.lambda_.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    changed = {"Variables": {**held, "SOFT_BOUNCE_LIMIT": "1"}}
    stack.lambda_.update_function_configuration(FunctionName=function, Environment=changed)  # type: ignore[arg-type]  # a plain dict is one
    try:
        told = people["read"]("explain", address)
    finally:
        stack.lambda_.update_function_configuration(FunctionName=function, Environment={"Variables": held})
    assert told.code == 0
    assert "`mailing reassess` writes that" in re.sub(r"\s+", " ", told.out)


def test_list_shows_who_may_not_be_mailed(people: Mapping[str, Mailing], known: Mapping[str, str]) -> None:
    mailing = people["read"]

    def listed(*options: str) -> set[str]:
        found = mailing("list", "--limit", "10000", "--json", *options)
        assert found.code == 0
        return {each["address"] for each in found.json} & set(known.values())

    assert listed() == {known[name] for name in ("bounced", "complained", "left", "gone")}
    assert listed("--state", "review") == {known["unclear"]}
    assert listed("--reason", "complaint") == {known["complained"]}
    assert listed("--reason", "bounce") == {known["bounced"]}
    assert listed("--domain", "Example.COM", "--reason", "opt-out") == {known["left"], known["gone"]}
    assert listed("--domain", "example.org") == set()
    assert listed("--since", "2999-01-01T00:00:00Z") == listed("--since", "2999-01-01") == set()
    assert listed("--since", "2020-01-01") == listed()
    assert listed("--sender", "example.org") == listed()
    assert listed("--sender", "nobody@example.org") == set()
    one = mailing("list", "--limit", "1")
    assert (one.code, len(one.out.splitlines())) == (0, 1)
    assert "--limit lists more" in one.err
    assert mailing("list", "--state", "enable").code == 2
    assert mailing("list", "--since", "yesterday").code == 2


def test_the_figures_are_those_of_the_table(
    people: Mapping[str, Mailing], stack: Filled, known: Mapping[str, str], tmp_path: Path
) -> None:
    mailing = people["read"]
    ran = mailing("stats", "--json")
    assert ran.code in {0, 1}  # other tests bounce as they like
    (figures,) = ran.json
    assert figures["addresses"] == sum(figures["states"].values()) >= len(known)
    assert figures["states"]["disable"] + figures["states"]["review"] == sum(figures["reasons"].values())
    assert {OPT_OUT, BOUNCE, COMPLAINT} <= figures["reasons"].keys()
    assert figures["window"]["hard"] <= figures["window"]["reached"]
    shown = mailing("stats")
    assert "may be mailed" in shown.out
    assert known["bounced"] not in shown.out

    page = tmp_path / "report.html"
    ran = mailing("report", "--html", str(page))
    assert (ran.code, ran.err) == (0, "")
    text = page.read_text()
    assert stack.outputs["table_name"] in text
    assert "b***@example.com" in text
    assert known["bounced"] not in text


def test_an_override_is_set_and_removed_in_the_name_of_who_does_it(
    people: Mapping[str, Mailing], stack: Filled
) -> None:
    mailing, address = people["operate"], ses.fresh("called")
    disabled = mailing("disable", address.upper(), "--note", "asked by phone")
    assert disabled.out == f"{address}: disable (operator)\nDisabled: 1.\n"
    item = stack.item(address) or {}
    assert (item["state"], item["evidence"]["override"]["note"]) == ("disable", "asked by phone")
    assert ":user/" in item["evidence"]["override"]["by"]
    assert mailing("check", address, "--transactional").code == 1

    (done,) = mailing("enable", address, "--json").json
    by, at = (item["evidence"]["override"][name] for name in ("by", "at"))
    assert done == {
        "address": address,
        "result": "enabled",
        "state": "enable",
        "transactional": "enable",
        "reason": "operator",
        "before": "disable",
        "replacedNote": {"note": "asked by phone", "by": by, "at": at},
    }
    assert stack.states(address) == {address: "enable"}

    assert mailing("remove-override", address).out == f"{address}: the override is gone; enable (nothing is known)\n"
    assert mailing("remove-override", address).code == 1


def test_a_decision_takes_effect_where_a_clock_is_ahead(people: Mapping[str, Mailing], stack: Filled) -> None:
    mailing, address, ahead = people["operate"], ses.fresh("ahead"), "2999-01-01T00:00:00.000Z"
    stack.publish(ses.text(ses.complaint(address, at=ahead)))

    enabled = mailing("enable", address)
    assert (enabled.code, enabled.out) == (0, f"{address}: enable (operator)\nEnabled: 1.\n")
    told = re.sub(r"\s+", " ", enabled.err)
    assert "The recipient complained on 2999-01-01" in told
    assert "dated 2999-01-01 00:00:00 UTC" in told
    assert mailing("disable", address).code == 0
    assert stack.states(address) == {address: "disable"}
    assert (stack.item(address) or {})["evidence"]["override"]["at"] == "2999-01-01T00:00:00.002Z"


def test_enabling_tells_of_a_complaint_of_a_note_and_of_the_list_of_ses(
    people: Mapping[str, Mailing], stack: Filled
) -> None:
    mailing, address, sesv2 = people["operate"], ses.fresh("x`id`"), stack.emulator.client("sesv2")
    stack.publish(ses.text(ses.complaint(address)))
    assert mailing("disable", address, "--note", "called").code == 0
    assert "This replaces the note of" in mailing("disable", address, "--note", "wrote").err
    sesv2.put_suppressed_destination(EmailAddress=address.upper(), Reason="BOUNCE")
    try:
        told = mailing("enable", address.upper())
        (told_json,) = mailing("enable", address.upper(), "--json").json
    finally:
        sesv2.delete_suppressed_destination(EmailAddress=address.upper())
    assert told.code == 0
    assert "The recipient complained on" in told.err
    assert '"wrote"' in told.err
    assert f"`mailing clear-bounces --ses '{address.upper()}'` takes it off" in told.err
    assert told_json["sesReasons"] == ["BOUNCE"]
    with user(stack.emulator, *without(operating(stack)[1], "ses:GetSuppressedDestination")) as lacking:
        quiet = as_user(stack, lacking)("enable", address)
    assert (quiet.code, "can't be told" in quiet.err) == (0, True)


def test_many_addresses_are_decided_about_after_a_question(
    people: Mapping[str, Mailing], stack: Filled, tmp_path: Path
) -> None:
    mailing = people["operate"]
    addresses = sorted(ses.fresh("many") for _ in range(12))
    file = tmp_path / "list.txt"
    file.write_text("\n".join([*addresses, "nobody"]))
    unknown = dict.fromkeys(addresses)

    shown = mailing("disable", str(file), "--dry-run")
    assert (shown.code, shown.out[:36]) == (0, "Without --dry-run: disable 12 addres")
    asked = mailing("disable", str(file))
    assert asked.code == 2
    assert "--yes" in asked.err
    refused = mailing.at_a_terminal("disable", str(file), answer="n\n")
    assert refused.code == 1
    assert "Disable 12 addresses" in refused.out
    assert stack.states(*addresses) == unknown

    done = mailing.at_a_terminal("disable", str(file), answer="y\n")
    assert done.code == 1, done.out
    assert "nobody: has no @" in done.out
    assert "Disabled: 12." in done.out
    assert stack.states(*addresses) == dict.fromkeys(addresses, "disable")
    assert mailing("enable", "-", "--yes", stdin="\n".join(addresses)).out == "Enabled: 12.\n"
    assert stack.states(*addresses) == dict.fromkeys(addresses, "enable")


@pytest.mark.parametrize(
    "given", [b"\xff\xfe@example.com", b"a\x1b[2Jb@example.com", "j\u00fcrgen\u202e@example.com", "@", " "]
)
def test_an_address_of_any_bytes_is_answered(people: Mapping[str, Mailing], given: str | bytes) -> None:
    for command in ("check", "explain", "disable", "enable", "remove-override"):
        ran = people["operate"](command, given)
        assert ran.code in {1, 2}, ran
        assert "Traceback" not in ran.err
        assert "\x1b" not in ran.out + ran.err


def test_who_may_do_nothing_is_told_so_by_each_command(stack: Filled, tmp_path: Path) -> None:
    address, name = ses.fresh("a"), ("--name", stack.stack.name)
    file = tmp_path / "list.txt"
    file.write_text(address)
    with user(stack.emulator) as nobody:
        mailing = as_user(stack, nobody)
        for command in (
            ("check", address),
            ("explain", address),
            ("list",),
            ("stats",),
            ("stats", "--from-export", "s3://my-bucket/mailing"),
            ("report", "--html", str(tmp_path / "report.html")),
            ("disable", address),
            ("enable", address),
            ("remove-override", address),
            ("clear-bounces", address, "--yes"),
            ("reassess", "--yes"),
            ("erase", address),
            ("erase", address, "--forget", "--yes"),
            ("import", str(file), "--yes", "--as", "opt-outs", "--at", "2026-01-01T00:00:00Z"),
            ("export",),
            ("export", "--start-export", "s3://my-bucket/mailing"),
            ("export", "--from-export", "s3://my-bucket/mailing"),
            ("sync-ses", "pull", "--yes"),
            ("sync-ses", "push", "--yes"),
            ("publish", "delivery", *name),
            ("redrive", *name),
            ("redrive", "--changes", *name),
        ):
            ran = mailing(*command)
            # What fails one by one is said of each.
            assert ran.code == (1 if "--forget" in command else 2), (command, ran)
            *_, last = ran.err.splitlines()
            assert "These credentials may not" in last, (command, ran)
            assert "Traceback" not in ran.err
    assert stack.item(address) is None


@pytest.mark.parametrize(
    ("given", "options"),
    [("{fine}", []), ("{fine}\n{bounced}\n", ["--json"]), ("a@b@\n\u00fc\n", []), ("", ["--no-such-option"])],
)
def test_commands_that_are_forked_are_as_those_that_are_started(
    people: Mapping[str, Mailing], known: Mapping[str, str], given: str, options: list[str]
) -> None:
    """On which all other tests of commands rest."""
    mailing, text = people["read"], given.format_map(known).encode("latin-1")
    started = subprocess.run(
        [*PROGRAM, "check", "-", *options, "--table", mailing.table],
        input=text,
        capture_output=True,
        env=mailing.whole_environment(),
        check=False,
    )
    assert mailing("check", "-", *options, stdin=text) == Ran(
        started.returncode, started.stdout.decode(), started.stderr.decode()
    )


def test_the_runbook_s_policies_are_what_the_commands_need(stack: Filled) -> None:
    """Each command's own test shows that it asks for what its module names: below, and beside what the others do."""
    read, operate = operating(stack)
    assert actions_of(operate) == named_by()
    assert actions_of(read) == named_by("check", "explain", "list", "stats", "report", "doctor")


def test_the_commands_ask_for_what_their_modules_name_and_for_nothing_else(
    stack: Filled, known: Mapping[str, str], tmp_path: Path
) -> None:
    fine, bounced, new = known["fine"], known["bounced"], ses.fresh("new")
    runs: dict[tuple[str, ...], list[tuple[str, ...]]] = {
        ("check",): [("check", fine, bounced)],
        ("explain",): [("explain", bounced)],
        ("list",): [("list", "--limit", "1")],
        ("stats",): [("stats",)],
        ("report",): [("report", "--html", str(tmp_path / "report.html"))],
        ("enable", "disable", "remove_override"): [("disable", new), ("enable", new), ("remove-override", new)],
    }
    # 1 where someone may not be mailed, or the rates are too high.
    codes: dict[tuple[str, ...], set[int]] = {("check",): {1}, ("explain",): {1}, ("stats",): {0, 1}}
    with user(stack.emulator, *operating(stack)[1]) as operator:
        for modules, commands in runs.items():
            noted = tmp_path / "-".join(modules)
            mailing = as_user(stack, operator).noting(noted)
            assert {mailing(*command).code for command in commands} <= codes.get(modules, {0})
            assert set(noted.read_text().split()) == named_by(*modules)


def test_explain_says_what_it_may_not_ask(stack: Filled, known: Mapping[str, str]) -> None:
    read, _ = operating(stack)
    for action, says in (
        ("lambda:GetFunctionConfiguration", "default rules"),
        ("ses:GetSuppressedDestination", "can't be told"),
    ):
        with user(stack.emulator, *without(read, action)) as lacking:
            told = as_user(stack, lacking)("explain", known["bounced"])
        assert (told.code, says in re.sub(r"\s+", " ", told.out)) == (1, True), told


@pytest.mark.parametrize("way", ["queue", "direct"])
def test_redrive_asks_for_what_its_modules_name_and_for_nothing_else(
    emulator: Emulator, way: str, tmp_path: Path
) -> None:
    made = hand_made(emulator)
    stack, noted = filled(made), tmp_path / "actions"
    if way == "direct":
        stack.sqs.delete_queue(QueueUrl=made.url())
    # What is asked of the queue, and of the function in its place.
    own = {
        "queue": {"sqs:SendMessage", "lambda:ListEventSourceMappings"},
        "direct": {"lambda:GetFunctionEventInvokeConfig", "lambda:InvokeFunction"},
    }
    _, operate = operating(stack)
    with user(emulator, *operate) as operator:
        mailing = as_user(stack, operator).noting(noted)
        for options in (["--dry-run"], []):  # what is only looked at is made visible again
            stack.sqs.send_message(
                QueueUrl=made.url("-dead-letter"), MessageBody=ses.text(ses.complaint(ses.fresh("dead")))
            )
            assert mailing("redrive", "--name", made.name, *options).code == 0
    assert set(noted.read_text().split()) == named_by("redrive") - set().union(*own.values()) | own[way]


def letters_in(stack: Filled) -> int:
    """Return how many dead letters can be seen."""
    asked: Any = {"QueueUrl": stack.outputs["dead_letter_queue_url"], "AttributeNames": ["All"]}
    return int(stack.sqs.get_queue_attributes(**asked)["Attributes"]["ApproximateNumberOfMessages"])


def test_dead_letters_are_shown_saved_and_dropped(emulator: Emulator, tmp_path: Path) -> None:
    made = hand_made(emulator)
    stack, file = filled(made), tmp_path / "letters.ndjson"
    bodies = {
        ses.text(ses.complaint(ses.fresh("dead"))): ("Complaint", ""),
        '{"eventType": 7}': ("unreadable", "eventType"),
    }
    for body in bodies:
        stack.sqs.send_message(QueueUrl=made.url("-dead-letter"), MessageBody=body)
    mailing = Mailing(emulator.environment(), made.name)

    shown = mailing("redrive", "--save", "-")
    assert (shown.code, "Saved to standard output: 2." in shown.err) == (0, True)
    for letter in shown.json:
        kind, problem = bodies[letter["body"]]
        assert (letter["kinds"], problem in letter["message"], bool(letter["message"])) == ([kind], True, bool(problem))
    assert (len(shown.json), letters_in(stack)) == (2, 2)

    for options, says in (
        (["--drop"], "--save FILE"),
        (["--drop", "--save", str(file)], "Save about 2 dead letters"),
        (["--save", str(tmp_path)], "is there already"),
    ):
        ran = mailing("redrive", *options)
        assert (ran.code, says in ran.err) == (2, True), ran
    planned = mailing("redrive", "--drop", "--save", str(file), "--dry-run")
    assert (planned.code, f"Without --dry-run they go to {file} and are deleted." in planned.out) == (0, True)
    assert (file.exists(), letters_in(stack)) == (False, 2)

    (dropped,) = mailing("redrive", "--drop", "--save", str(file), "--yes", "--json").json
    assert (dropped["deadLetterQueue"], dropped["saved"], dropped["dropped"]) == (
        f"{made.name}-feedback-dead-letter",
        2,
        2,
    )
    saved = [json.loads(line) for line in file.read_text().splitlines()]
    assert {each["body"] for each in saved} == bodies.keys()
    assert (file.stat().st_mode & 0o777, letters_in(stack)) == (0o600, 0)


def test_a_table_that_is_not_there_is_named_before_anything_is_done(emulator: Emulator, tmp_path: Path) -> None:
    mailing = Mailing(emulator.environment(), "maling")
    for command in (
        ("stats",),
        ("list",),
        ("check", "a@example.com"),
        ("report", "--html", str(tmp_path / "report.html")),
        ("simulate", "--from", "news@example.com"),
    ):
        ran = mailing(*command)
        assert (ran.code, ran.out) == (2, "")
        # The first and only line: nothing was sent.
        (line,) = ran.err.splitlines()
        assert line.startswith(f"error: There is no table maling in {emulator.region}: name it with --table, and its")


def test_a_list_without_the_index_names_the_remedy(emulator: Emulator) -> None:
    made = hand_made(emulator)
    without_index(made)
    ran = Mailing(emulator.environment(), made.name)("list")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert f"The table {made.name} in {emulator.region} has no index suppressed-updatedAt" in ran.err
    assert "table.index" in ran.err


def test_without_an_action_redrive_says_so_in_a_line(emulator: Emulator) -> None:
    made = hand_made(emulator)
    stack = filled(made)
    stack.sqs.send_message(QueueUrl=made.url("-dead-letter"), MessageBody=ses.text(ses.complaint(ses.fresh("dead"))))
    _, operate = operating(stack)
    for action in ("sqs:ReceiveMessage", "sqs:SendMessage", "sqs:DeleteMessage"):
        with user(emulator, *without(operate, action)) as lacking:
            ran = as_user(stack, lacking)("redrive", "--name", made.name)
        assert ran.code in {1, 2}, ran
        assert [("These credentials may not" in line) for line in ran.err.splitlines()] == [True], ran
