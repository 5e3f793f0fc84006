"""Fuzz one target with atheris, guided by coverage: python -m fuzz TARGET [libFuzzer's options].

Runs in an environment of its own (``make fuzz``). It begins with the sample events as each target reads them, odd
addresses, and ``corpus/``. What fails is left as ``crash-…`` in ``build/crashes``: copy it into
``tests/fuzz/corpus/TARGET``, and ``make rest`` reruns it from then on.
"""

import json
import sys

import atheris

from fuzz.corpus import ADDRESSES, FOLDER
from harness import paths
from support import ses

# Without atheris's hook for patterns: in 3.0.0 it breaks json (match() with a position).
with atheris.instrument_imports(include=["healthy_mailing"]):
    from fuzz.targets import TARGETS


def main() -> None:
    """Fuzz the target that the first argument names."""
    name = sys.argv.pop(1)
    target, corpus = TARGETS[name], paths.BUILD / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    messages = [path.read_text() for path in sorted(paths.EVENTS.glob("*.json"))]
    ways = (ses.sns_event, ses.sqs_event, ses.event_bridge_event)
    seeds = {
        "address": ADDRESSES,
        "envelope": [json.dumps(build(message)) for message in messages for build in ways],
        "body": messages + [json.dumps(ses.sns_notification(message)) for message in messages],
    }
    for number, text in enumerate(seeds.get(name, messages)):
        (corpus / f"seed-{number}").write_bytes(text.encode(errors="replace"))

    def one_input(data: bytes) -> None:
        # Beyond UTF-8: json gives lone surrogates for "\ud800", and so do bytes that are no UTF-8 here.
        target(data.decode("utf-8", "surrogateescape"))

    atheris.Setup([*sys.argv, str(corpus), *map(str, FOLDER.glob(name))], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
