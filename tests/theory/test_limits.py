"""Limits in which one claim becomes another, over the regimes of both."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inertialab.theory import OutsideRegimeError, claim

fractions = st.floats(0.02, 0.97)
RATES = st.floats(0.01, 1.5)


def predict(id, **values):
    return claim(id).predict(**values)


@given(eta=RATES, C=st.floats(0.1, 10))
def test_without_momentum_a_step_of_momentum_is_a_step_of_sgd(eta, C):
    """β → 0: displacement of a step and covariance become those of SGD."""
    V = predict("sgd.stationary-variance", eta=eta, h=1.0, C=C)
    assert predict("momentum.stationary-velocity", eta=eta, h=1.0, C=C, beta=0.0) == pytest.approx(
        2 * eta * V, rel=1e-12
    )
    H, noise = np.diag([1.0, 0.4]), C * np.array([[1.0, 0.2], [0.2, 0.7]])
    torch = predict("momentum.stationary-covariance-torch", eta=eta, H=H, C=noise, beta=0.0)
    assert np.allclose(torch, predict("sgd.stationary-covariance", eta=eta, H=H, C=noise), rtol=1e-12)
    if eta <= 1:
        assert predict("adai.stationary-variance", eta=eta, h=1.0, C=C, kappa=1.0) == pytest.approx(V, rel=1e-12)


@given(eta=st.floats(0.01, 1.0), h=st.floats(0.1, 1.9), beta=fractions)
def test_a_commuting_covariance_is_the_law_of_each_direction(eta, h, beta):
    """Equal curvatures: the matrix law is the scalar one."""
    H, C = h * np.eye(2), np.diag([0.5, 2.0])
    S = predict("momentum.stationary-covariance-torch", eta=eta, H=H, C=C, beta=beta)
    alone = predict("momentum.stationary-variance-torch", eta=eta, h=h, C=2.0, beta=beta)
    assert S[1, 1] == pytest.approx(alone, rel=1e-10)


@given(eta=st.floats(0.01, 1.0), h=st.floats(-0.5, 1.9), T=st.integers(0, 60))
def test_a_commuting_spread_is_the_law_of_each_direction(eta, h, T):
    """Equal curvatures: the matrix laws at a saddle are the scalar ones; without curvature they are free."""
    H, C = h * np.eye(2), np.array([[0.5, 0.3], [0.3, 2.0]])
    S = predict("sgd.saddle-covariance", eta=eta, H=H, C=C, T=T)
    alone = predict("sgd.saddle-variance", eta=eta, h=h, C=1.0, T=T)
    assert np.allclose(S, alone * C, rtol=1e-9)
    free = predict("sgd.saddle-covariance", eta=eta, H=0 * H, C=C, T=T)
    assert np.allclose(free, eta**2 * C * T, rtol=1e-12)


@given(eta=st.floats(0.01, 0.3), h=st.floats(-0.5, 0.5), beta=st.floats(0.0, 0.95), T=st.integers(0, 60))
def test_adam_without_correlations_is_momentum_in_each_direction(eta, h, beta, T):
    """Diagonal H and C: curvature over √C, noise over C, thermal start; and SGD of the scaled problem at β = 0."""
    C = np.array([0.25, 4.0])
    S = predict("adam.saddle-covariance", eta=eta, H=h * np.diag([1.0, -2.0]), C=np.diag(C), beta=beta, T=T)
    for i, curvature in enumerate((h / 0.5, -2 * h / 2.0)):
        warm = {"C": 1.0, "v0sq": (1 - beta) / (1 + beta), "beta": beta, "T": T}
        assert S[i, i] == pytest.approx(predict("momentum.saddle-msd", eta=eta, h=curvature, **warm), rel=1e-9)
    assert S[0, 1] == pytest.approx(0, abs=1e-12)


@given(turn=st.floats(-1.5, 1.5), ratio=st.floats(0.05, 20), beta=st.floats(0.0, 0.95), T=st.integers(1, 100))
def test_a_turned_pair_is_the_matrix_law_without_curvature(turn, ratio, beta, T):
    """adam.rotation is the eigen-direction of adam.saddle-covariance at vanishing curvature."""
    c, s = np.cos(turn), np.sin(turn)
    R = np.array([[c, -s], [s, c]])
    C = R @ np.diag([ratio, 1.0]) @ R.T
    S = predict("adam.saddle-covariance", eta=0.1, H=0 * C, C=C, beta=beta, T=T)
    along = predict("adam.rotation", eta=0.1, beta=beta, T=T, turn=turn, ratio=ratio)
    assert along == pytest.approx((R.T @ S @ R)[0, 0], rel=1e-9)


@given(h=st.floats(-0.1, 0.5), quiet=st.floats(0.05, 1.0), T=st.integers(0, 60))
def test_adai_without_correlations_is_momentum_of_its_own_inertia_in_each_direction(h, quiet, T):
    """Diagonal H and C: the warm law of each coordinate, κ = β₀C_ii over the mean; no curvature: the free law."""
    C = np.array([quiet, 2.0, 1.0])
    point = {"eta": 0.2, "beta0": 0.3, "eps": 0.01, "T": T, "C": np.diag(C)}
    S = predict("adai.saddle-covariance", H=np.diag([h, -h / 4, 0.0]), **point)
    for i, curvature in enumerate((h, -h / 4, 0.0)):
        kappa = 0.3 * C[i] / C.mean()
        alone = predict("adai.saddle-msd", eta=0.2, h=curvature, C=C[i], kappa=kappa, T=T)
        assert S[i, i] == pytest.approx(alone, rel=1e-6)
    assert S[0, 1] == pytest.approx(0, abs=1e-9)


def test_adais_modes_are_the_recursion_itself():
    """Any H and C, stepped one by one."""
    H = np.array([[-0.1, 0.2, 0.0], [0.2, 0.5, -0.1], [0.0, -0.1, 0.3]])
    C = np.array([[1.0, 0.3, 0.1], [0.3, 0.5, -0.2], [0.1, -0.2, 2.0]])
    kappa = np.clip(0.4 * np.diag(C) / np.diag(C).mean(), 0.01, 1)
    K, one = np.diag(kappa), np.eye(3)
    A = np.block([[one - 0.2 * K @ H, -0.2 * (one - K)], [K @ H, one - K]])
    b = np.vstack([-0.2 * K, K])
    P = np.zeros((6, 6))
    for _ in range(4000):
        P[3:, 3:] = (one - K) @ P[3:, 3:] @ (one - K) + K @ C @ K
    for T in range(1, 20):
        P = A @ P @ A.T + b @ C @ b.T
        S = predict("adai.saddle-covariance", eta=0.2, H=H, C=C, beta0=0.4, eps=0.01, T=T)
        assert np.allclose(S, P[:3, :3], rtol=1e-9)


H_AT_REST = np.array([[0.6, 0.2, 0.0], [0.2, 0.5, -0.1], [0.0, -0.1, 0.3]])
C_AT_REST = np.array([[1.0, 0.3, 0.1], [0.3, 0.5, -0.2], [0.1, -0.2, 2.0]])


def stepped(eta, H, C, kappa, divided, decay=0.0):
    """Covariance after many linear steps of parameters and buffers, one by one."""
    K, D, one = np.diag(kappa), np.diag(divided), np.eye(len(H))
    A = np.block([[(1 - eta * decay) * one - eta * D @ K @ H, -eta * D @ (one - K)], [K @ H, one - K]])
    b = np.vstack([-eta * D @ K, K])
    P = np.zeros(A.shape)
    for _ in range(4000):
        P = A @ P @ A.T + b @ C @ b.T
    return P[: len(H), : len(H)]


@pytest.mark.parametrize("eta", [0.02, 0.3])
def test_adam_and_adai_at_rest_are_the_recursion_itself_with_their_own_second_moments(eta):
    """Stepped with the second moments that the stated covariance gives, which it must give back."""
    H, C = H_AT_REST, C_AT_REST
    S = predict("adam.stationary-covariance", eta=eta, H=H, C=C, beta=0.8)
    v = np.diag(C + H @ S @ H)
    assert np.allclose(S, stepped(eta, H, C, np.full(3, 0.2), v**-0.5), rtol=1e-9)
    S = predict("adai.stationary-covariance", eta=eta, H=H, C=C, beta0=0.4, eps=0.3)
    v = np.diag(C + H @ S @ H)
    kappa = np.clip(0.4 * v / v.mean(), 0.3, 1)
    assert kappa.min() == 0.3
    assert np.allclose(S, stepped(eta, H, C, kappa, np.ones(3)), rtol=1e-9)


@pytest.mark.parametrize("eta", [0.02, 0.3])
def test_adamw_at_rest_is_the_recursion_itself_and_without_decay_adams(eta):
    """Also where the decay alone keeps a direction of negative curvature."""
    C = C_AT_REST
    for H in (H_AT_REST, H_AT_REST - 0.35 * np.eye(3)):
        rest = np.array([0.3, 1.2, 0.0])
        S = predict("adamw.stationary-covariance", eta=eta, H=H, C=C, beta=0.8, decay=0.7, theta_rest=rest)
        v = np.diag(C + H @ S @ H)
        v = v + (predict("adamw.resting-place", C=v, decay=0.7, theta_rest=rest) * rest) ** 2
        assert np.allclose(S, stepped(eta, H, C, np.full(3, 0.2), v**-0.5, 0.7), rtol=1e-9)
    point = {"eta": eta, "H": H_AT_REST, "C": C, "beta": 0.8}
    plain = predict("adam.stationary-covariance", **point)
    assert np.allclose(predict("adamw.stationary-covariance", **point, decay=0.0, theta_rest=3.0), plain, rtol=1e-12)
    with pytest.raises(OutsideRegimeError, match=r"adamw.stationary-covariance holds for decay\*eta < 1"):
        predict("adamw.stationary-covariance", **point, decay=1.1 / eta, theta_rest=0.0)
    with pytest.raises(OutsideRegimeError, match=r"abs\(decay\*theta_rest\) < 1, but it is 1.2"):
        predict("adamw.stationary-covariance", **point, decay=1.0, theta_rest=[0.1, -1.2, 0.0])
    with pytest.raises(ValueError, match=r"theta_rest must have a number for each of 3, got \(2,\)"):
        predict("adamw.stationary-covariance", **point, decay=1.0, theta_rest=[0.1, 0.2])


@given(place=st.floats(-0.9, 0.9), noise=st.floats(0.1, 3.0))
def test_adamw_rests_where_its_mean_step_is_none(place, noise):
    """The mean gradient over the root of its mean square takes what the decay gives."""
    strength = predict("adamw.resting-place", C=noise, decay=1.0, theta_rest=place)
    slope = -strength * place
    assert slope / np.sqrt(noise + slope**2) == pytest.approx(-place, rel=1e-12)


@given(h=st.floats(0.1, 2.0), noise=st.floats(0.1, 3.0))
def test_the_scalar_laws_of_adam_and_adai_are_their_matrix_laws_along_the_axes(h, noise):
    """Diagonal H and C; for Adam C = H/B and small steps."""
    H, C = np.diag([h, 1.0]), np.diag([noise, 1.5])
    S = predict("adai.stationary-covariance", eta=1e-6, H=H, C=C, beta0=0.2, eps=1e-6)
    alone = predict("adai.stationary-variance", eta=1e-6, h=h, C=noise, kappa=0.2 * noise / np.diag(C).mean())
    assert S[0, 0] == pytest.approx(alone, rel=1e-5)
    S = predict("adam.stationary-covariance", eta=1e-6, H=H, C=H / 16, beta=0.9)
    assert S[0, 0] == pytest.approx(predict("adam.stationary-variance", eta=1e-6, h=h, B=16), rel=1e-4)


def test_what_has_no_stationary_state_is_refused():
    point = {"H": H_AT_REST, "C": C_AT_REST}
    with pytest.raises(OutsideRegimeError, match=r"no stationary state; the step is unstable, take a smaller eta"):
        predict("adai.stationary-covariance", eta=200.0, beta0=0.5, eps=0.01, **point)
    with pytest.raises(OutsideRegimeError, match=r"adam.stationary-covariance holds for"):
        predict("adam.stationary-covariance", eta=200.0, beta=0.5, **point)
    with pytest.raises(ValueError, match=r"every coordinate needs noise, or its second moment may vanish"):
        predict("adam.stationary-covariance", eta=0.1, beta=0.5, H=np.eye(2), C=np.diag([1.0, 0.0]))
    with pytest.raises(ValueError, match=r"give one H and one C at a time, got H of shape \(2, 3, 3\)"):
        predict("adai.stationary-covariance", eta=0.1, beta0=0.5, eps=0.01, H=np.stack([H_AT_REST] * 2), C=C_AT_REST)


def test_a_coordinate_without_noise_has_no_second_moment():
    with pytest.raises(ValueError, match=r"adam.saddle-covariance: every coordinate needs noise, or its second moment"):
        predict("adam.saddle-covariance", eta=0.1, H=np.eye(2), C=np.diag([1.0, 0.0]), beta=0.9, T=3)


@given(h=st.floats(0.1, 5), exponent=st.floats(-6, -3))
def test_small_steps_are_continuous_time(h, exponent):
    """η → 0: every approximate law meets the exact one, at its own order."""
    eta, C = 10**exponent / h, 0.7
    exact = predict("sgd.stationary-variance", eta=eta, h=h, C=C)
    for id, order in (("sgd.stationary-variance-ou", -0.5), ("sgd.modified-equation-2", -1.0)):
        assert predict(id, eta=eta, h=h, C=C) / exact - 1 == pytest.approx(order * eta * h, rel=1e-2)
    assert predict("sgd.isotropy", eta=eta, B=h / C) == pytest.approx(exact, rel=eta * h)


@given(beta=st.floats(0.0, 0.95), h=st.floats(0.1, 5))
def test_kunins_equation_misses_as_much_as_it_says(beta, h):
    point = {"eta": 0.001 / h, "h": h, "C": 1.0, "beta": beta}
    ratio = predict("momentum.modified-equation", **point) / predict("momentum.stationary-variance-torch", **point)
    assert 1 - ratio == pytest.approx(0.001 / (2 * (1 + beta)), rel=1e-9)


@given(n=st.integers(2, 60), rate=st.floats(0.001, 1.9))
def test_shuffling_lowers_the_variance_and_long_epochs_are_independent_noise(n, rate):
    """n → ∞ at fixed ηh gives independent noise; ηhn → 0 gives a third of ηhn times as much."""
    point = {"eta": 0.1, "h": 10 * rate, "C": 1.0}
    shuffled, alone = (
        predict("sgd.shuffled-variance", **point, n_batches=n),
        predict("sgd.stationary-variance", **point),
    )
    # Beyond eta*h = 1 neighbouring noises enter with opposite signs, and their negative correlation adds.
    assert shuffled < alone * (1 + 1e-12) or rate > 1
    flat = {"eta": 1e-7, "h": 1.0, "C": 1.0}
    small = predict("sgd.shuffled-variance", **flat, n_batches=n) / predict("sgd.stationary-variance", **flat)
    assert small == pytest.approx(1e-7 * (n + 1) / 3, rel=1e-4)
    assert predict("sgd.shuffled-variance", **point, n_batches=200_000) == pytest.approx(alone, rel=0.02)


@given(h=st.floats(0.05, 4), gamma=st.floats(0.3, 5), M=st.floats(0.2, 4))
def test_a_damped_particle_ends_in_equilibrium(h, gamma, M):
    """t → ∞: the variance is D/(γMh) in every damping regime."""
    end = predict(
        "momentum.saddle-msd-continuous", D=0.7, h=h, gamma=gamma, M=M, t=4000 / min(gamma, h / (gamma * M)), v0sq=9.0
    )
    assert end == pytest.approx(0.7 / (gamma * M * h), rel=1e-8)


@given(h=st.floats(-0.5, 0.5), beta=st.floats(0.3, 0.9), T=st.floats(0.5, 3))
def test_momentum_in_small_steps_is_a_damped_particle(h, beta, T):
    """η → 0 with 1 - β ∝ η: the discrete law tends to the continuous one with M = η/(1 - β), γ = (1 - β)/η."""
    eta, memory = 1e-4, 1e-4 * (1 - beta)
    C, steps = 0.7, int(T / eta)
    discrete = predict("momentum.saddle-msd", eta=eta, h=h, C=C, beta=1 - memory, T=steps, v0sq=0.0)
    matched = {"D": eta * C / 2, "h": h, "gamma": memory / eta, "M": eta / memory, "t": eta * steps}
    assert predict("momentum.saddle-msd-continuous", **matched, v0sq=0.0) == pytest.approx(discrete, rel=2e-3)


@given(eta=st.floats(0.01, 3), h=st.floats(-3, -1e-4), beta=st.floats(0.01, 0.999))
def test_momentum_never_grows_as_fast_as_sgd(eta, h, beta):
    """The proof holds over the whole regime."""
    grown = predict("momentum.growth-slower", eta=eta, h=h, beta=beta)
    assert 1 <= grown < 1 - eta * h
    assert predict("momentum.growth-slower", eta=eta, h=h, beta=0.0) == pytest.approx(1 - eta * h, rel=1e-12)


@given(x=st.floats(1e-6, 50))
def test_the_published_drift_is_at_most_a_fifth_of_the_published_diffusion(x):
    assert predict("momentum.drift-bound", x=x) <= 0.203632 + 5e-7
    assert predict("momentum.drift-bound", x=1.256431) == pytest.approx(0.203632, abs=5e-7)


@given(T=st.integers(1, 300))
def test_full_memory_spreads_by_the_harmonic_law(T):
    """β → 1: 2T - H_T; β → 0: T, as SGD does."""
    harmonic = np.sum(1 / np.arange(1, T + 1))
    assert predict("momentum.bias-correction", beta=1.0, T=T) == pytest.approx(2 * T - harmonic, rel=1e-12)
    assert predict("momentum.bias-correction", beta=0.0, T=T) == pytest.approx(T, rel=1e-12)


@given(h=st.floats(-0.02, 1.5), T=st.integers(0, 200), kappa=st.floats(0.01, 1))
def test_adai_with_full_renewal_is_sgd_and_else_spreads_less_without_curvature(h, T, kappa):
    """κ → 1 gives SGD; at h = 0 warm Adai never spreads more than SGD."""
    point = {"eta": 0.5, "C": 0.7, "T": T}
    sgd = predict("sgd.saddle-variance", h=h, **point)
    assert predict("adai.saddle-msd", h=h, kappa=1.0, **point) == pytest.approx(sgd, rel=1e-9)
    assert predict("adai.saddle-msd", h=0.0, kappa=kappa, **point) <= 0.25 * 0.7 * T * (1 + 1e-9)


@given(beta=st.floats(0.0, 0.99), T=st.integers(1, 2000))
def test_the_published_spread_of_momentum_is_always_too_large_without_curvature(beta, T):
    eta = 1.0
    matched = {"D": 0.5, "h": 0.0, "gamma": 1 - beta, "M": 1 / (1 - beta), "t": eta * T}
    exact = predict("momentum.saddle-msd-continuous", **matched, v0sq=0.5 * (1 - beta))
    assert predict("momentum.saddle-msd-drift", **matched) > exact


def curvatures(samples, d, seed):
    """Hessian of all samples and mean Kronecker square of what the samples' own differ from it."""
    K = np.random.default_rng(seed).standard_normal((samples, d, d))
    K = K + K.swapaxes(1, 2)
    H = K.mean(0)
    return H, K - H, np.einsum("nij,nkl->ikjl", K - H, K - H).reshape(d * d, d * d) / samples


