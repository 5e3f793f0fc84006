"""`mailing`'s commands as people run them, by those policies that docs/operate.md gives, with signed calls."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness import paths
from harness.emulator import Emulator
from support import ses
from support.command_line import Mailing
from support.eventually import eventually
from support.runbook import policies

from .conftest import Deployed
from .test_feedback import fresh
from .test_permissions import user

OPT_OUT, BOUNCE, COMPLAINT = "opt-out", "bounce:Permanent/General", "complaint:abuse"


@pytest.fixture(autouse=True)
def _iam_is_enforced(emulator: Emulator) -> None:
    if not emulator.enforces_iam:
        pytest.skip(f"{emulator.name} enforces no permission")


def statements(deployed: Deployed) -> dict[str, list[dict[str, Any]]]:
    """Return the policies of the runbook, for this stack: ``read`` and ``operate``."""
    own = {
        "eu-west-1": deployed.emulator.region,
        "123456789012": deployed.outputs["table_arn"].split(":")[4],
        "table/mailing": f"table/{deployed.outputs['table_name']}",
        "mailing-feedback": deployed.outputs["function_name"],
        "mailing-changes": deployed.outputs["changes_function_name"],
        "identity/example.com": f"identity/{deployed.mode}.example",
    }
    read, operate, _ = policies(own)
    return {"read": read, "operate": [*read, *operate]}


def actions_of(policy: list[dict[str, Any]]) -> set[str]:
    return {action for each in policy for action in _listed(each["Action"])}


def without(policy: list[dict[str, Any]], action: str) -> list[dict[str, Any]]:
    """Return a policy that lacks an action."""
    lacking = [{**each, "Action": [one for one in _listed(each["Action"]) if one != action]} for each in policy]
    return [each for each in lacking if each["Action"]]


def _listed(actions: str | list[str]) -> list[str]:
    return [actions] if isinstance(actions, str) else actions


def as_user(deployed: Deployed, session: Any) -> Mailing:
    keys = session.get_credentials()
    environment = {
        **deployed.emulator.environment(),
        "AWS_ACCESS_KEY_ID": keys.access_key,
        "AWS_SECRET_ACCESS_KEY": keys.secret_key,
    }
    return Mailing(environment, deployed.outputs["table_name"])


@pytest.fixture(scope="module")
def people(deployments: Mapping[str, Deployed]) -> Iterator[Mapping[str, Mailing]]:
    """The command line of someone who may look, and of one who may decide too."""
    deployed = deployments["queue"]
    policies = statements(deployed)
    with (
        user(deployed.emulator, *policies["read"]) as reader,
        user(deployed.emulator, *policies["operate"]) as operator,
    ):
        yield {"read": as_user(deployed, reader), "operate": as_user(deployed, operator)}


@pytest.fixture(scope="module")
def known(deployments: Mapping[str, Deployed]) -> Mapping[str, str]:
    """Addresses of which something is known, by what."""
    deployed = deployments["queue"]
    found = {name: fresh(name) for name in ("fine", "bounced", "complained", "unclear", "left", "gone")}
    messages = [
        ses.delivery(found["fine"]),
        ses.bounce(found["bounced"]),
        ses.complaint(found["complained"]),
        ses.bounce(found["unclear"], kind="Undetermined", subtype="Undetermined"),
        ses.subscription(found["left"]),
        ses.subscription(found["gone"]),
        ses.bounce(found["gone"]),
    ]
    deployed.publish(*map(ses.text, messages))
    states = {"fine": "enable", "unclear": "review"}
    expected = {address: states.get(name, "disable") for name, address in found.items()}
    eventually(lambda: deployed.states(*found.values()), expected)
    eventually(lambda: "transactional" in (deployed.item(found["gone"]) or {}), expected=False)
    return found


def test_check_says_of_each_address_whether_it_may_be_mailed(
    people: Mapping[str, Mailing], known: Mapping[str, str]
) -> None:
    mailing = people["read"]
    new = fresh("new")

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


def test_check_writes_a_file_without_those_that_may_not_be_mailed(
    people: Mapping[str, Mailing], known: Mapping[str, str], tmp_path: Path
) -> None:
    mailing, new = people["read"], fresh("new")
    rows = [
        b"\xef\xbb\xbfname;Email\r\n",
        b'"Doe; \xe9";' + known["fine"].encode() + b"\r\n",
        b"x;" + known["bounced"].encode() + b"\n",
        b'"two\nlines";' + new.encode() + b"\n",
        b"y;\xff@example.com\n",
        b"z;" + known["left"].encode(),
    ]
    given, kept = tmp_path / "list.csv", tmp_path / "good.csv"
    given.write_bytes(b"".join(rows))

    counted = mailing("check", str(given))
    assert counted.code == 1
    assert re.findall(r"^ *(\d+)  (.+)$", counted.out, re.MULTILINE) == [
        ("2", "may be mailed"),
        ("1", f"may not: {BOUNCE}"),
        ("1", f"may not: {OPT_OUT}"),
        ("1", "not an address"),
    ]
    assert mailing("check", str(given), "--keep", str(kept)).code == 0
    assert kept.read_bytes() == b"".join([rows[0], rows[1], rows[3]])
    assert mailing("check", "-", "--keep", str(kept), "--transactional", stdin=given.read_bytes()).code == 0
    assert kept.read_bytes() == b"".join([rows[0], rows[1], rows[3], rows[5]])
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv", "good.csv"] or len(list(tmp_path.iterdir())) == 2
    assert mailing("check", str(given), "--keep", str(tmp_path / "no" / "folder")).code == 2


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
    people: Mapping[str, Mailing], queue_mode: Deployed
) -> None:
    address, sesv2 = fresh("new"), queue_mode.emulator.client("sesv2")
    assert people["read"]("explain", address).code == 0
    sesv2.put_suppressed_destination(EmailAddress=address, Reason="BOUNCE")
    told = people["read"]("explain", address)
    sesv2.delete_suppressed_destination(EmailAddress=address)
    assert "Nothing is known of this address." in told.out
    assert "list has it since" in re.sub(r"\s+", " ", told.out)


def test_explain_tells_if_the_rules_have_changed(people: Mapping[str, Mailing], queue_mode: Deployed) -> None:
    address, function = fresh("soft"), queue_mode.outputs["function_name"]
    queue_mode.publish(ses.text(ses.bounce(address, kind="Transient", subtype="MailboxFull")))
    eventually(lambda: queue_mode.states(address), {address: "enable"})
    held = queue_mode.lambda_.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    changed = {"Variables": {**held, "SOFT_BOUNCE_LIMIT": "1"}}
    queue_mode.lambda_.update_function_configuration(FunctionName=function, Environment=changed)  # type: ignore[arg-type]  # a plain dict is one
    try:
        told = people["read"]("explain", address)
    finally:
        queue_mode.lambda_.update_function_configuration(FunctionName=function, Environment={"Variables": held})
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
    assert listed("--since", "2999-01-01T00:00:00Z") == set()
    one = mailing("list", "--limit", "1")
    assert (one.code, len(one.out.splitlines())) == (0, 1)
    assert "--limit lists more" in one.err
    assert mailing("list", "--state", "enable").code == 2
    assert mailing("list", "--since", "yesterday").code == 2


def test_the_figures_are_those_of_the_table(
    people: Mapping[str, Mailing], queue_mode: Deployed, known: Mapping[str, str], tmp_path: Path
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
    assert queue_mode.outputs["table_name"] in text
    assert "b***@example.com" in text
    assert known["bounced"] not in text


def test_an_override_is_set_and_removed_in_the_name_of_who_does_it(
    people: Mapping[str, Mailing], queue_mode: Deployed
) -> None:
    mailing, address = people["operate"], fresh("called")
    assert mailing("disable", address.upper(), "--note", "asked by phone").out == "Disabled: 1.\n"
    item = queue_mode.item(address) or {}
    assert (item["state"], item["evidence"]["override"]["note"]) == ("disable", "asked by phone")
    assert ":user/" in item["evidence"]["override"]["by"]
    assert mailing("check", address, "--transactional").code == 1

    (done,) = mailing("enable", address, "--json").json
    assert done == {"address": address, "state": "enable", "before": "disable"}
    assert queue_mode.states(address) == {address: "enable"}

    assert mailing("remove-override", address).code == 0
    assert mailing("remove-override", address).code == 1


def test_many_addresses_are_decided_about_after_a_question(
    people: Mapping[str, Mailing], queue_mode: Deployed, tmp_path: Path
) -> None:
    mailing = people["operate"]
    addresses = sorted(fresh("many") for _ in range(12))
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
    assert queue_mode.states(*addresses) == unknown

    done = mailing.at_a_terminal("disable", str(file), answer="y\n")
    assert done.code == 1, done.out
    assert "nobody: has no @" in done.out
    assert "Disabled: 12." in done.out
    assert queue_mode.states(*addresses) == dict.fromkeys(addresses, "disable")
    assert mailing("enable", "-", "--yes", stdin="\n".join(addresses)).out == "Enabled: 12.\n"
    assert queue_mode.states(*addresses) == dict.fromkeys(addresses, "enable")


@pytest.mark.parametrize(
    "given", [b"\xff\xfe@example.com", b"a\x1b[2Jb@example.com", "j\u00fcrgen\u202e@example.com", "@", " "]
)
def test_an_address_of_any_bytes_is_answered(people: Mapping[str, Mailing], given: str | bytes) -> None:
    for command in ("check", "explain", "disable", "enable", "remove-override"):
        ran = people["operate"](command, given)
        assert ran.code in {1, 2}, ran
        assert "Traceback" not in ran.err
        assert "\x1b" not in ran.out + ran.err


def test_who_may_not_do_it_is_told_in_a_line(people: Mapping[str, Mailing], queue_mode: Deployed) -> None:
    address = fresh("a")
    refused = people["read"]("disable", address)
    assert refused.code == 1
    assert "docs/operate.md" in refused.err
    assert queue_mode.item(address) is None
    with user(queue_mode.emulator) as nobody:
        mailing = as_user(queue_mode, nobody)
        for arguments in (("check", address), ("list",), ("explain", address), ("enable", address)):
            ran = mailing(*arguments)
            assert (ran.code, ran.out) == (2, "")
            assert ran.err.startswith("error: These credentials may not")
            assert ran.err.count("\n") == 1


def named_by(*modules: str) -> set[str]:
    """Return the actions that the first lines of commands' modules name; no module: all of them."""
    folder = paths.ROOT / "scripts" / "healthy_mailing_cli"
    files = [folder / f"{name}.py" for name in modules] or sorted(folder.glob("*.py"))
    docstrings = [ast.get_docstring(ast.parse(file.read_text())) or "" for file in files]
    return {action for each in docstrings for action in re.findall(r"``([a-z0-9]+:[A-Z]\w+)``", each)}


