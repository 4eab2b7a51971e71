"""The verdict on a fit: good ones are good, and of bad ones it says what is wrong."""

import arviz as az
import numpy as np
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo.diagnostics import diagnose, indicator_table
from blrzoo.diagnostics.convergence import convergence_messages
from blrzoo.diagnostics.geweke_scores import geweke
from tests.builders import tree
from tests.diagnostics.chains import CHAINS, DRAWS, faults, parts, two_state


def texts(verdict, level):
    return " ".join(finding.text for finding in verdict.findings if finding.level == level)


# ---- what is good ----


def test_a_good_fit_is_good(capsys):
    idata = tree(**parts())
    verdict = diagnose(idata)
    assert verdict.level == "good"
    assert not faults(verdict)
    printed = capsys.readouterr().out
    assert printed == f"{verdict}\n"
    assert printed.startswith("The draws look good.")
    assert "R-hat is at most 1.00" in printed
    assert max(map(len, printed.splitlines())) <= 92
    assert convergence_messages(idata) == []


def test_quiet(capsys):
    diagnose(tree(**parts()), quiet=True)
    assert capsys.readouterr().out == ""


def test_fits_without_fault_are_seldom_blamed():
    """Twenty of them: the expected number of false alarms is below one."""
    verdicts = [diagnose(tree(**parts(seed=seed)), quiet=True) for seed in range(20)]
    assert sum(verdict.level != "good" for verdict in verdicts) <= 2


def test_the_numbers_are_those_of_arviz_and_of_the_table():
    idata = tree(**parts())
    verdict = diagnose(idata, quiet=True)
    size = idata.posterior["delta"].sum("feature")
    scalars = {"sigma2": idata.posterior["sigma2"], "mu": idata.posterior["mu"], "size": size}
    rhats = {name: float(az.rhat(x.values)) for name, x in scalars.items()}
    assert verdict["r_hat"] == pytest.approx(max(rhats.values()), rel=1e-9)
    bulk = min(float(az.ess(x.values, method="bulk")) for x in scalars.values())
    tail = min(float(az.ess(x.values, method="tail", prob=(0.05, 0.95))) for x in scalars.values())
    assert verdict["ess_bulk"] == pytest.approx(bulk, rel=1e-9)
    assert verdict["ess_tail"] == pytest.approx(tail, rel=1e-9)
    assert verdict["ess_bulk_of"] == "model_size"
    effects = idata.posterior["beta"].values[..., :3]  # the others are rarely included
    rhats = [float(az.rhat(effects[..., j])) for j in range(3)]
    assert verdict["r_hat_effects"] == pytest.approx(max(rhats), rel=1e-9)
    assert verdict["r_hat_effects_of"] == f"beta[{'abc'[int(np.argmax(rhats))]}]"
    z = geweke(idata).to_array()
    assert abs(verdict["geweke_z"]) == pytest.approx(float(abs(z).max()), rel=1e-9)
    table = indicator_table(idata)
    assert verdict["pip_error"] == float(table["error_bound"].max())
    assert verdict["pip_spread"] == pytest.approx(float(table["pip_spread"].max()))
    assert verdict["model_size"] == pytest.approx(float(size.mean()))
    assert verdict["stuck"] == verdict["divergences"] == 0
    assert (verdict["chains"], verdict["draws"]) == (CHAINS, DRAWS)


def test_it_is_a_mapping_with_a_table_for_a_repr():
    verdict = diagnose(tree(**parts()), quiet=True)
    assert len(dict(verdict)) == len(verdict) > 10
    lines = repr(verdict).splitlines()
    assert lines[0] == "Diagnosis: good"
    assert lines[1].split() == ["chains", "4"]
    assert len(lines) == 1 + len(verdict)


@pytest.mark.slow
def test_real_fits_of_the_zoo():
    data = blr.simulate(n=150, p=12, n_causal=2, random_seed=1)
    settings = {"draws": 1500, "tune": 200, "random_seed": 1, "quiet": True}
    for model in (
        blr.single_component(data.X, data.y),
        blr.spike_slab(data.X, data.y, pi=0.1),
        blr.hierarchical(data.X, data.y, ["near"] * 6 + ["far"] * 6),
    ):
        verdict = diagnose(blr.sample(model, **settings), quiet=True)
        assert verdict.level in ("good", "fair"), verdict
        assert verdict["genetic_variance_ess"] > 400


