"""Check that there is memory for X'X before the work: a system may kill what takes too much."""

import os
from pathlib import Path

__all__ = ["check_memory"]

_SYSTEM = Path("/proc/meminfo")
#: Most memory that a container may use, by version of control groups.
_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def check_memory(p: int) -> None:
    """Refuse more features than there is memory for X'X.

    Parameters
    ----------
    p : int
        Number of features.

    Raises
    ------
    ValueError
        If 8 p^2 bytes are not available.

    Examples
    --------
    >>> check_memory(100)
    """
    needed, available = 8 * p * p, _available()
    if needed > available:
        raise ValueError(
            f"X must have no more features than there is memory for X'X, 8 p^2 bytes; got {p} "
            f"features, which take {needed / 2**30:.3g} GiB, where {available / 2**30:.3g} GiB are "
            "available. Fit X itself, for instance blrzoo.spike_slab(X, y), which makes no X'X; "
            "keep fewer features; or make statistics of one region of features at a time."
        )


def _available() -> float:
    """Bytes that are available; infinite where the system does not say."""
    return min(_of_system(), *(_of_group(path) for path in _LIMITS))


def _of_system() -> float:
    """Bytes that are free or can be freed (Linux), or all memory (macOS)."""
    try:
        lines = _SYSTEM.read_text().splitlines()
        (kib,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        return 1024.0 * int(kib)
    except (OSError, ValueError):
        pass
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):  # Windows
        return float("inf")


def _of_group(path: Path) -> float:
    """The limit of a control group; infinite if it has none."""
    try:
        return float(path.read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return float("inf")
