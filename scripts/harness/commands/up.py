"""``make up`` and ``make down``: an emulator with the applied stack, kept running for hands-on work.

All of it lies in ``build/up``. ``state.json`` is written last: a folder without it is what an interrupted ``up`` left.
"""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from harness import emulator, locks, paths, run_folder, stack
from harness.commands import demo


def _state_file() -> Path:
    return paths.UP / "state.json"


def up(console: Console, choice: str | None = None) -> None:
    """Start an emulator, apply the stack, leave both running and say how to use them. Once is enough.

    Raises:
        HarnessError: something did not start; nothing is left running then.
    """
    with _alone():
        run_folder.sweep()
        state = _read()
        if state is not None and emulator.answers(state["environment"]["AWS_ENDPOINT_URL"]):
            console.print("It is already up. `make down` stops it.")
        else:
            _clean(state)
            state = _start(console, choice)
    explain(console, state)


def down(console: Console) -> None:
    """Destroy the stack and stop the emulator.

    Raises:
        HarnessError: the stack could not be destroyed in an emulator that others use, or its Docker engine is gone.
    """
    with _alone():
        state = _read()
        if state is None:
            _clean(None)
            console.print("Nothing is up.")
            return
        endpoint_url = state["environment"]["AWS_ENDPOINT_URL"]
        if not emulator.answers(endpoint_url):
            _clean(state)
            console.print("The emulator had already stopped. Cleaned up after it.")
            return
        if not state["disposable"]:
            with demo.progress(console, "Destroying the stack"):
                on = emulator.running_at(endpoint_url)
                stack.opened(on, state["name"], paths.UP).destroy()
                if state.get("sender"):  # it is not in Terraform's state; an earlier version verified none
                    on.client("sesv2").delete_email_identity(EmailIdentity=state["sender"])
        _clean(state)
        console.print(f"Removed the stack{' and the emulator' if state['disposable'] else ''} at {endpoint_url}.")


def _start(console: Console, choice: str | None) -> dict[str, Any]:
    server = emulator.start(choice, paths.UP)
    try:
        console.print(stack.WAITS, style="dim")
        with demo.progress(console, "Applying the Terraform root"):
            applied = stack.apply(server.emulator, demo.variables(server.emulator), paths.UP)
        try:
            simulates = server.emulator.simulates_ses
            if simulates:
                demo.verify_sender(applied)
            state = {
                "name": applied.name,
                "sender": demo.sender(applied) if simulates else "",
                "environment": server.emulator.environment(),
                "disposable": server.emulator.disposable,
                "outputs": dict(applied.outputs),
                "emulator": dict(server.state),
            }
            unfinished = _state_file().with_suffix(".part")
            unfinished.write_text(json.dumps(state, indent=2))
            server.detach()
            unfinished.replace(_state_file())
        except BaseException:
            stack.abandon(applied)
            raise
    except BaseException:
        server.stop()
        shutil.rmtree(paths.UP, ignore_errors=True)
        raise
    return state


def explain(console: Console, state: Mapping[str, Any]) -> None:
    """Print where the stack is, the environment that leads there, and what to try next."""
    outputs = state["outputs"]
    console.print(f"topic  {outputs['topic_arn']}\nqueue  {outputs.get('queue_url')}\ntable  {outputs['table_name']}")
    console.print("\nTo use it from this shell:", style="bold")
    for name, value in state["environment"].items():
        console.print(f"export {name}={value}", soft_wrap=True, highlight=False)
    names = {"MAILING_TABLE": outputs["table_name"], "MAILING_NAME": state["name"]}
    for name, value in names.items():
        console.print(f"export {name}={value}", soft_wrap=True, highlight=False)
    console.print("\nTry next:", style="bold")
    program = os.path.relpath(paths.ROOT / "scripts" / "mailing")
    for command in (
        "make command-line",
        *(f"{program} {each}" for each in examples(state.get("sender", ""))),
        f"tail -f {os.path.relpath(paths.UP / 'emulator.log')}",
        "make down",
    ):
        console.print(command, soft_wrap=True, highlight=False)


def examples(sender: str) -> tuple[str, ...]:
    """Return arguments of ``mailing`` that work in this order; ``sender`` is empty where SES sends no feedback."""
    sent = f"simulate bounce --from {sender}" if sender else "publish bounce-permanent-noemail"
    return ("publish complaint-abuse", sent, "list", "explain angry@example.com", "doctor")


def _read() -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        state: dict[str, Any] = json.loads(_state_file().read_text())
        return state
    return None


def _clean(state: Mapping[str, Any] | None) -> None:
    # Without a state: what an interrupted `up` may have left.
    emulator.stop_detached({"folder": str(paths.UP)} if state is None else state["emulator"])
    shutil.rmtree(paths.UP, ignore_errors=True)


def _alone() -> AbstractContextManager[None]:
    """Let one ``up`` or ``down`` work at a time."""
    return locks.alone(paths.BUILD / "up.lock", "Another `make up` or `make down` is running here. Wait for it.")
