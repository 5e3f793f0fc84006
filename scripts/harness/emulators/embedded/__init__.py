"""The embedded emulator: ministack in a child process, with what it lacks added (``ministack_gaps``)."""

import os
import sys
from pathlib import Path

from harness.emulators.launched import Launched

LAUNCHER = Path(__file__).with_name("launcher.py")


def start(folder: Path) -> Launched:
    """Start the emulator with IAM enforced and wait until it answers.

    Raises:
        HarnessError: it did not start.
    """
    temporary = folder / "emulator"
    # -I: neither PYTHONPATH nor the user's own packages reach the emulator or the Lambda worker.
    return Launched.start([sys.executable, "-I", str(LAUNCHER)], _environment(temporary), temporary)


def _environment(folder: Path) -> dict[str, str]:
    """Return all of the launcher's environment, which its Lambda workers inherit: nothing of the user's but PATH."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),  # no ~/.aws
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "AUTH": "true",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        # Off: both listen on fixed ports.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # It removes the containers that any earlier ministack left, another user's too.
        "DOCKER_HOST": "unix:///nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
