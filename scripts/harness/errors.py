"""What the harness raises, and how it quotes a program's output."""

_TAIL_LINES = 20


class HarnessError(Exception):
    """Something that the person at the keyboard can act on; the message says what and how."""


def tail(text: str) -> str:
    """Return the last 20 lines."""
    return "\n".join(text.rstrip().splitlines()[-_TAIL_LINES:])