# ---- what is not ----


def test_one_chain():
    verdict = diagnose(tree(**parts()).isel(chain=[0]), quiet=True)
    assert verdict.level == "fair"
    assert "There is one chain" in texts(verdict, "fair")
    assert "chains=4" in str(verdict)
    assert np.isnan(verdict["r_hat"])
    assert np.isnan(verdict["pip_spread"])


def test_a_single_chain_that_drifts_is_poor():
    arrays = parts()
    arrays["sigma2"][:] += 40 * np.exp(-np.arange(DRAWS) / 150)
    verdict = diagnose(tree(**arrays).isel(chain=[2]), quiet=True)
    assert verdict.level == "poor"
    assert "drifts" in texts(verdict, "poor")
    assert verdict["geweke_z_of"] == "sigma2, chain 2"


def test_short_chains():
    verdict = diagnose(tree(**parts()).isel(draw=slice(50)), quiet=True)
    assert verdict.level == "poor"
    assert "50 draws per chain are too few" in texts(verdict, "poor")
    assert "R-hat" not in str(verdict)
    for draws in (1, 3, 5):  # no error either
        assert diagnose(tree(**parts()).isel(draw=slice(draws)), quiet=True).level == "poor"


def test_a_chain_in_another_mode_is_named():
    arrays = parts()
    arrays["sigma2"][2] += 30
    verdict = diagnose(tree(**arrays), quiet=True)
    assert verdict.level == "poor"
    assert verdict["r_hat_of"] == "sigma2"
    assert "Chain 2 lies apart" in texts(verdict, "poor")
    assert "several modes" in str(verdict)


def test_chains_that_mix_slowly_are_told_to_go_on():
    arrays = parts()
    steps = np.random.default_rng(3).normal(size=(CHAINS, DRAWS))
    arrays["sigma2"] = steps.cumsum(axis=1)  # a random walk
    verdict = diagnose(tree(**arrays), quiet=True)
    assert verdict.level == "poor"
    assert "effective sample size is only" in texts(verdict, "poor")
    assert "Draw more" in str(verdict)
    assert "several modes" not in str(verdict)


def test_a_start_that_is_still_far_away_is_a_drift():
    arrays = parts()
    arrays["sigma2"][1] += 12 * np.exp(-np.arange(DRAWS) / 250)
    verdict = diagnose(tree(**arrays), quiet=True)
    assert verdict["geweke_z_of"] == "sigma2, chain 1"
    assert verdict["geweke_z"] > verdict["geweke_bound"] > 3.5
    assert verdict["geweke_beyond"] >= 1
    assert "A chain drifts" in texts(verdict, "fair")
    assert "tune=" in str(verdict)


def test_two_features_that_take_each_others_place():
    arrays = parts()
    arrays["delta"][:, :, 3:5] = 0
    arrays["delta"][:2, :, 3] = arrays["delta"][2:, :, 4] = 1
    verdict = diagnose(tree(**arrays), quiet=True)
    assert verdict.level == "poor"
    poor = texts(verdict, "poor")
    assert "PIPs differ by up to 1.00" in poor
    assert "Stuck" in poor
    assert "0.3 or more for d, e" in poor
    assert verdict["stuck"] == 2
    assert "blr.group_pip(idata, {'set': ['d', 'e']})" in " ".join(str(verdict).split())
    assert "times as many" not in str(verdict)
    assert any("Stuck" in message for message in convergence_messages(tree(**arrays)))


def test_an_indicator_that_one_chain_never_tries():
    arrays = parts()
    arrays["delta"][0, :, 2] = 0  # PIP 0.3 by the other chains
    verdict = diagnose(tree(**arrays), quiet=True)
    assert verdict["stuck"] == 1
    assert "other chains say that it should, of c" in texts(verdict, "poor")
    rare = parts()
    rare["delta"][0, :, 4] = 0  # PIP 0.02, in visits of two draws: no wonder in 1000 draws
    rare["delta"][1:, 20:, 4] = 0
    assert diagnose(tree(**rare), quiet=True)["stuck"] == 0