@given(eta=st.floats(0.01, 0.4), B=st.integers(1, 50), T=st.integers(0, 20), seed=st.integers(0, 99))
def test_deviations_at_a_symmetric_saddle_grow_by_the_recursion(eta, B, T, seed):
    """Step by step M -> AMA + (eta²/B)<KMK>; samples of one curvature: M -> AMA; one direction: a power."""
    H, K, K2 = curvatures(7, 3, seed)
    A, M = np.eye(3) - eta * H, np.diag([1.0, 0.3, 0.0])
    start = {"eta": eta, "B": B, "H": H, "M0": M, "T": T}
    alike = np.linalg.matrix_power(A, T)
    assert np.allclose(predict("sgd.symmetric-saddle", **start, K2=0 * K2), alike @ M @ alike, rtol=1e-8, atol=1e-9)
    for _ in range(T):
        M = A @ M @ A + eta**2 / B * np.einsum("nij,jk,nkl->il", K, M, K) / len(K)
    assert np.allclose(predict("sgd.symmetric-saddle", **start, K2=K2), M, rtol=1e-8, atol=1e-9 * np.abs(M).max())
    alone = predict("sgd.symmetric-saddle", eta=eta, B=B, H=[[-0.5]], K2=[[0.8]], M0=[[2.0]], T=T)
    assert alone[0, 0] == pytest.approx(2 * ((1 + 0.5 * eta) ** 2 + 0.8 * eta**2 / B) ** T)


