"""How much memory of the host is free."""

from pathlib import Path


_MEMINFO = Path("/proc/meminfo")


def available_memory() -> int | None:
    """Bytes that a program could take without others being swapped out, as Linux estimates it; None elsewhere."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")), None)