def test_the_runbook_s_policies_are_what_the_commands_need(queue_mode: Deployed) -> None:
    """Each command's own test shows that it needs what its module names: below, and beside what the others do."""
    policies = statements(queue_mode)
    assert actions_of(policies["operate"]) == named_by()
    assert actions_of(policies["read"]) == named_by("check", "explain", "list", "stats", "report", "doctor")


def told(mailing: Mailing, seen: Mapping[str, str]) -> list[Any]:
    """Return what someone gets to see and to do with these commands, on addresses that nobody else uses."""
    fine, bounced, new = seen["fine"], seen["bounced"], fresh("new")
    runs = [
        mailing("check", fine, bounced),
        mailing("explain", bounced),
        mailing("list", "--limit", "1"),
        mailing("stats"),
        mailing("disable", new),
        mailing("enable", new),
        mailing("remove-override", new),
    ]
    return [(run.code, "can't be told" in run.out, "default rules" in run.out) for run in runs]


def test_each_action_is_needed(queue_mode: Deployed, known: Mapping[str, str]) -> None:
    operate = statements(queue_mode)["operate"]
    with user(queue_mode.emulator, *operate) as allowed:
        whole = told(as_user(queue_mode, allowed), known)
    assert {code for code, *_ in whole} == {0, 1}
    for action in sorted(named_by("check", "explain", "list", "stats", "decide")):
        with user(queue_mode.emulator, *without(operate, action)) as lacking:
            assert told(as_user(queue_mode, lacking), known) != whole, f"nothing needs {action}"


def test_each_action_of_redrive_is_needed(deployed: Deployed) -> None:
    operate = statements(deployed)["operate"]
    sqs, url = deployed.sqs, deployed.outputs["dead_letter_queue_url"]
    handed_over = {"queue": "sqs:SendMessage", "direct": "lambda:InvokeFunction"}
    for action in sorted(named_by("redrive") - set(handed_over.values()) | {handed_over[deployed.mode]}):
        address = fresh("dead")
        sqs.send_message(QueueUrl=url, MessageBody=ses.text(ses.complaint(address)))
        # What is handed over need not be made visible again, what is only looked at must be.
        options = ["--dry-run"] if action == "sqs:ChangeMessageVisibility" else []
        with user(deployed.emulator, *without(operate, action)) as lacking:
            ran = as_user(deployed, lacking)("redrive", "--name", deployed.stack.name, *options)
        assert ran.code in {1, 2}, f"nothing needs {action}"
        assert "Traceback" not in ran.err
        with user(deployed.emulator, *operate) as allowed:
            assert as_user(deployed, allowed)("redrive", "--name", deployed.stack.name).code == 0