def test_curvatures_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"sgd.symmetric-saddle: K2 must be a symmetric matrix of 4 rows, as H has 2"):
        predict("sgd.symmetric-saddle", eta=0.1, B=2, H=np.eye(2), K2=np.eye(3), M0=np.eye(2), T=3)


def test_labels_that_are_always_asked_for_have_the_noise_of_the_gradients():
    slopes = np.array([1.0, -2.0, 0.5])
    assert predict("iwal.noise", slopes=slopes, chances=np.ones(3)) == pytest.approx(np.mean(slopes**2), rel=1e-12)
    half = predict("iwal.noise", slopes=slopes, chances=np.full(3, 0.5))
    assert half == pytest.approx(2 * np.mean(slopes**2), rel=1e-12)


VALLEY = {"eta": 0.4, "sigma": 0.2, "B": 3}


@given(h=st.floats(0.1, 4.0), slope=st.floats(-2.0, 2.0))
def test_a_valley_across_one_direction_is_the_scalar_law_however_batches_are_drawn(h, slope):
    scalar = claim("label-noise.flatness").evaluate(**VALLEY, h=h, h_slope=slope, bend=1e-9)
    whole = claim("label-noise.flatness-network").evaluate(**VALLEY, H=[[h]], H_along=[[slope]])
    drawn = claim("label-noise.flatness-sampled").evaluate(**VALLEY, slopes=[[h**0.5]], H_along=[[slope]])
    assert whole == pytest.approx(float(scalar))
    assert drawn == pytest.approx(float(scalar))


