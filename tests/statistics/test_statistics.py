"""Sufficient statistics: against direct sums, merged parts against the whole, what is refused."""

import itertools
import json
import tracemalloc
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo import progress
from blrzoo.data import RegressionData, check_data
from blrzoo.statistics import check_statistics, memory, products
from tests.statistics.agreement import same_sums

N, P, K, T = 60, 7, 2, 3
FEATURES = [f"x{j}" for j in range(P)]
KINDS = ["plain", "weights", "covariates", "traits", "all"]


def data(kind: str = "all", seed: int = 1, offset: float = 0.0) -> dict[str, Any]:
    """Labelled data; values are whole 1024ths, so that an offset of 1e6 loses none of their digits.

    y and one of the covariates are shifted too.
    """
    rng = np.random.default_rng(seed)
    obs = [f"i{i}" for i in range(N)]

    def frame(columns: list[str]) -> pd.DataFrame:
        values = np.round(rng.normal(size=(N, len(columns))) * 1024) / 1024
        return pd.DataFrame(values + offset, index=obs, columns=columns)

    made: dict[str, Any] = {"X": frame(FEATURES)}
    noise = frame(["t0", "t1", "t2"])
    Y = noise + 2 * made["X"].to_numpy()[:, :1] - 2 * offset
    made["y"] = Y if kind in ("traits", "all") else Y["t0"]
    if kind in ("covariates", "all"):
        made["covariates"] = frame(["age", "bmi"])
    if kind in ("weights", "all"):
        made["weights"] = pd.Series(rng.uniform(0.2, 4, N), obs)
    return made


def statistics(kind: str = "all", **options: Any) -> xr.Dataset:
    return blr.sufficient_statistics(**data(kind, **options))


def parts(given: dict[str, Any], *cuts: int) -> list[dict[str, Any]]:
    """The same data in parts of rows."""
    ends = [0, *cuts, N]
    return [
        {name: table.iloc[a:b] for name, table in given.items()}
        for a, b in itertools.pairwise(ends)
    ]


def matrix(table: Any) -> np.ndarray:
    return np.asarray(table, dtype=float).reshape(len(table), -1)


# Built


