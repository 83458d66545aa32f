"""Projections during training, and statistics of stationary chains, against closed forms."""

import numpy as np
import pytest
import torch
from scipy.signal import lfilter
from torch import nn

from inertialab.verification.measure import Recorder, autocorrelation_time, burn_in, stationary_covariance


def autoregressive(
    a: float, times: int, chains: int, seed: int, start: float = 0.0, stationary: bool = True
) -> np.ndarray:
    """x' = a x + unit noise, of variance 1/(1 - a²)."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(times, chains))
    noise[0] = noise[0] / (1 - a**2) ** 0.5 if stationary else start
    return np.asarray(lfilter([1.0], [1.0, -a], noise, axis=0))


@pytest.fixture
def training():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    return model, torch.randn(8, 3, dtype=torch.float64)


def flat(tensors) -> torch.Tensor:
    return torch.cat([t.detach().reshape(-1) for t in tensors])


@pytest.mark.parametrize(
    ("make", "buffer"),
    [
        (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1), "momentum_buffer"),
        (lambda p: torch.optim.SGD(p, lr=0.1), None),
        (lambda p: torch.optim.Adam(p, lr=0.1), "exp_avg"),
    ],
)
def test_records_are_the_projections(training, make, buffer):
    model, inputs = training
    parameters = list(model.parameters())
    optimizer, origin = make(parameters), flat(parameters)
    directions = torch.randn(2, len(origin), dtype=torch.float64)
    recorder = Recorder(optimizer, directions, origin=origin, every=2)
    seen = []
    for _ in range(6):
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()
        momenta = flat(optimizer.state[p][buffer] for p in parameters) if buffer else torch.zeros_like(origin)
        seen.append(torch.stack([flat(parameters) - origin, flat(p.grad for p in parameters), momenta]))
    recorder.detach()
    optimizer.step()
    found = recorder.trajectory()
    expected = (torch.stack(seen)[1::2] @ directions.T).numpy()
    assert found.steps.tolist() == [2, 4, 6]
    for j, array in enumerate((found.parameters, found.gradients, found.momenta)):
        np.testing.assert_allclose(array, expected[:, j], rtol=1e-12, atol=1e-14)


def test_many_records_stay_in_order():
    w = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([w], lr=1.0)
    recorder = Recorder(optimizer, torch.ones(1, 1))
    assert recorder.trajectory().parameters.shape == (0, 1)
    w.grad = -torch.ones_like(w)
    for _ in range(2500):
        optimizer.step()
    found = recorder.trajectory()
    assert np.array_equal(found.parameters[:, 0], found.steps)
    assert len(found.steps) == 2500


def test_directions_must_match(training):
    model, _ = training
    with pytest.raises(ValueError, match=r"shape \(k, 21\)"):
        Recorder(torch.optim.SGD(model.parameters(), lr=0.1), torch.ones(2, 5))


@pytest.mark.parametrize("a", [-0.5, 0.0, 0.6, 0.9])
def test_autocorrelation_time_of_an_autoregression(a):
    found, error = autocorrelation_time(autoregressive(a, 20_000, 8, seed=1))
    exact = (1 + a) / (1 - a)
    assert abs(found - exact) < 4 * error
    assert error < 0.05 * exact


def test_a_sum_that_counts_lags_once_is_found_out():
    a = 0.6
    found, error = autocorrelation_time(autoregressive(a, 20_000, 8, seed=1))
    assert abs((1 + found) / 2 - (1 + a) / (1 - a)) > 4 * error


def test_autocorrelation_time_where_momentum_makes_it_oscillate():
    """x'' = b x' - c x + noise: the spectrum at zero over the variance; Sokal's own window closes too early."""
    b, c = 1.8, 0.95
    noise = np.random.default_rng(4).normal(size=(41_000, 8))
    x = np.asarray(lfilter([1.0], [1.0, -b, c], noise, axis=0))[1000:]
    variance = (1 + c) / ((1 - c) * ((1 + c) ** 2 - b**2))
    exact = 1 / (1 - b + c) ** 2 / variance
    found, _ = autocorrelation_time(x)
    assert found == pytest.approx(exact, rel=0.1)
    rho = np.array([(x[: len(x) - t] * x[t:]).mean() for t in range(200)]) / (x**2).mean()
    tau = 2 * np.cumsum(rho) - 1
    early = tau[np.flatnonzero(np.arange(200) >= 5 * tau)[0]]
    assert abs(early - exact) > 0.3 * exact


def test_an_autocorrelation_time_needs_long_chains():
    with pytest.raises(ValueError, match="too few"):
        autocorrelation_time(autoregressive(0.99, 200, 2, seed=0))
    with pytest.raises(ValueError, match="do not vary"):
        autocorrelation_time(np.ones((100, 2)))


def _covered(intervals, exact: float) -> bool:
    return bool(intervals.low[0, 0] <= exact <= intervals.high[0, 0])


def test_covariance_covers_and_is_unbiased():
    """95% of 1000 intervals: a binomial standard deviation is 0.7%; in five correlation times squares are skewed."""
    a, exact = 0.9, 1 / (1 - 0.9**2)
    runs = [autoregressive(a, 100, 8, seed)[:, :, None] for seed in range(1000)]
    found = [stationary_covariance(run) for run in runs]
    values = np.array([f.value[0, 0] for f in found])
    assert abs(values.mean() - exact) < 4 * values.std() / 1000**0.5
    assert np.mean([_covered(f, exact) for f in found]) > 0.90
    # Records taken for independent ones: their intervals are too narrow by the root of the autocorrelation time.
    wrong = []
    for run in runs:
        x = (run - run.mean()) ** 2
        wrong.append(abs(x.mean() - exact) < 1.96 * x.std() / x.size**0.5)
    assert np.mean(wrong) < 0.75
    # Without the term for the common mean the bias is seen.
    plain = np.array([((run - run.mean()) ** 2).mean() for run in runs])
    assert abs(plain.mean() - exact) > 4 * plain.std() / 1000**0.5


@pytest.mark.parametrize(("times", "chains"), [(1000, 8), (400, 16), (400, 32)])
def test_intervals_of_the_covariance_cover_as_often_as_they_say(times, chains):
    """Chains of 40 autocorrelation times or more; of shorter ones the squares are skewed, see above."""
    a, exact = 0.9, 1 / (1 - 0.9**2)
    found = [stationary_covariance(autoregressive(a, times, chains, seed)[:, :, None]) for seed in range(1000)]
    assert 0.93 <= np.mean([_covered(f, exact) for f in found]) <= 0.97
    assert not 0.93 <= np.mean([_covered(f, 1.1 * exact) for f in found]) <= 0.97


def test_one_chain_has_no_interval():
    with pytest.raises(ValueError, match="at least 2 chains"):
        stationary_covariance(np.zeros((10, 1, 2)))


def test_burn_in_of_a_displaced_start():
    samples = autoregressive(0.95, 2000, 16, seed=2, start=50.0, stationary=False)[:, :, None]
    assert 60 <= burn_in(samples) <= 400  # relaxation takes 20 records; three of them leave 5% of the start


def test_burn_in_sees_a_growing_spread():
    samples = autoregressive(0.99, 4000, 64, seed=3, stationary=False)[:, :, None]
    assert 50 <= burn_in(samples) <= 1000  # spread relaxes in 50 records; its mean never changes


def test_burn_in_of_stationary_and_of_drifting_chains():
    dropped = [burn_in(autoregressive(0.5, 1000, 16, seed)[:, :, None]) for seed in range(20)]
    assert np.mean(dropped) < 200
    with pytest.raises(ValueError, match="still drift"):
        burn_in(np.linspace(0, 1, 200)[:, None, None] + np.zeros((1, 2, 1)))
    with pytest.raises(ValueError, match="cannot be seen"):
        burn_in(np.zeros((10, 2, 1)))
