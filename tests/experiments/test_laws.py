"""Laws of noise and the random numbers they are made of."""

import math
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from particle_runs import FLAT
from scipy import integrate, stats

from inertialab.experiments.lanes import LANES, sample
from inertialab.experiments.laws import LAWS, normal, second
from inertialab.experiments.particles import Particles
from inertialab.experiments.system import Noise, System

CUT = -1.2815515655446004  # where the two-point law jumps
ONE = [law for law, row in LAWS.items() if row.draws == 1]


@pytest.mark.parametrize("law", ONE)
def test_laws_of_noise_have_mean_zero_and_variance_one(law):
    function = sp.lambdify(normal, LAWS[law].number, ["scipy", "numpy"])
    for power, expected in ((0, 1.0), (1, 0.0), (2, 1.0)):
        points = [CUT, 0.0] if law == "two-point" else [0.0]
        value, _ = integrate.quad(
            lambda z, p=power: float(function(z)) ** p * stats.norm.pdf(z), -8, 8, points=points, limit=400
        )
        assert value == pytest.approx(expected, abs=2e-3 if law == "student-4" else 1e-6)


def bound_by(law, variance):
    """Largest logarithm of the law's moment generating function over that of a Gaussian of this variance."""
    number = sp.lambdify((normal, second), law.number, ["scipy", "numpy"])
    nodes, weights = np.polynomial.legendre.leggauss(400)
    cuts = [-12.0, CUT, 0.0, 12.0]
    z = np.concatenate([(a + b) / 2 + (b - a) / 2 * nodes for a, b in pairwise(cuts)])
    w = np.concatenate([(b - a) / 2 * weights for a, b in pairwise(cuts)]) * stats.norm.pdf(z)
    s = np.concatenate([np.linspace(-3, -0.05, 60), np.linspace(0.05, 3, 60)])
    sides = [(stats.norm.cdf(CUT), CUT - 1), (stats.norm.sf(CUT), CUT + 1)]  # of the second number, if it counts
    logarithm = np.log(sum(p * np.exp(np.outer(s, number(z, side) + 0 * z)) @ w for p, side in sides))
    return (logarithm / (s**2 * variance / 2)).max()


@pytest.mark.parametrize("law", [law for law in LAWS.values() if np.isfinite(law.proxy)], ids=lambda law: law.name)
def test_the_proxy_is_the_narrowest_gaussian_over_the_moment_generating_function(law):
    assert bound_by(law, law.proxy) == pytest.approx(1, abs=1e-3)
    assert bound_by(law, 0.98 * law.proxy) > 1.01


SKEWNESS = {"skewed": 8 / 3 / 8**0.5, "skewed-down": -8 / 3 / 8**0.5}
"""Of the sum of a two-point number and a normal one, of half the variance each."""


@pytest.mark.parametrize("law", LAWS)
def test_particles_feel_the_law_they_are_given(law):
    drawn = one_step(law)
    assert drawn.var() == pytest.approx(1, abs=0.05 if law == "student-4" else 0.01)
    skew = {"gaussian": 0.0, "two-point": 8 / 3, "student-4": None, **SKEWNESS}[law]
    assert skew is None or float((drawn**3).mean()) == pytest.approx(skew, abs=0.03)


def stable_faults(drawn, alpha):
    """What is wrong with symmetric stable numbers of scale one, by SciPy's law in its parametrisation S1."""
    n, edges = len(drawn), np.sinh(np.linspace(-6, 6, 301))
    shares = np.searchsorted(np.sort(drawn), edges) / n
    distance = np.abs(shares - stats.levy_stable.cdf(edges, alpha, 0.0)).max()
    found = ["distribution"] if stats.kstwobign.sf(distance * n**0.5) < 1e-4 else []
    for q in (0.1, 1.0, 4.0):
        error = np.cos(q * drawn).mean() - np.exp(-(q**alpha))
        found += [f"characteristic function at {q}"] if abs(error) > 4.5 * (0.5 / n) ** 0.5 else []
    # Far out the share beyond ±x is the first term of the series of the tail.
    far = 1000.0 ** (1 / alpha)
    expected = 2 * math.gamma(alpha) * math.sin(math.pi * alpha / 2) / math.pi / 1000 * n
    beyond = int((np.abs(drawn) > far).sum())
    found += ["tail"] if min(stats.poisson.cdf(beyond, expected), stats.poisson.sf(beyond - 1, expected)) < 1e-5 else []
    return found


def one_step(law, precision=np.float32):
    """Two million numbers of a law."""
    setup = System(FLAT, Noise.constant(FLAT, 4.0, law), "sgd", {"eta": 1.0})
    crowd = Particles(setup, 2_000_000, np.zeros(1), precision=precision)
    crowd.advance(1, 3, 0)
    return -crowd.values()[0].astype(float) / 2