@pytest.mark.parametrize("kind", KINDS)
def test_against_direct_sums(kind: str) -> None:
    given, found = data(kind), statistics(kind)
    columns = {"X": matrix(given["X"]), "y": matrix(given["y"])}
    if "covariates" in given:
        columns["W"] = matrix(given["covariates"])
    w = matrix(given["weights"])[:, 0] if "weights" in given else np.ones(N)
    centers = {side: np.average(Z, axis=0, weights=w) for side, Z in columns.items()}
    for name in ("XX", "Xy", "yy", "WW", "XW", "Wy"):
        assert (name in found) == ({*name} <= {*columns})
        if name in found:
            left, right = (columns[side] - centers[side] for side in name)
            wanted = left.T @ np.diag(w) @ right
            got = found[name].values.reshape(wanted.shape)
            np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-11)
    for side, Z in columns.items():
        moments = {"mean": Z.mean(0), "variance": Z.var(0, ddof=1), "center": centers[side]}
        for moment, wanted in moments.items():
            got = found[f"{side}_{moment}"].values.reshape(wanted.shape)
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)
    assert found["n"] == N
    np.testing.assert_allclose(found["weight_sum"], w.sum(), rtol=1e-13)
    np.testing.assert_allclose(found["log_weight_sum"], np.log(w).sum(), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_layout(kind: str) -> None:
    found = statistics(kind)
    y = ("trait",) if kind in ("traits", "all") else ()
    wanted: dict[str, tuple[str, ...]] = {
        "XX": ("feature", "feature_bis"),
        "Xy": ("feature", *y),
        "yy": ("trait", "trait_bis") if y else (),
    }
    if kind in ("covariates", "all"):
        wanted |= {
            "WW": ("covariate", "covariate_bis"),
            "XW": ("feature", "covariate"),
            "Wy": ("covariate", *y),
        }
    for moment in ("mean", "variance", "center"):
        wanted |= {f"X_{moment}": ("feature",), f"y_{moment}": y}
        if "WW" in wanted:
            wanted[f"W_{moment}"] = ("covariate",)
    wanted |= dict.fromkeys(("n", "weight_sum", "log_weight_sum"), ())
    assert {name: array.dims for name, array in found.data_vars.items()} == wanted
    assert {str(a.dtype) for n, a in found.data_vars.items() if n != "n"} == {"float64"}
    assert found["n"].dtype == np.int64
    assert found.attrs == {"blrzoo": "sufficient statistics", "format_version": 1}
    assert all(coord.dtype.kind == "U" for coord in found.coords.values())
    assert list(found["feature"].values) == list(found["feature_bis"].values) == FEATURES
    check_statistics(found)


def test_arguments_are_joined_by_label() -> None:
    given = data()
    wanted = blr.sufficient_statistics(**given)
    order = np.random.default_rng(2).permutation(N)
    for name in ("y", "covariates", "weights"):
        given[name] = given[name].iloc[order]
    xr.testing.assert_identical(blr.sufficient_statistics(**given), wanted)


def test_a_matrix_with_one_column_is_a_vector() -> None:
    given = data("plain")
    wanted = statistics("plain")
    column = given["y"].to_frame()
    for y in (column, column.to_numpy(), xr.DataArray(column.to_numpy().T, dims=("trait", "obs"))):
        xr.testing.assert_identical(blr.sufficient_statistics(given["X"], y), wanted)
    traits = xr.DataArray(matrix(data()["y"]).T, dims=("trait", "obs"))
    found = blr.sufficient_statistics(given["X"], traits)
    assert dict(found.sizes) == {"feature": P, "feature_bis": P, "trait": T, "trait_bis": T}


@pytest.mark.parametrize("kind", KINDS)
def test_offsets_take_no_digits(kind: str) -> None:
    shifted, wanted = statistics(kind, offset=1e6), statistics(kind)
    moved = [name for name in wanted.data_vars if str(name).endswith(("mean", "center"))]
    same_sums(shifted.drop_vars(moved), wanted.drop_vars(moved), rtol=1e-9)
    for name in moved:
        np.testing.assert_allclose(shifted[name], wanted[name] + 1e6, rtol=1e-15)


def test_a_residual_far_below_y_is_positive_with_offsets() -> None:
    """r'r = y'y - 2 b'X'y + b'X'Xb, of a fit with residuals a thousandth of y."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(200, 5)) + 1e6
    residual = 1e-3 * rng.normal(size=200)
    y = (X - 1e6).sum(axis=1) + residual + 1e6
    s = blr.sufficient_statistics(X, y)
    b = np.linalg.solve(s["XX"].values, s["Xy"].values)
    left = float(s["yy"] - 2 * b @ s["Xy"].values + b @ s["XX"].values @ b)
    Z = np.column_stack([np.ones(200), X - 1e6])
    direct = np.linalg.lstsq(Z, y - 1e6, rcond=None)[1].item()
    assert left > 0
    np.testing.assert_allclose(left, direct, rtol=1e-6)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = statistics()
    monkeypatch.setattr(products, "_ROWS", 7)
    monkeypatch.setattr(products, "_BLOCK_BYTES", 8 * 7 * 3)
    found = statistics()
    same_sums(found, wanted, rtol=1e-13)
    assert np.array_equal(found["XX"], found["XX"].T)


def test_memory_is_that_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_BLOCK_BYTES", 2**17)
    monkeypatch.setattr(products, "_ROWS", 256)
    X = np.random.default_rng(4).normal(size=(2000, 300))  # 4.8 MB, the result 0.7 MB
    data = check_data(X, X[:, 0])
    means = data.x_moments.mean
    tracemalloc.start()
    products.feature_moments(data, None, X[:, :1])
    products.feature_products(data, means, None, False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 300**2 + 4 * 2**17 + 5e4


# Merged


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_merged_parts_are_the_whole(kind: str, offset: float) -> None:
    given = data(kind, offset=offset)
    rng = np.random.default_rng(5)
    three = []
    for rows in parts(given, 9, 21):
        for name in ("X", "covariates", "y"):
            if name in rows and rows[name].ndim == 2:
                rows[name] = rows[name].iloc[:, rng.permutation(rows[name].shape[1])]
        three.append(blr.sufficient_statistics(**rows))
    whole = blr.sufficient_statistics(**given)
    order = {dim: three[0][dim].values for dim in whole.dims}
    before = [part.copy(deep=True) for part in three]
    merged = blr.merge_statistics(three)
    same_sums(merged, whole.sel(order))
    check_statistics(merged)
    for part, untouched in zip(three, before, strict=True):
        xr.testing.assert_identical(part, untouched)


@pytest.mark.parametrize("kind", ["plain", "all"])
def test_the_order_of_merging_does_not_matter(kind: str) -> None:
    a, b, c = (blr.sufficient_statistics(**rows) for rows in parts(data(kind), 9, 21))
    left = blr.merge_statistics([blr.merge_statistics([a, b]), c])
    right = blr.merge_statistics([a, blr.merge_statistics([b, c])])
    same_sums(left, right, rtol=1e-13)
    same_sums(blr.merge_statistics(one for one in (c, a, b)), left, rtol=1e-13)


def test_parts_with_and_without_weights() -> None:
    given = data("weights")
    given["weights"].iloc[:20] = 1.0
    first, second = parts(given, 20)
    del first["weights"]
    merged = blr.merge_statistics(blr.sufficient_statistics(**rows) for rows in (first, second))
    same_sums(merged, blr.sufficient_statistics(**given))


def test_one_part_is_itself_in_memory_of_its_own() -> None:
    part = statistics()
    merged = blr.merge_statistics([part])
    xr.testing.assert_identical(merged, part)
    merged["XX"][0, 0] = -1
    assert part["XX"][0, 0] > 0


def test_a_choice_of_features_of_one_trait_is_of_statistics() -> None:
    chosen, given = ["x3", "x1"], data()
    found = statistics().sel(feature=chosen, feature_bis=chosen, trait="t1", trait_bis="t1")
    check_statistics(found)
    given |= {"X": given["X"][chosen], "y": given["y"]["t1"]}
    wanted = blr.sufficient_statistics(**given)
    same_sums(found.drop_vars(["trait", "trait_bis"]), wanted, rtol=1e-13)


def test_units_and_coding_stay_and_attributes_that_parts_share() -> None:
    made = []
    for k, rows in enumerate(parts(data(), 30)):
        part = blr.sufficient_statistics(**rows)
        part = part.assign_coords(allele=("feature", list("ACGTACG")))
        part["y_mean"].attrs["units"] = "mmol/l"
        made.append(part.assign_attrs(site=f"hospital {k}", study="S"))
    made[1] = made[1].isel(feature=slice(None, None, -1), feature_bis=slice(None, None, -1))
    merged = blr.merge_statistics(made)
    assert list(merged["allele"].values) == list("ACGTACG")
    assert merged["allele"].dims == ("feature",)
    assert merged["y_mean"].attrs["units"] == "mmol/l"
    assert "long_name" in merged["XX"].attrs
    assert merged.attrs == {"blrzoo": "sufficient statistics", "format_version": 1, "study": "S"}


# Saved


@pytest.mark.parametrize("kind", KINDS)
def test_all_survives_a_file(kind: str, tmp_path: Path) -> None:
    found = statistics(kind).assign_coords(allele=("feature", list("ACGTACG")))
    found.to_netcdf(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc") as back:
        check_statistics(back)
        xr.testing.assert_identical(back.load(), found)
        again = blr.merge_statistics([found, back])
        same_sums(again, blr.merge_statistics([found, found]), rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_all_survives_as_text(kind: str) -> None:
    found = statistics(kind)
    back = xr.Dataset.from_dict(json.loads(json.dumps(found.to_dict())))
    check_statistics(back)
    xr.testing.assert_identical(back, found)


def test_big_endian_files_are_read() -> None:
    found = statistics()
    swapped = found.map(lambda array: array.astype(array.dtype.newbyteorder(">")), keep_attrs=True)
    merged = blr.merge_statistics([swapped.assign_attrs(found.attrs), swapped])
    xr.testing.assert_identical(merged, blr.merge_statistics([found, found]))
    assert all(array.dtype.isnative for array in merged.data_vars.values())


LABELS = [range(P), [0.5 * j for j in range(P)], pd.date_range("2020-01-01", periods=P)]


@pytest.mark.parametrize("labels", LABELS)
def test_labels_of_any_kind_survive_a_file(labels: Any, tmp_path: Path) -> None:
    given = data("plain")
    found = blr.sufficient_statistics(given["X"].set_axis(labels, axis=1), given["y"])
    found.to_netcdf(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc") as back:
        same_sums(blr.merge_statistics([back, found]), blr.merge_statistics([found, found]), rtol=0)
    assert list(found.indexes["feature"]) == list(labels)


# Progress


class Bar:
    def __init__(self) -> None:
        self.task_ids, self.done, self.stopped = [0], [], False

    def update(self, _: int, completed: int) -> None:
        self.done.append(completed)

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[Bar]:
    """X'X of 10 steps (4 blocks of columns), on a clock that moves a second at each look."""
    bars: list[Bar] = []
    ticks = iter(range(1000))

    def start(total: int, name: str) -> Bar:
        assert (total, name) == (10, "Cross-products")
        bars.append(Bar())
        return bars[-1]

    monkeypatch.setattr(progress, "_start_bar", start)
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: next(ticks)))
    monkeypatch.setattr(products, "_BLOCK_BYTES", 8 * N * 2)
    return bars


