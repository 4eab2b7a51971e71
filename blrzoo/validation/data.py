"""The data of a cross-validation: read once, and split by rows for each fit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from blrzoo.prediction.rows import read_argument
from blrzoo.storage.forms import is_sparse
from blrzoo.tables import Table, join

__all__ = ["Data"]


@dataclass(frozen=True, eq=False)
class Data:
    """Checked data, joined by label.

    Attributes
    ----------
    X : pandas.DataFrame (obs, feature)
        Features.
    y : pandas.Series (obs,) or pandas.DataFrame (obs, trait)
        Response, NaN where it was not measured; a Series where the user gave a vector.
    more : dict of str to pandas.DataFrame or pandas.Series
        ``covariates`` and ``weights``, if given.
    """

    X: pd.DataFrame
    y: pd.Series | pd.DataFrame
    more: dict[str, pd.DataFrame | pd.Series]

    @classmethod
    def read(cls, X: Any, y: Any, covariates: Any, weights: Any) -> "Data":
        """Read the data as a model does; y may have NaN, and one trait or several."""
        vector = getattr(y, "ndim", np.ndim(y)) == 1
        given = {"X": X, "y" if vector else "Y": y, "covariates": covariates, "weights": weights}
        tables = [
            read_argument(
                "y" if kind == "Y" else kind,
                kind,
                value,
                missing=kind in ("y", "Y"),
                form="auto" if kind == "X" else None,
            )
            for kind, value in given.items()
            if value is not None or kind in ("X", "y", "Y")
        ]
        obs, joined = join(tables)
        frames = {table.name: _frame(table, obs) for table in joined}
        response = frames.pop("y").iloc[:, 0] if vector else frames.pop("Y")
        if "weights" in frames:
            frames["weights"] = frames["weights"].iloc[:, 0]
        return cls(frames.pop("X"), response, frames)

    @property
    def obs(self) -> pd.Index:
        """Labels of the rows."""
        return self.X.index

    @property
    def known(self) -> np.ndarray:
        """Mask (obs,) of the rows with a known response of some trait."""
        return self.y.notna().to_numpy().reshape(len(self.y), -1).any(axis=1)

    def rows(self, chosen: np.ndarray) -> "Data":
        """The data of some rows, by position."""
        more = {name: frame.iloc[chosen] for name, frame in self.more.items()}
        return Data(self.X.iloc[chosen], self.y.iloc[chosen], more)


def _frame(table: Table, obs: pd.Index) -> pd.DataFrame:
    if is_sparse(table.values):
        return pd.DataFrame.sparse.from_spmatrix(table.values, obs, table.columns)
    return pd.DataFrame(table.values, index=obs, columns=table.columns, copy=False)
