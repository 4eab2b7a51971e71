"""Processes that are spawned map X from a file, where forked ones share memory."""

import copyreg
from contextlib import nullcontext
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo.sampling import draw
from blrzoo.sampling.sharing import arrays_by_file, arrays_of
from tests.builders import genotypes


@pytest.fixture(scope="module")
def model():
    return blr.spike_slab(*genotypes(1100, 1000))


def test_a_pickle_holds_names_of_files(model):
    step = blr.BLRGibbs(model=model)
    whole = len(cloudpickle.dumps(step))
    with arrays_by_file(arrays_of(model)):
        small = cloudpickle.dumps(step)
        copied = cloudpickle.loads(small)
        (design,) = copied._designs
        np.testing.assert_array_equal(design.arrays[0], step._designs[0].arrays[0])
        assert type(design.arrays[0]) is np.ndarray
        assert design.arrays[0].flags.writeable
        mapped = Path("/proc/self/maps")
        assert not mapped.exists() or "blrzoo" in mapped.read_text()
    assert len(small) < whole - 1_000_000
    assert np.ndarray not in copyreg.dispatch_table
    assert abs(len(cloudpickle.dumps(step)) - whole) < 10_000


def test_other_arrays_are_pickled_as_ever(model):
    other = np.arange(200_000.0)
    with arrays_by_file(arrays_of(model)):
        assert len(cloudpickle.dumps(other)) > other.nbytes
        np.testing.assert_array_equal(cloudpickle.loads(cloudpickle.dumps(other)), other)


@pytest.mark.slow
@pytest.mark.parametrize("update", ["single-site", "joint"])
def test_spawned_chains_draw_as_forked_ones(update):
    codes, y = genotypes(1100, 1000)
    model = blr.single_component(codes[:600, :300].astype(float), y[:600], update=update)
    settings = {"draws": 5, "tune": 2, "chains": 2, "random_seed": 1, "quiet": True}
    one = blr.sample(model, cores=1, **settings).posterior
    two = blr.sample(model, cores=2, mp_ctx="spawn", **settings).posterior
    # What is compiled and what is loaded from numba's cache may differ in the last bits.
    xr.testing.assert_allclose(one.to_dataset(), two.to_dataset(), rtol=1e-9)


@pytest.mark.slow
def test_what_is_in_a_file_draws_as_what_was_pickled(model, monkeypatch):
    settings = {"draws": 5, "tune": 2, "chains": 2, "random_seed": 1, "quiet": True}
    settings |= {"cores": 2, "mp_ctx": "spawn"}
    blr.sample(model, **settings)  # so that both load what numba compiled
    mapped = blr.sample(model, **settings).posterior
    monkeypatch.setattr(draw, "arrays_by_file", lambda arrays: nullcontext())
    pickled = blr.sample(model, **settings).posterior
    xr.testing.assert_equal(mapped.to_dataset(), pickled.to_dataset())