def test_nothing_ever_moves():
    arrays = parts()
    arrays["delta"][:] = [1, 1, 0, 0, 0, 0]
    verdict = diagnose(tree(**arrays), quiet=True)
    assert verdict.level == "fair"
    assert "No indicator ever changed" in texts(verdict, "fair")


def test_rough_pips():
    arrays = parts()
    arrays["delta"][..., 1] = two_state(0.5, (CHAINS, DRAWS), 5, stay=0.98)
    verdict = diagnose(tree(**arrays), quiet=True)
    assert 0.1 < verdict["pip_error"] < 0.3
    assert "Monte Carlo error of the PIPs" in texts(verdict, "fair")
    assert verdict["undecided_0.5"] == 1
    assert "1 near 0.5 (b)" in str(verdict)
    times = int(np.ceil((verdict["pip_error"] / 0.1) ** 2))
    assert f"Draw about {times} times as many" in str(verdict)
    assert not any(finding.advice for finding in verdict.findings if finding.level == "good")


def test_an_effect_with_two_modes():
    arrays = parts()
    arrays["beta"][1, :, 0] += 1.0
    verdict = diagnose(tree(**arrays), quiet=True)
    assert verdict.level == "poor"
    assert verdict["r_hat_effects_of"] == "beta[a]"
    assert "for beta[a]" in texts(verdict, "poor")


def test_a_rare_visit_is_no_disagreement():
    arrays = parts()
    arrays["delta"][..., 4] = 0
    arrays["delta"][1, 300:340, 4] = 1
    arrays["beta"][..., 4] = arrays["delta"][..., 4] * 1.0
    assert float(az.rhat(arrays["beta"][..., 4])) > 1.01
    assert diagnose(tree(**arrays), quiet=True).level == "good"


@pytest.mark.parametrize(("count", "level"), [(3, "fair"), (100, "poor")])
def test_divergences(count, level):
    diverging = np.zeros((CHAINS, DRAWS), dtype=bool)
    diverging[1, :count] = True
    idata = tree(sample_stats={"diverging": diverging}, **parts())
    verdict = diagnose(idata, quiet=True)
    assert verdict.level == level
    assert verdict["divergences"] == count
    assert f"{count} divergent transitions" in texts(verdict, level)
    assert "target_accept" in convergence_messages(idata)[0]


def test_draws_that_are_not_finite():
    arrays = parts()
    arrays["sigma2"][1, 5] = np.nan
    verdict = diagnose(tree(**arrays), quiet=True)
    assert verdict.level == "poor"
    assert "not finite (NaN or infinite): sigma2" in texts(verdict, "poor")


def test_few_effective_draws_say_how_many_more():
    arrays = parts()
    x = two_state(0.5, (CHAINS, DRAWS), 6, stay=0.9) + 0.01 * arrays["mu"]
    verdict = diagnose(tree(**{**arrays, "sigma2": x}), quiet=True)
    assert 100 < verdict["ess_bulk"] < 400
    assert "below 100 per chain" in texts(verdict, "fair")
    times = int(np.ceil(400 / min(verdict["ess_bulk"], verdict["ess_tail"])))
    assert f"Draw about {times} times as many" in str(verdict)


# ---- any model, any form of the draws ----


def test_traits():
    arrays = parts(traits=2)
    rng = np.random.default_rng(7)
    arrays["Sigma_e"] = rng.normal(size=(CHAINS, DRAWS, 2, 2))
    arrays["Sigma_e"][..., 1, 0] = arrays["Sigma_e"][..., 0, 1]
    stats = {"genetic_variance": rng.gamma(9.0, size=(CHAINS, DRAWS, 2))}
    good = diagnose(tree(sample_stats=stats, **arrays), quiet=True)
    assert good.level == "good", good
    assert {"genetic_variance[t1]", "genetic_variance[t2]"} <= set(good)
    arrays["delta"][1, :, 2, 1] = 0
    arrays["Sigma_e"][3, :, 0, 1] += 9
    arrays["Sigma_e"][3, :, 1, 0] += 9
    verdict = diagnose(tree(sample_stats=stats, **arrays), quiet=True)
    assert "should, of c/t2" in texts(verdict, "poor")
    assert verdict["r_hat_of"] == "Sigma_e[t1, t2]"


