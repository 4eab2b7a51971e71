"""Results of a cross-validation so far, and their tables."""

import numpy as np
import xarray as xr

from blrzoo.prediction.scoring import score_of_rows
from blrzoo.validation.data import Data
from blrzoo.validation.folds import Fold

__all__ = ["Results"]


class Results:
    """Held-out predictions by model and fold, collected one fit at a time."""

    def __init__(self, models: list[str], folds: list[Fold], data: Data) -> None:
        self.models, self.folds, self.data = models, folds, data
        self._rows: dict[tuple[str, int], xr.Dataset] = {}
        self._draws: dict[tuple[str, int], xr.Dataset] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, model: str, fold: int, rows: xr.Dataset, draws: xr.DataArray | None) -> None:
        """Keep the pointwise scores (obs[, trait]) of one fit, and its predictive draws, if any."""
        if draws is not None:
            self._draws[model, fold] = draws.to_dataset(name="y")
        self._rows[model, fold] = rows  # last, for an interrupt between the two

    def tree(self) -> xr.DataTree:
        """The tree that `cross_validate` returns; NaN for fits that are not finished."""
        scores = self._scores()
        groups = {"scores": scores, "overall": self._overall(scores)}
        if len(self.models) > 1:
            groups["difference"] = self._difference(scores)
        predictions = self._assemble(self._rows)
        groups["predictions"] = predictions.assign(y=self._response(predictions))
        if self._draws:
            groups["draws"] = self._assemble(self._draws)
        attrs = {"fits": len(self), "fits_planned": len(self.models) * len(self.folds)}
        root = xr.Dataset(attrs=next(iter(self._rows.values())).attrs | attrs)
        return xr.DataTree.from_dict({"/": root, **groups})

    @property
    def _finished(self) -> list[int]:
        """Folds that are finished for all models."""
        every = range(len(self.folds))
        return [k for k in every if all((model, k) in self._rows for model in self.models)]

    def _scores(self) -> xr.Dataset:
        """Scores, dims (model, fold[, trait])."""
        found = {key: score_of_rows(rows) for key, rows in self._rows.items()}
        blank = _blank(next(iter(found.values())))
        labels = [fold.label for fold in self.folds]
        parts = [
            _concat([found.get((model, k), blank) for k in range(len(labels))], "fold")
            for model in self.models
        ]
        return _concat(parts, "model").assign_coords(model=self.models, fold=labels)

    def _overall(self, scores: xr.Dataset) -> xr.Dataset:
        """Scores of all held-out rows together, with standard errors over folds."""
        finished = self._finished
        pooled = [
            score_of_rows(_concat([self._rows[model, k] for k in finished], "obs"))
            if finished
            else _blank(scores.isel(model=0, fold=0, drop=True))
            for model in self.models
        ]
        result = _concat(pooled, "model").assign_coords(model=self.models)
        errors = _standard_error(scores.drop_vars("n").isel(fold=finished))
        return _side_by_side(result, errors).assign_attrs(folds=len(finished))

    def _difference(self, scores: xr.Dataset) -> xr.Dataset:
        """Scores minus those of the first model, paired by fold: mean and standard error."""
        paired = scores.drop_vars("n").isel(fold=self._finished)
        difference = paired.isel(model=slice(1, None)) - paired.isel(model=0, drop=True)
        k = difference.sizes["fold"]
        mean = difference.sum("fold", skipna=False) / (k or np.nan)
        attrs = {"first_model": self.models[0], "folds": k}
        return _side_by_side(mean, _standard_error(difference)).assign_attrs(attrs)

    def _assemble(self, found: dict[tuple[str, int], xr.Dataset]) -> xr.Dataset:
        """Join the rows of all folds in the order of the data, NaN for fits that are missing."""
        template = next(iter(found.values()))
        parts = [
            _concat(
                [
                    found[model, k] if (model, k) in found else self._blank_rows(template, fold)
                    for k, fold in enumerate(self.folds)
                ],
                "obs",
            )
            for model in self.models
        ]
        label_of = np.concatenate([[fold.label] * len(fold.test) for fold in self.folds])
        order = np.argsort(np.concatenate([fold.test for fold in self.folds]))
        table = _concat(parts, "model").assign_coords(model=self.models, fold=("obs", label_of))
        return table.isel(obs=order)

    def _blank_rows(self, template: xr.Dataset, fold: Fold) -> xr.Dataset:
        rows = _blank(template.isel(obs=np.zeros(len(fold.test), dtype=int)))
        return rows.assign_coords(obs=self.data.obs[fold.test])

    def _response(self, predictions: xr.Dataset) -> xr.DataArray:
        """Held-out y, with the dims of the predictions."""
        tested = np.sort(np.concatenate([fold.test for fold in self.folds]))
        template = predictions["mean"].isel(model=0, drop=True)
        template = template.transpose("obs", ...)
        values = self.data.y.to_numpy()[tested].reshape(template.shape)
        return template.copy(data=values).assign_attrs(long_name="held-out response")


def _concat(parts: list[xr.Dataset], dim: str) -> xr.Dataset:
    return xr.concat(
        parts,
        dim,
        data_vars="all",
        coords="minimal",
        compat="override",
        join="override",
        combine_attrs="override",
    )


def _blank(table: xr.Dataset) -> xr.Dataset:
    blank = xr.full_like(table.astype(float), np.nan)
    return blank.assign(n=blank["n"].fillna(0)) if "n" in blank else blank


def _standard_error(scores: xr.Dataset) -> xr.Dataset:
    """SD over folds divided by the root of their number; NaN for a single fold."""
    k = scores.sizes["fold"]
    if k < 2:
        return scores.sum("fold") * np.nan
    return scores.std("fold", ddof=1, skipna=False) / np.sqrt(k)


def _side_by_side(values: xr.Dataset, errors: xr.Dataset) -> xr.Dataset:
    """Table with each score followed by its standard error."""
    result = values[[]]
    for name in values.data_vars:
        result[name] = values[name]
        if name in errors:
            error = errors[name].assign_attrs(long_name=f"standard error of {name} over folds")
            result[f"{name}_se"] = error
    return result
