"""What is known of another process by its id."""

import os
from contextlib import suppress
from pathlib import Path


def runs(process_id: int) -> bool:
    """Return whether a process runs; one that has ended, and that nobody has asked about yet, does not."""
    with suppress(ProcessLookupError, FileNotFoundError):
        os.kill(process_id, 0)
        stat = Path(f"/proc/{process_id}/stat")
        # Without /proc (macOS) a process that is there counts as running.
        return not Path("/proc/self").exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    return False