def test_a_label_of_the_feature_and_effects_of_each_trait():
    arrays = parts(traits=2)
    label = arrays["delta"].any(axis=-1) * 2
    posterior = tree(**arrays).posterior.to_dataset()
    posterior = posterior.drop_vars("delta").assign(label=(("chain", "draw", "feature"), label))
    verdict = diagnose(xr.DataTree.from_dict({"posterior": posterior}), quiet=True)
    assert verdict.level == "good", verdict
    assert verdict["r_hat_effects_of"].startswith("beta[")


def test_many_hyperparameters_are_screened():
    rng = np.random.default_rng(8)
    tau2 = rng.gamma(9.0, size=(CHAINS, DRAWS // 4, 300))
    tau2[0, :, 250] += 9
    idata = az.from_dict({"posterior": {"tau2": tau2}}, dims={"tau2": ["group"]})
    verdict = diagnose(idata, quiet=True)
    assert verdict["r_hat_of"] == "tau2[250]"
    assert verdict["r_hat"] == pytest.approx(float(az.rhat(tau2[..., 250])))


def test_thinned_and_from_a_file(tmp_path):
    size = np.random.default_rng(9).poisson(5.0, size=(CHAINS, DRAWS))
    idata = tree(sample_stats={"model_size": size}, **parts())
    idata.to_netcdf(tmp_path / "fit.nc")
    loaded, straight = (
        diagnose(i, quiet=True) for i in (az.from_netcdf(tmp_path / "fit.nc"), idata)
    )
    assert str(loaded) == str(straight)
    assert repr(loaded) == repr(straight)
    groups = {name: idata[name].to_dataset() for name in idata.children}
    groups["posterior"] = groups["posterior"].sel(draw=slice(None, None, 5))
    thinned = diagnose(xr.DataTree.from_dict(groups), quiet=True)
    assert thinned["draws"] == DRAWS // 5
    assert thinned["model_size"] == pytest.approx(size[:, ::5].mean())


def test_a_posterior_of_effects_only():
    beta = np.random.default_rng(10).normal(size=(CHAINS, 200, 6))
    verdict = diagnose(tree(beta=beta), quiet=True)
    assert verdict["r_hat_effects_of"].startswith("beta")
    assert "effective sample sizes were not checked" in texts(verdict, "fair")


def test_what_cannot_be_diagnosed_is_refused():
    with pytest.raises(ValueError, match="group 'posterior'"):
        diagnose(xr.DataTree())
    with pytest.raises(TypeError, match="idata must be an InferenceData"):
        diagnose(tree(**parts()).posterior.to_dataset())
    with pytest.raises(ValueError, match="must have variables with chains of draws"):
        diagnose(xr.DataTree.from_dict({"posterior": xr.Dataset()}))
    flat = xr.Dataset({"mu": ("sample", np.ones(5)), "nu": (("chain", "draw"), np.ones((1, 5)))})
    with pytest.raises(ValueError, match=r"'mu' .* lacks \['chain', 'draw'\]"):
        diagnose(xr.DataTree.from_dict({"posterior": flat}))


def test_sampling_logs_the_same_messages(caplog):
    data = blr.simulate(n=50, p=5, n_causal=1, random_seed=1)
    model = blr.spike_slab(data.X, data.y)
    with caplog.at_level("WARNING", logger="blrzoo.sampling"):
        idata = blr.sample(model, draws=30, tune=10, chains=1, random_seed=1, progressbar=False)
    logged = [record.getMessage() for record in caplog.records if record.name == "blrzoo.sampling"]
    assert logged == convergence_messages(idata)
    assert "30 draws per chain are too few" in logged[0]
