"""Write the fuzzer's first inputs: the sample events, each for the targets that read such, odd addresses, the corpus.

python seeds.py FOLDER
"""

import json
import shutil
import sys
from pathlib import Path

from fuzz.corpus import ADDRESSES, FOLDER
from harness import paths
from support import ses


def main() -> None:
    """Write one folder of files a target."""
    folder = Path(sys.argv[1])
    messages = [path.read_text() for path in sorted(paths.EVENTS.glob("*.json"))]
    events = [
        build(message) for message in messages for build in (ses.sns_event, ses.sqs_event, ses.event_bridge_event)
    ]
    wrapped = [json.dumps(ses.sns_notification(message)) for message in messages]
    seeds = {
        "address": ADDRESSES,
        "notification": messages,
        "detail": messages,
        "envelope": [json.dumps(event) for event in events],
        "body": messages + wrapped,
    }
    for target, texts in seeds.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(texts):
            (folder / target / f"seed-{number}").write_bytes(text.encode(errors="replace"))
        for path in FOLDER.glob(f"{target}/*"):
            shutil.copy(path, folder / target)


if __name__ == "__main__":
    main()
