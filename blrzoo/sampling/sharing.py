"""One copy of X for all chains of a fit, also where processes are spawned, not forked."""

import copyreg
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pymc as pm

from blrzoo.gibbs.spec import find_spec

__all__ = ["arrays_by_file", "arrays_of"]

#: Smaller arrays are cheaper to copy than to map.
_LEAST = 1_000_000


def arrays_of(model: pm.Model) -> list[np.ndarray]:
    """Arrays in which the designs of a model store X for its steps."""
    terms = find_spec(model).terms
    return [array for term in terms for array in term.in_update.arrays]


@contextmanager
def arrays_by_file(arrays: list[np.ndarray]) -> Iterator[None]:
    """Within this context, pickles hold the name of a file in the place of large arrays."""
    # A spawned process gets its step as a pickle. It maps the file, whose pages in memory all
    # processes share, and needs no copy of its own. Forked processes share memory anyway: nothing
    # is pickled, and no file is written.
    large = {id(array): array for array in arrays if array.nbytes >= _LEAST}
    if not large:
        yield
        return
    with TemporaryDirectory(prefix="blrzoo") as folder:
        files: dict[int, Path] = {}

        def reduce(array: np.ndarray) -> str | tuple[Any, ...]:
            key = id(array)
            if key not in large:
                return array.__reduce_ex__(2)
            if key not in files:
                files[key] = Path(folder) / f"{len(files)}.npy"
                np.save(files[key], array)
            return _mapped, (str(files[key]),)

        copyreg.pickle(np.ndarray, reduce)
        try:
            yield
        finally:
            copyreg.dispatch_table.pop(np.ndarray)


def _mapped(path: str) -> np.ndarray:
    """Map an array in a file; copy-on-write, as compiled code requires writeable memory."""
    return np.asarray(np.load(path, mmap_mode="c"))
