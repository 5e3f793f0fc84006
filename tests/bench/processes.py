"""The processes of the bench: AWS's stand-in on one processor, a contender on another."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import ses
from support.stream import BUS_ARN, TABLE_ARN
from tools import package

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NODE = ROOT / "build" / "bench" / "article"
ARTICLE = HERE / "article"


@dataclass(frozen=True)
class StandIn:
    """A running stand-in for AWS; see ``stand_in``."""

    endpoint_url: str

    def ask(self, path: str) -> Any:
        """Return the answer to one of the bench's own paths, such as ``counts``."""
        with urllib.request.urlopen(f"{self.endpoint_url}/_bench/{path}") as response:  # noqa: S310  (loopback)
            return json.load(response)


@dataclass(frozen=True)
class Run:
    """What one contender did with some events, by invocation: seconds of wall and CPU time; and in all."""

    wall: Sequence[float]
    cpu: Sequence[float]
    peak_bytes: int
    log_bytes: int
    counts: Mapping[str, int]
    items: Sequence[Mapping[str, Any]]


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Run the stand-in for the length of a ``with`` block."""
    program = [*on_processor(-1), sys.executable, "-m", "bench.stand_in"]
    with subprocess.Popen(
        program, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield StandIn(f"http://127.0.0.1:{process.stdout.readline().strip()}")
        finally:
            process.stdin.close()


def environment(endpoint_url: str = "") -> dict[str, str]:
    """Return Lambda's environment as far as it matters, with the packaged zip and this package on the path."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_LAMBDA_FUNCTION_NAME": "mailing-feedback",
        "TABLE_NAME": "mailing",
        "TABLE_ARN": TABLE_ARN,
        "EVENT_BUS": BUS_ARN,
        "DEAD_LETTER_QUEUE_URL": f"{endpoint_url}/123456789012/dead-letter",
        "NODE_NO_WARNINGS": "1",
        # Python does not keep compiled files of a zip, nor does Lambda of what it unpacks.
        "PYTHONPATH": os.pathsep.join(map(str, (package.PACKAGE, HERE.parent, ROOT / "scripts"))),
    }


def install_article() -> None:
    """Put the article's function and its dependencies, as its lock file pins them, into ``build/bench``.

    Raises:
        SystemExit: Node.js or npm is missing.
    """
    if not shutil.which("node") or not shutil.which("npm"):
        sys.exit("error: the article's function needs Node.js 20 or newer with npm: install them, then run make bench")
    shutil.copytree(ARTICLE, NODE, dirs_exist_ok=True)
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=NODE, check=True)  # noqa: S607  (found on PATH)


def run(contender: str, events: Sequence[str], table: StandIn, warm_up: int = 0) -> Run:
    """Let a contender handle events on one processor; the first ``warm_up`` of them are not measured or counted."""
    if contender.endswith(".mjs"):
        program = ["node", str(NODE / "worker.mjs"), str(NODE / contender)]
    else:
        program = [sys.executable, "-m", "bench.worker", contender]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "events").write_text("".join(f"{event}\n" for event in events), encoding="utf-8")
        arguments = [str(folder / "events"), str(warm_up), str(folder / "result")]
        with (folder / "log").open("wb") as log:
            subprocess.run(
                [*on_processor(0), *program, *arguments], env=environment(table.endpoint_url), stdout=log, check=True
            )
        result = json.loads((folder / "result").read_text())
        log_bytes = (folder / "log").stat().st_size
    return Run(result["wall"], result["cpu"], result["peak"], log_bytes, table.ask("counts"), table.ask("items"))


def events(messages: Sequence[str], batch: int) -> list[str]:
    """Return the events in which SQS hands over messages, raw; of one message each, those of SNS."""
    if batch == 1:
        return [json.dumps(ses.sns_event(message)) for message in messages]
    return [json.dumps(ses.sqs_event(*messages[start : start + batch])) for start in range(0, len(messages), batch)]


def on_processor(number: int) -> list[str]:
    """Return the start of a command line that keeps a process on one of the processors that may be used.

    Root's also comes before other programs there: a whole processor is what is to be measured.
    """
    priority = ["nice", "--adjustment=-10"] if os.geteuid() == 0 else []
    if not shutil.which("taskset"):
        return priority
    return [*priority, "taskset", "--cpu-list", str(sorted(os.sched_getaffinity(0))[number])]