def test_the_bar_comes_after_two_seconds(slow: list[Bar]) -> None:
    statistics()
    (bar,) = slow
    assert bar.done == list(range(2, 11))
    assert bar.stopped


def test_quiet_is_without_a_bar(slow: list[Bar]) -> None:
    blr.sufficient_statistics(**data(), quiet=True)
    assert not slow


def test_what_is_fast_is_without_a_bar(capsys: pytest.CaptureFixture) -> None:
    statistics()
    assert capsys.readouterr() == ("", "")


def test_an_interrupt_stops_the_bar(slow: list[Bar], monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    block = RegressionData.block

    def interrupted(*arguments: Any) -> np.ndarray:
        calls.append(1)
        if len(calls) == 15:
            raise KeyboardInterrupt
        return block(*arguments)

    monkeypatch.setattr(RegressionData, "block", interrupted)
    with pytest.raises(KeyboardInterrupt):
        statistics()
    assert slow[0].stopped
    assert slow[0].done[-1] < 10


# What is refused of data


def put(table: Any, value: Any, *at: int) -> Any:
    changed = table.copy()
    changed.iloc[at] = value
    return changed


BAD: list[tuple[str, Any, type[Exception], str]] = [
    ("plain", lambda d: {"y": put(d["y"], np.nan, 3)}, ValueError, r"^y must be complete.*1 obse"
     r".*\['i3'\]\. Drop them from X"),
    ("traits", lambda d: {"y": put(d["y"], np.nan, 3, 1)}, ValueError, r"^y must be complete, .*"
     r"1 missing value\(s\) in trait \['t1'\], whose products .* other rows\. .*each trait"),
    ("traits", lambda d: {"y": put(d["y"], np.nan, 3)}, ValueError, r"^y must be complete.*'i3'"),
    ("plain", lambda d: {"y": put(d["y"], np.inf, 3)}, ValueError, r"^y must be finite .*infinite"),
    ("plain", lambda d: {"X": put(d["X"], np.nan, 3, 1)}, ValueError, r"^X must be compl.*'x1'"),
    ("plain", lambda d: {"y": d["y"].iloc[:9]}, ValueError, r"^y must have the obs labels of X"),
    ("weights", lambda d: {"weights": -d["weights"]}, ValueError, r"^weights must be positive"),
    ("weights", lambda d: {"weights": d["weights"] * 1e70}, ValueError, r"^weights must be from "
     r"1e-60 to 1e\+60; got .*Rescale"),
    ("weights", lambda d: {"weights": d["weights"] * 1e-70}, ValueError, r"^weights must be from"),
    ("plain", lambda d: {"X": d["X"].rename(columns={"x0": 0})}, ValueError, r"^X must have labels "
     r"of one kind.*int and str among those of the features, \[0, 'x1'.*astype\(str\)"),
    ("all", lambda d: {"covariates": d["covariates"].rename(columns={"age": 0})}, ValueError,
     r"^covariates must have labels of one kind"),
    ("all", lambda d: {"y": d["y"].rename(columns={"t0": 0})}, ValueError, r"^y must have labels"),
    ("plain", lambda d: {"X": d["X"].astype(str)}, TypeError, r"^X must be real numbers; got text"),
    ("plain", lambda d: {"X": d["X"] * 1e70}, ValueError, r"^X must have a scale whose"),
    ("plain", lambda d: {"y": d["y"] * 1e70}, ValueError, r"^y must have a scale whose"),
    ("covariates", lambda d: {"covariates": d["covariates"] * 1e70}, ValueError, r"^covariates mu"),
    ("plain", lambda d: {"quiet": 1}, TypeError, r"^quiet must be True or False, got 1"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "change", "error", "message"), BAD)
def test_data_that_are_refused(kind: str, change: Any, error: type, message: str) -> None:
    given = data(kind)
    with pytest.raises(error, match=message):
        blr.sufficient_statistics(**given | change(given))


def test_warnings_about_the_data_are_those_of_the_models() -> None:
    X, y = data("plain").values()
    with pytest.warns(UserWarning, match=r"^X has 1 feature\(s\) that are copies of another one"):
        blr.sufficient_statistics(X.assign(x2=X["x1"]), y)
    with pytest.warns(UserWarning, match=r"^y has only the values 0 and 1"):
        blr.sufficient_statistics(X, y > 0)


def test_more_features_than_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_available", lambda: 8.0 * P * P - 1)
    message = r"^X must have .*8 p\^2 bytes; got 7 features, which take .* GiB, where .*Fit X itsel"
    with pytest.raises(ValueError, match=message):
        statistics("plain")
    monkeypatch.setattr(memory, "_available", lambda: 8.0 * P * P)
    statistics("plain")


def test_available_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert 1e6 < memory._available() < 1e15
    none, limit, system = tmp_path / "none", tmp_path / "limit", tmp_path / "system"
    monkeypatch.setattr(memory, "_SYSTEM", system)
    monkeypatch.setattr(memory, "_LIMITS", (none, limit))
    system.write_text("MemTotal: 9 kB\nMemAvailable:       4 kB\n")
    limit.write_text("max\n")
    assert memory._available() == 4096
    limit.write_text("1024\n")
    assert memory._available() == 1024
    system.unlink()
    limit.unlink()
    monkeypatch.setattr(memory.os, "sysconf", {"SC_PHYS_PAGES": 3, "SC_PAGE_SIZE": 5}.__getitem__)
    assert memory._available() == 15
    monkeypatch.delattr(memory.os, "sysconf")
    assert memory._available() == np.inf


# What is refused of statistics


def edit(**changes: Any) -> Any:
    """Change variables of a Dataset: name=function of its values."""

    def change(given: xr.Dataset) -> xr.Dataset:
        changed = given.copy(deep=True)
        for name, function in changes.items():
            changed[name] = changed[name].copy(data=function(changed[name].values.copy()))
        return changed

    return change


def at(value: float, *place: int) -> Any:
    def change(array: np.ndarray) -> np.ndarray:
        array[place] = value
        return array

    return change


def both(value: float, i: int, j: int) -> Any:
    return lambda array: at(value, j, i)(at(value, i, j)(array))


def relabel(given: xr.Dataset, dim: str, labels: list) -> xr.Dataset:
    return given.assign_coords({dim: labels})


WRONG: list[tuple[str, Any, type[Exception], str]] = [
    ("number", lambda s: 3, TypeError, "be an xarray.Dataset .*got int. Pass it as"),
    ("dict", lambda s: s.to_dict(), TypeError, r"got dict\..*from_dict"),
    ("array", lambda s: s["XX"], TypeError, "got DataArray"),
    ("other", lambda s: xr.Dataset({"XX": 1}), TypeError, "attribute blrzoo=.*got no such attri"),
    ("kind", lambda s: s.assign_attrs(blrzoo="fit"), TypeError, "got 'fit'"),
    ("odd kind", lambda s: s.assign_attrs(blrzoo=[1, 2]), TypeError, r"got \[1, 2\]"),
    ("version", lambda s: s.assign_attrs(format_version=2), ValueError,
     "have format_version 1; got 2.*update blrzoo"),
    ("no version", lambda s: s.assign_attrs(format_version=None), ValueError, "got None"),
    ("lacks", lambda s: s.drop_vars(["Xy", "n"]), ValueError, r"none of the name \['Xy', 'n'\]"),
    ("lacks W", lambda s: s.drop_vars("WW"), ValueError, r"none of the name \['WW'\]"),
    ("more", lambda s: s.assign(maf=s["X_mean"]), ValueError, r"got \['maf'\].*set_coords"),
    ("dims", lambda s: s.assign(Xy=s["Xy"].T), ValueError, r"Xy with dims \('feature', 'trait'\); "
     r"got \('trait', 'feature'\)"),
    ("float32", lambda s: s.assign(XX=s["XX"].astype("f4")), ValueError, "XX of dtype float64; got"
     " float32"),
    ("real n", lambda s: s.assign(n=s["n"] * 1.0), ValueError, "n of dtype int64; got float64"),
    ("no labels", lambda s: s.drop_vars("feature_bis"), ValueError, "labels of feature_bis; got"),
    ("twice", lambda s: relabel(s, "feature", ["a", "a", *FEATURES[2:]]), ValueError,
     r"different label for every feature; got \['a'\]"),
    ("bis", lambda s: s.isel(feature=[1, 0]), ValueError, "same labels for feature_bis as for f.*"
     r"sel\(feature=labels, feature_bis=labels\)"),
    ("NaN", edit(XX=at(np.nan, 1, 2)), ValueError, "finite numbers; got 1 in XX"),
    ("infinite", edit(y_mean=at(np.inf, 1)), ValueError, "finite numbers; got 1 in y_mean"),
    ("n", edit(n=at(1)), ValueError, "at least 2 observations; got n = 1"),
    ("weights", edit(weight_sum=at(-1.0)), ValueError, "positive weight_sum; got -1"),
    ("logs", edit(log_weight_sum=at(1e3)), ValueError, r"log_weight_sum of n log\(.*got 1000"),
    ("yy", edit(yy=at(-1.0, 1, 1)), ValueError, r"no negative .* in yy.*\['t1'\]"),
    ("yy 0", edit(yy=at(0.0, 1, 1)), ValueError, "cross-products of one set .*got "),
    ("XX", edit(XX=at(-2.0, 3, 3)), ValueError, r"no negative .* in XX, .*got -2 at .*\['x3'\]"),
    ("WW", edit(WW=at(-2.0, 0, 0)), ValueError, r"in WW, .*got -2 at covariate \['age'\]"),
    ("variance", edit(X_variance=at(-2.0, 3)), ValueError, r"number in X_variance, .*\['x3'\]"),
    ("y variance", edit(y_variance=at(-1.0, 0)), ValueError, r"number in y_variance, .*\['t0'\]"),
    ("asymmetric", edit(XX=at(0.1, 1, 2)), ValueError, "symmetric XX; got elements and their"),
    ("asymmetric y", edit(yy=at(0.1, 1, 2)), ValueError, "symmetric yy"),
    ("correlation", edit(XX=both(1e4, 1, 2)), ValueError, "cross-products of one set .*got XX"),
    ("Xy", edit(Xy=at(1e4, 1, 2)), ValueError, "cross-products of one set .*got Xy"),
    ("XW", edit(XW=at(1e4, 1, 1)), ValueError, "cross-products of one set .*got XW"),
    ("Wy", edit(Wy=at(1e4, 1, 1)), ValueError, "cross-products of one set .*got Wy"),
    ("indefinite", edit(XX=lambda a: indefinite(a)), ValueError, "positive semi-definite; got -"),
    ("no scale", edit(XX=both(0.0, 2, 2), Xy=at(1e200, 2, 1)), ValueError, "of one set .*got X"),
    ("no weights", edit(weight_sum=at(5e-324)), ValueError, "log_weight_sum"),
    ("yy small", edit(yy=lambda a: a * 0.82), ValueError, "no less than what the features"),
]  # fmt: skip


def indefinite(a: np.ndarray) -> np.ndarray:
    """Correlations of -0.95 between all, which no three columns have."""
    root = np.sqrt(np.diag(a))
    return (1.95 * np.eye(len(a)) - 0.95) * np.multiply.outer(root, root)


@pytest.mark.parametrize(
    ("change", "error", "message"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_statistics_that_are_refused(change: Any, error: type, message: str) -> None:
    good = statistics()
    bad = change(good)
    with pytest.raises(error, match=rf"^statistics must (?s:.*){message}"):
        check_statistics(bad)
    with pytest.raises(error, match=rf"^parts\[1\] must (?s:.*){message}"):
        blr.merge_statistics([good, bad])


def test_a_slightly_small_yy_is_told_from_rounding() -> None:
    """A perfect fit leaves nothing; a millionth less than nothing is no rounding error."""
    X = data("plain")["X"]
    exact = blr.sufficient_statistics(X, X.sum(axis=1))
    check_statistics(exact)
    check_statistics(exact.assign(yy=exact["yy"] * (1 - 1e-9)))
    with pytest.raises(ValueError, match=r"got a residual variance of -.*e-06"):
        check_statistics(exact.assign(yy=exact["yy"] * (1 - 3e-6)))


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize(("n", "p"), [(5, 30), (40, 100), (100, 40)])
def test_what_is_built_is_never_refused(n: int, p: int, offset: float) -> None:
    """Near copies, constants, perfect fits and extreme units."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(n, 1)) + 1e-3 * rng.normal(size=(n, p))
    X[:, 1], X[:, 2] = X[:, 0], 7
    Y = np.column_stack([X[:, 0], X[:, 0], rng.normal(size=n)])
    weights = rng.uniform(0.01, 100, n)
    for scale in (1.0, 1e-40, 1e40):
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            found = blr.sufficient_statistics(
                (X + offset) * scale, (Y + offset) * scale, weights=weights * scale
            )
        check_statistics(blr.merge_statistics([found, found]))


# Parts that do not belong together


def halves(kind: str = "all") -> list[xr.Dataset]:
    return [blr.sufficient_statistics(**rows) for rows in parts(data(kind), 30)]


def renamed(given: xr.Dataset, dim: str) -> xr.Dataset:
    labels = ["other", *given[dim].values[1:]]
    return given.assign_coords({dim: labels, f"{dim}_bis": labels})


@pytest.mark.parametrize("dim", ["feature", "covariate", "trait"])
def test_other_columns_are_refused(dim: str) -> None:
    first, second = halves()
    label = str(first[dim].values[0])
    message = rf"^parts\[1\] must have the {dim}s of parts\[0\], .*: missing "
    with pytest.raises(ValueError, match=rf"{message}\['{label}'\], unknown \['oth"):
        blr.merge_statistics([first, renamed(second, dim)])
    rest = first[dim].values[1:]
    with pytest.raises(ValueError, match=rf"{message}\['{label}'\]\. Ch"):
        blr.merge_statistics([first, second.sel({dim: rest, f"{dim}_bis": rest})])


@pytest.mark.parametrize(("kind", "dim"), [("covariates", "covariate"), ("traits", "trait")])
def test_parts_without_covariates_or_with_one_trait_are_refused(kind: str, dim: str) -> None:
    with_, without = statistics(kind), statistics("plain")
    for pair in ([with_, without], [without, with_]):
        with pytest.raises(ValueError, match=rf"^parts\[1\] must have the {dim}s of parts\[0\]"):
            blr.merge_statistics(pair)


def test_numbers_are_not_the_same_labels_as_text() -> None:
    given = data("plain")
    numbers = given["X"].set_axis(range(P), axis=1)
    text = numbers.set_axis([str(j) for j in range(P)], axis=1)
    two = [blr.sufficient_statistics(X, given["y"]) for X in (numbers, text)]
    with pytest.raises(ValueError, match=r"must have the features of parts\[0\], .*\['0', '1'"):
        blr.merge_statistics(two)


def units(value: Any) -> Any:
    def change(given: xr.Dataset) -> xr.Dataset:
        given = given.copy()
        given["y_mean"].attrs["units"] = value
        return given

    return change


def alleles(letters: str) -> Any:
    return lambda given: given.assign_coords(allele=("feature", list(letters)))


NOTES: list[tuple[Any, Any, str]] = [
    (alleles("ACGTACG"), alleles("ACTTACG"), r"another 'allele', T for x2 where parts\[0\] has G"),
    (alleles("ACGTACG"), lambda s: s, r"coordinates .*got 'allele' in parts\[0\] only.*drop_vars"),
    (lambda s: s, alleles("ACGTACG"), r"got 'allele' in parts\[1\] only"),
    (units("mg/dl"), units("mmol/l"), r"got 'mmol/l' for y_mean.units, where .* has 'mg/dl'"),
    (units("mg/dl"), lambda s: s, r"got None for y_mean.units"),
    (lambda s: s, units("mg/dl"), r"got 'mg/dl' for y_mean.units"),
    (lambda s: s.assign_attrs(coding="A"), lambda s: s.assign_attrs(coding="B"), "'B' for coding"),
    (lambda s: s.assign_coords(visit=1), lambda s: s.assign_coords(visit=2), "another 'visit'"),
    (lambda s: s.sel(trait="t0", trait_bis="t0"), lambda s: s.sel(trait="t1", trait_bis="t1"),
     "another 'trait'"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "other", "message"), NOTES)
def test_other_units_or_coding_are_refused(change: Any, other: Any, message: str) -> None:
    first, second = halves()
    with pytest.raises(ValueError, match=rf"^parts\[1\] must have the .*{message}"):
        blr.merge_statistics([change(first), other(second)])


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda s: [], ValueError, "^parts must have at least one Dataset .*; got none. Pass a li"),
        (
            lambda s: s,
            TypeError,
            r"^parts must be a list .*, got one of type Dataset\. Pass \[statistics\]",
        ),
        (lambda s: {"a": s}, TypeError, r"got one of type dict\. Pass list\(parts.values\(\)\)"),
        (lambda s: None, TypeError, r"got None of type NoneType\. Pass \[first, second\]"),
        (lambda s: "parts", TypeError, "got 'parts' of type str"),
        (lambda s: [s, None], TypeError, r"^parts\[1\] must be an xarray.Dataset .*; got NoneType"),
        (lambda s: s["XX"], TypeError, "got an array of .* of type DataArray"),
    ],
)
def test_what_is_no_list_of_parts(wrong: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        blr.merge_statistics(wrong(statistics("plain")))
