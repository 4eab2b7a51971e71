"""What holds for every function that reads a fit: whatever its labels, and only sound draws."""

import inspect

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo.diagnostics import Diagnosis
from blrzoo.posterior import reader
from tests.posterior.readers import DRAWN, FITS, READERS, one_trait, plain
from tests.public import unqualified

of_each = pytest.mark.parametrize(("fit", "read"), READERS.values(), ids=READERS.keys())
pytestmark = pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")


def test_the_table_has_every_public_reader():
    readers = {
        name
        for name, function in unqualified().items()
        if inspect.isfunction(function) and FITS & set(inspect.signature(function).parameters)
    } - {"sample", "sample_more"}  # whose draws is a number
    readers -= {"log_marginal_likelihood", *blr.testing.__all__}
    assert readers == {name.split()[0] for name in READERS}


# ---- runs that were put together ----


def put_together(first, second, dim):
    groups = {name: node.to_dataset() for name, node in first.children.items()}
    for name in DRAWN:
        groups[name] = xr.concat([first[name].to_dataset(), second[name].to_dataset()], dim)
    return xr.DataTree.from_dict(groups)


def renumbered(idata):
    groups = {name: node.to_dataset() for name, node in idata.children.items()}
    for name in DRAWN:
        sizes = groups[name].sizes
        groups[name] = groups[name].assign_coords({d: range(sizes[d]) for d in ("chain", "draw")})
    return xr.DataTree.from_dict(groups)


def assert_same(got, expected):
    if isinstance(got, xr.DataArray | xr.Dataset):
        xr.testing.assert_identical(got, expected)
    elif isinstance(got, pd.DataFrame):
        pd.testing.assert_frame_equal(got, expected)
    elif isinstance(got, Diagnosis):
        np.testing.assert_equal(dict(got), dict(expected))
        assert str(got) == str(expected)
    else:
        np.testing.assert_equal(got, expected)


@pytest.mark.parametrize("dim", ["chain", "draw"])
@of_each
def test_runs_put_together_are_read_like_one_run(fit, read, dim):
    both = put_together(fit(seed=1), fit(seed=2), dim)
    assert not both["posterior"].indexes[dim].is_unique
    assert_same(plain(read(both)), plain(read(renumbered(both))))


@pytest.mark.parametrize("dim", ["chain", "draw"])
def test_statistics_of_one_run_are_not_taken_for_those_of_two(dim):
    first, second = one_trait(seed=1), one_trait(seed=2)
    both = put_together(first, second, dim)
    both["sample_stats"] = first["sample_stats"]
    expected = both["posterior"]["delta"].sum("feature").values
    np.testing.assert_array_equal(blr.model_size(both), expected)


def test_a_posterior_that_was_thinned_has_its_statistics():
    idata = one_trait()
    expected = blr.model_size(idata)
    idata["posterior"] = idata["posterior"].to_dataset().isel(draw=slice(None, None, 7), chain=[1])
    del idata["posterior"]["delta"]
    xr.testing.assert_equal(
        blr.diagnostics.indicators.quantities(idata)["model_size"],
        expected.isel(draw=slice(None, None, 7), chain=[1]),
    )


# ---- draws that are not finite ----


def changed(idata, **change):
    """A fit with variables of its posterior changed, and what was drawn from them with them."""
    groups = {name: node.to_dataset() for name, node in idata.children.items()}
    for name in DRAWN:
        for variable, new in groups[name].items():
            if variable in change:
                groups[name][variable] = change[variable](new)
    return xr.DataTree.from_dict(groups)


def from_draw_70(value):
    """What a sampler leaves that breaks down in the second chain: indicators are integers."""

    def spoil(draws):
        late = (draws["draw"] >= 70) & (draws["chain"] == 1)
        return draws.where(~late, 0 if draws.dtype.kind == "i" else value)

    return spoil


EVERYTHING = ("beta", "delta", "mu", "pi", "sigma2", "tau2", "Sigma_b", "Sigma_e", "y")
SPOILT = {
    "a broken sampler": dict.fromkeys(EVERYTHING, from_draw_70(np.nan)),
    "effects only": {"beta": from_draw_70(np.inf), "y": from_draw_70(np.inf)},
}
#: It skips missing draws, and says so.
SKIPS = ("summary_table",)