def test_short_steps_go_down_a_quarter_of_the_trace_and_long_ones_faster_where_batches_are_drawn():
    slopes = np.random.default_rng(0).normal(size=(5, 4))
    H, H_along = slopes.T @ slopes / 5, np.diag([0.3, -0.1, 0.2, 0.5])
    for eta, near in ((1e-4, 1e-3), (0.05, 1.0)):
        known = {"eta": eta, "sigma": 0.2, "B": 2, "H_along": H_along}
        quarter = -eta * 0.2**2 / 2 * np.trace(H_along) / 4
        whole = claim("label-noise.flatness-network").evaluate(**known, H=H)
        drawn = claim("label-noise.flatness-sampled").evaluate(**known, slopes=slopes)
        assert [whole / quarter, drawn / quarter] == pytest.approx([1, 1], rel=near)
        assert drawn / whole > 1


@pytest.mark.parametrize(
    ("id", "change", "sentence"),
    [
        ("label-noise.flatness-network", {"H_along": [[1.0, 0.0], [0.5, 1.0]]}, "symmetric"),
        ("label-noise.flatness-network", {"eta": 5.0}, "does not settle"),
        ("label-noise.flatness-network", {"eta": [0.1, 0.2]}, "must be numbers"),
        ("label-noise.flatness-sampled", {"slopes": [1.0, 2.0]}, "a row for each sample"),
        ("label-noise.flatness-sampled", {"eta": 5.0}, "no variance"),
        ("label-noise.flatness-sampled", {"H_along": [[1.0]]}, "symmetric"),
    ],
)
def test_what_is_no_valley_is_refused_with_a_sentence(id, change, sentence):
    matrix = {"H": np.eye(2)} if id.endswith("network") else {"slopes": np.eye(2)}
    with pytest.raises(ValueError, match=sentence):
        claim(id).evaluate(**{**VALLEY, **matrix, "H_along": np.eye(2), **change})