@pytest.mark.parametrize("precision", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [1.1, 1.5, 1.8])
def test_stable_numbers_have_the_stable_law(alpha, precision):
    assert stable_faults(one_step(f"stable-{alpha}", precision), alpha) == []


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (lambda U, W, a: np.sin(a * U) * (W / np.cos((a - 1) * U)) ** (1 / a) / np.cos(U) ** (1 / a), "distribution"),
        (lambda U, W, a: _stuck(U, W, a + 0.02), "distribution"),
        (lambda U, W, a: _stuck(U, W, a) / 2**0.5, "characteristic function at 1.0"),
        (lambda U, W, a: _stuck(np.clip(U, -1.567, 1.567), W, a), "tail"),
    ],
    ids=["exponent", "index", "scale of a variance", "angles cut off"],
)
def test_another_generator_is_noticed(wrong, fault):
    """By the same tests that find nothing wrong with the formula in NumPy."""
    rng, n = np.random.default_rng(0), 2_000_000
    U, W = rng.uniform(-np.pi / 2, np.pi / 2, n), rng.exponential(size=n)
    assert stable_faults(_stuck(U, W, 1.5), 1.5) == []
    assert fault in stable_faults(wrong(U, W, 1.5), 1.5)


def _stuck(U, W, a):
    return np.sin(a * U) / np.cos(U) ** (1 / a) * (np.cos((1 - a) * U) / W) ** ((1 - a) / a)


def faults(drawn, other):
    """What is wrong with normal numbers of shape (blocks, steps, lanes) and those of the next chunk."""
    n, sums, counts = drawn.size, np.zeros(4), np.zeros(4096, int)
    for part in drawn:
        x = part.ravel().astype(float)
        square = x * x
        sums += [x.sum(), square.sum(), (square * x).sum(), (square * square).sum()]
        counts += np.bincount(((x + 8) * 256).astype(int), minlength=4096)
    scores = (sums / n - [0, 1, 0, 3]) * np.sqrt(n / np.array([1, 2, 15, 96]))
    found = [f"moment {power + 1}" for power in range(4) if abs(scores[power]) > 4]
    # Kolmogorov and Smirnov's distance at the edges of 4096 bins
    distance = np.abs(np.cumsum(counts) / n - stats.norm.cdf(np.arange(1, 4097) / 256 - 8)).max()
    found += ["distribution"] if stats.kstwobign.sf(distance * n**0.5) < 1e-4 else []
    pairs = {
        "lanes": (drawn[:, :, :-1], drawn[:, :, 1:]),
        "blocks": (drawn[:-1], drawn[1:]),
        "steps": (drawn[:, :-1], drawn[:, 1:]),
        "chunks": (drawn[: len(other)], other),
    }
    for name, (a, b) in pairs.items():
        product = np.einsum("ijk,ijk->", a[:100], b[:100], dtype=np.float64)
        found += [name] if abs(product) / np.sqrt(a[:100].size) > 4.5 else []
    return found


def drawn_numbers(blocks):
    drawn, other = (np.empty((n, 1000, LANES), np.float32) for n in (blocks, min(blocks, 20)))
    sample(drawn, 11, 0)
    sample(other, 11, 1)
    return drawn, other


def test_random_numbers_are_normal_and_streams_independent():
    """A hundred million numbers: moments to fourth order, distribution, correlation of lanes, blocks, chunks, steps."""
    assert faults(*drawn_numbers(392)) == []


def _twelve(shape):
    return np.random.default_rng(0).random((12, *shape), dtype=np.float32).sum(0) - 6


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda x, y: (x + np.float32(2e-3), y), "moment 1"),
        (lambda x, y: (x * np.float32(1.002), y), "moment 2"),
        (lambda x, y: (_twelve(x.shape), y), "distribution"),
        (lambda x, y: (_twelve(x.shape), y), "moment 4"),
        (lambda x, y: (np.where(np.arange(LANES) % 32 == 1, np.roll(x, 1, 2), x), y), "lanes"),
        (lambda x, y: (np.repeat(x[::2], 2, axis=0), y), "blocks"),
        (lambda x, y: (np.repeat(x[:, ::2], 2, axis=1), y), "steps"),
        (lambda x, y: (x, x), "chunks"),
    ],
    ids=["shifted", "too wide", "sum of 12", "sum of 12, tails", "lanes", "blocks", "steps", "chunks"],
)
def test_bad_random_numbers_are_noticed(spoil, fault):
    """Each fault is put in on purpose, in a twentieth of the numbers."""
    assert fault in faults(*spoil(*drawn_numbers(20)))
