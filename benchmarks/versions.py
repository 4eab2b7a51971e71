"""Other commits of this repository: their files in a temporary folder, run as a process."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["HERE", "THREADS", "Process", "alone", "worktree"]

#: The folder of this version.
HERE = Path(__file__).parents[1]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@contextlib.contextmanager
def worktree(commit: str) -> Iterator[Path]:
    """Check out a commit in a temporary folder, which is removed at the end."""
    git = ["git", "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "old"
        settings: dict[str, Any] = {"cwd": HERE, "check": True}
        add = [*git, "add", "--quiet", "--detach", path, commit]
        subprocess.run(add, **settings)
        try:
            yield path
        finally:
            subprocess.run([*git, "remove", "--force", path], **settings)


def alone(cache: Path) -> dict[str, str]:
    """Variables of the environment: one thread, and a cache of compiled code of its own."""
    return {name: "1" for name in THREADS} | {"PYTENSOR_FLAGS": f"base_compiledir={cache}"}


class Process:
    """A script that runs with the package of a folder, and answers lines of JSON.

    It is given to Python as text, so that the package is that of the folder, not of the script.
    """

    def __init__(self, folder: Path, script: str, cache: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=folder,
            env={**os.environ, **alone(cache)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request: object) -> Any:
        """Send a request, and wait for the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("the process ended without an answer; its error is shown above")
        return json.loads(answer)

    def close(self) -> None:
        """End the process."""
        self.process.communicate()
