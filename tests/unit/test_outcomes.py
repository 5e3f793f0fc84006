"""How commands report what became of each address."""

import json

import pytest

from healthy_mailing_cli.shell.outcomes import Failures, Outcomes

WORDS = {"set": "Set: {}.", "other": "Other: {}.", "failed": "Not set: {}."}


def reported(*, as_json: bool) -> Outcomes:
    outcomes = Outcomes(WORDS, as_json, Failures("not set", shown=1))
    outcomes.add("a@example.com", "set", fields={"state": "enable"}, notes=["Look at it."])
    for number in range(1_000):
        outcomes.add(f"{number}@example.com", "failed", error="AccessDenied")
    outcomes.add("odd@example.com", "failed", error="RefusedBySes", message="SES refuses it")
    outcomes.sum_up()
    assert not outcomes.is_done
    return outcomes


def test_a_person_sees_notes_the_first_of_each_failure_and_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    reported(as_json=False)
    shown = capsys.readouterr()
    assert shown.out == "Set: 1.\nNot set: 1,001.\n"
    denied = "not set. These credentials may not do that. The policies in docs/operate.md list what each command needs."
    assert shown.err.splitlines() == [
        "a@example.com: Look at it.",
        f"0@example.com: {denied}",
        "odd@example.com: not set. SES refuses it.",
        f"1,000 addresses: {denied}",
    ]


def test_json_has_each_address_and_the_code_of_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    reported(as_json=True)
    shown = capsys.readouterr()
    first, second, *_, last = map(json.loads, shown.out.splitlines())
    assert first == {"address": "a@example.com", "result": "set", "state": "enable"}
    assert (second["error"], second["message"][:17]) == ("AccessDenied", "These credentials")
    assert last == {
        "address": "odd@example.com",
        "result": "failed",
        "error": "RefusedBySes",
        "message": "SES refuses it",
    }
    assert shown.err == ""


def test_it_is_done_if_nothing_is_left() -> None:
    outcomes = Outcomes(WORDS, True, Failures(""), ("other",))  # noqa: FBT003  (an attribute)
    assert outcomes.is_done
    outcomes.add("a@example.com", "other")
    assert not outcomes.is_done
