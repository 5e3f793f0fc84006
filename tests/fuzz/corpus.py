"""Inputs that are hard on purpose; ``corpus/`` beside it holds what a fuzzer found.

Attacks: homographs and invisible characters (Unicode Technical Report 36), header injection (CWE-93), nesting and
numbers that exhaust a parser (CWE-400).
"""

import json
from pathlib import Path

from support import ses

FOLDER = Path(__file__).parent / "corpus"

ADDRESSES = [
    "jane@example.com",
    "Jane Doe <jane@example.com>",
    '"Doe, Jane" <Jane+news@Example.COM>',
    "jane@example.com (Jane)",
    '"odd @ local"@example.com',
    "jane@[192.0.2.1]",
    "jane@[ipv6:2001:db8::1]",
    "jane@example.com.",
    "jane..doe.@docomo.example",
    "jané@exämple.com",
    "jane@faß.de",
    "jane@xn--exmple-cua.com",
    "jane@ex\u0430mple.com",  # Cyrillic
    "j\u0430ne@example.com",
    "jane\u200b@example.com",  # zero-width space
    "\u202ejane@example.com",  # right-to-left override
    "jane@example\u3002com",  # ideographic full stop
    "jane@exam\u00adple.com",  # soft hyphen
    "jane\uff20example.com",  # fullwidth @
    "İ@example.com",
    "ﬀ@example.com",
    "jane@example.com\r\nBcc: all@example.org",
    "jane@example.com\nSubject: x",
    "jane@example.com%0aBcc:all@example.org",
    "jane\x00@example.com",
    "jane@example.com\x00",
    "\ud800@example.com",
    "jane@\udfffexample.com",
    "<" * 1000 + "jane@example.com" + ">" * 1000,
    "(" * 500 + "jane@example.com" + ")" * 500,
    "a" * 65 + "@example.com",
    "a" * 300_000 + "@example.com",
    "jane@" + "a." * 150_000 + "com",
    "jane@" + "é" * 10_000 + ".com",
    "@",
    "jane@",
    "@example.com",
    "jane@@example.com",
    "a@b <c@d>",
    "",
    " ",
]


def _with(path: str, value: object) -> str:
    """Return a bounce with one field replaced; dots in ``path`` go down."""
    message = ses.bounce("jane@example.com", feedback_id="f1", message_id="m1")
    *parents, name = path.split(".")
    node = message
    for parent in parents:
        node = node[parent]
    node[name] = value
    return json.dumps(message)


LARGE = 256 * 1024  # octets, the largest message of SNS

MESSAGES = [
    "",
    "null",
    "[]",
    "0",
    '"Bounce"',
    "\x00",
    "\ud800",
    "[" * 200_000,
    "[" * 50_000 + "]" * 50_000,
    '{"a":' * 50_000 + "1" + "}" * 50_000,
    '{"notificationType":' * 20_000,
    "9" * LARGE,
    "-" + "9" * 5000,
    "1e999999999",
    "NaN",
    '{"notificationType": NaN}',
    '{"notificationType": "Bounce", "notificationType": "Bounce"}',
    '{"notificationType": 1e309}',
    " " * LARGE,
    '"' + "\\u0000" * 40_000 + '"',
    _with("notificationType", ["Bounce"]),
    _with("notificationType", {"Bounce": 1}),
    _with("notificationType", "Bounce\x00"),
    _with("bounce", None),
    _with("bounce.timestamp", "9" * LARGE),
    _with("bounce.timestamp", "0000-00-00T00:00:00Z"),
    _with("bounce.timestamp", "9999-12-31T23:59:59-23:59"),
    _with("bounce.timestamp", "0001-01-01T00:00:00+23:59"),
    _with("bounce.timestamp", "2026-03-10T12:00:00.000Z\n"),
    _with("bounce.timestamp", "\uff12\uff10\uff12\uff16-03-10T12:00:00Z"),
    _with("bounce.bounceSubType", "\ud800"),
    _with("bounce.bounceSubType", "x" * LARGE),
    _with("bounce.feedbackId", "\udc80" * 1000),
    _with("bounce.bouncedRecipients", [{"emailAddress": "jane@example.com"}] * 1000),
    _with("bounce.bouncedRecipients", {"emailAddress": "jane@example.com"}),
    _with("bounce.bouncedRecipients", [[[[]]]]),
    _with("bounce.bouncedRecipients", []),
    _with("mail.source", "\x00" * 1000),
    _with("mail.messageId", "\U0001d7d8" * 100_000),
    _with("mail.headers", [[[]] * 1000] * 20),
    *(_with("bounce.bouncedRecipients", [{"emailAddress": address}]) for address in ADDRESSES),
]