@pytest.mark.parametrize("change", SPOILT.values(), ids=SPOILT.keys())
@of_each
def test_draws_that_are_not_finite_are_refused(fit, read, change, request):
    idata = changed(fit(), **change)
    name = request.node.callspec.id.split("-")[0].split()[0]
    if name in SKIPS:
        return
    if name == "diagnose":
        verdict = read(idata)
        assert verdict.level == "poor"
        assert "not finite (NaN or infinite): " in str(verdict)
        assert "beta" in str(verdict) or "mu[" in str(verdict)  # the first few are named
    elif name == "score":
        with pytest.raises(ValueError, match=r"predictions must be finite .* for 30 of 30 values"):
            read(idata)
    else:
        wanted = r"'\w+' in .* no missing draw .*; 50 of 240 draws hold NaN or infinity"
        with pytest.raises(ValueError, match=wanted):
            read(idata)


def test_effects_on_disk_and_of_float32_are_looked_at_by_blocks(monkeypatch, tmp_path):
    monkeypatch.setattr(reader, "_BLOCK_BYTES", 8 * 240 * 3)  # three features
    idata = changed(one_trait(), beta=lambda draws: draws.astype(np.float32))
    broken = changed(idata, beta=lambda draws: draws.where(draws["feature"] != "snp7", np.nan))
    for name, fit in {"sound": idata, "broken": broken}.items():
        fit.to_netcdf(tmp_path / f"{name}.nc")
    with az.from_netcdf(tmp_path / "sound.nc") as loaded:
        xr.testing.assert_equal(blr.pip(loaded), blr.pip(idata))
    with (
        az.from_netcdf(tmp_path / "broken.nc") as loaded,
        pytest.raises(ValueError, match=r"'beta' .* 240 of 240 draws .* sampler broke down"),
    ):
        blr.pip(loaded)


def test_large_effects_are_not_taken_for_infinite():
    idata = changed(one_trait(), beta=lambda draws: draws.where(draws == 0, 1e308))
    xr.testing.assert_equal(blr.pip(idata), blr.pip(one_trait()))


def test_chains_of_different_lengths_are_told_apart_and_the_remedy_works():
    long, short = one_trait(seed=1), one_trait(seed=2, draws=80)
    groups = {name: node.to_dataset() for name, node in long.children.items()}
    for name in DRAWN:
        more = short[name].to_dataset().assign_coords(chain=[2, 3])
        groups[name] = xr.concat([groups[name], more], "chain", join="outer")
    both = xr.DataTree.from_dict(groups)
    remedy = r"80 of 480 draws .* cut all chains .*: idata.isel\(draw=slice\(80\)\)"
    with pytest.raises(ValueError, match=remedy):
        blr.pip(both)
    cut = both.isel(draw=slice(80))
    alike = put_together(long.isel(draw=slice(80)), short, "chain")
    np.testing.assert_array_equal(blr.pip(cut), blr.pip(alike))


# ---- posteriors without draws ----


def stacked(idata):
    return xr.DataTree.from_dict(
        {
            name: node.to_dataset().stack(sample=("chain", "draw"))
            if name in DRAWN
            else node.to_dataset()
            for name, node in idata.children.items()
        }
    )


EMPTY = {
    "one chain selected": (lambda idata: idata.isel(chain=0), "chain"),
    "stacked": (stacked, "draw"),
    "no draws": (lambda idata: idata.isel(draw=slice(0)), "draw"),
    "no chains": (lambda idata: idata.isel(chain=slice(0)), "chain"),
    "no features": (lambda idata: idata.isel(feature=slice(0)), "feature"),
}
#: They count whatever dims there are as draws, or read nothing of features.
INDIFFERENT = {
    "score": ("one chain selected", "stacked", "no features"),
    "summary_table": ("no features",),
}


@pytest.mark.parametrize("kind", EMPTY)
@of_each
def test_a_posterior_without_draws_is_refused(fit, read, kind, request):
    name = request.node.callspec.id.split("-")[0].split()[0]
    if kind in INDIFFERENT.get(name, ()):
        return
    change, dim = EMPTY[kind]
    idata = change(fit())
    rule = "at least one; got shape" if name == "score" else f"(at least one|have the dims) .*{dim}"
    with pytest.raises(ValueError, match=f"must .*{rule}") as caught:
        read(idata)
    assert "blrzoo" in caught.traceback[-1].path.parts
