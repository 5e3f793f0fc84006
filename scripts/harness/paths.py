"""Where things are in the project."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
TOOLS = BUILD / "tools"
RUNS = BUILD / "runs"
UP = BUILD / "up"
TERRAFORM = ROOT / "terraform"
EVENTS = ROOT / "scripts" / "healthy_mailing_cli" / "sample_events"
