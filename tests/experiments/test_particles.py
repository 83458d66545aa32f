"""One symbolic source: compiled loops, torch steps and PyTorch's optimizers make the same steps."""

import math
import shutil
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
import torch
from scipy import integrate, stats

from inertialab.experiments import picture
from inertialab.experiments.codegen import rows, torch_step, torch_steps
from inertialab.experiments.lanes import LANES, sample
from inertialab.experiments.laws import LAWS, normal
from inertialab.experiments.particles import Particles
from inertialab.experiments.simulation import simulate
from inertialab.experiments.system import Noise, System, indexed
from inertialab.optim import OPTIMIZERS
from inertialab.theory.landscapes import LANDSCAPES, Landscape, coordinates, quadratic, styblinski_tang

SETTINGS = {"eta": 0.01, "beta": 0.8, "beta0": 0.3, "beta2": 0.9, "eps": 0.05, "delta": 1e-3, "c": 1.5, "decay": 0.3}
VALLEY = LANDSCAPES["curved-valley"].at()
DIAGONAL = quadratic(np.diag([0.5, 1.0, 2.0]))
FLAT = Landscape("flat", sp.S.Zero, coordinates(1), {}, (sp.S.Zero,))
every_row = pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=lambda row: row.name)


def system(row, landscape=VALLEY, law="gaussian"):
    settings = {name: SETTINGS[name] for name in ("eta", *row.settings)}
    return System(landscape, Noise.hessian_proportional(landscape, 4.0, 0.05, law), row.name, settings)


def positions(setup, numbers, aged=False):
    """Positions after some steps of the compiled loop with given normal numbers."""
    crowd = Particles(setup, numbers.shape[2], np.full(len(setup.landscape.coordinates), 0.3), precision=np.float64)
    if aged:
        crowd = Particles(
            setup,
            numbers.shape[2],
            crowd.fresh[: numbers.shape[1]],
            precision=np.float64,
            passage="respawn",
            boundary=1e9,
        )
    crowd.advance(len(numbers), 0, 0, given=numbers)
    return crowd.values()


@pytest.fixture(scope="module")
def numbers():
    return np.random.default_rng(4).standard_normal((30, 6, LANES))


def all_agree(row, landscape, law, numbers):
    d = len(landscape.coordinates)
    setup = system(row, landscape, law)
    z = numbers[:, : setup.normals]
    compiled = positions(setup, z)
    names = rows(setup)
    state = torch.zeros(len(names), LANES, dtype=torch.float64)
    for i, name in enumerate(names):
        state[i] = 0.3 if name.startswith("theta") else 0.0
    step = torch_step(setup)
    drawn = [indexed(normal, i) for i in range(setup.normals)]
    noisy = sp.lambdify((*landscape.coordinates, *drawn), [setup.gradient(i) for i in range(d)], ["scipy", "numpy"])
    theta = [torch.full((d,), 0.3, dtype=torch.float64, requires_grad=True) for _ in range(8)]
    optimizers = [row.make([p], **setup.settings) for p in theta]
    for k in range(len(z)):
        step(state, torch.as_tensor(z[k]), k + 1)
        for j, (p, optimizer) in enumerate(zip(theta, optimizers, strict=True)):
            at = p.detach().numpy()
            p.grad = torch.tensor(noisy(*at, *z[k, :, j]), dtype=torch.float64)
            optimizer.step()
    assert compiled == pytest.approx(state[:d].numpy(), rel=1e-13, abs=1e-14)
    real = np.stack([p.detach().numpy() for p in theta], axis=1)
    assert compiled[:, :8] == pytest.approx(real, rel=1e-11, abs=1e-12)


@every_row
@pytest.mark.parametrize("landscape", [VALLEY, DIAGONAL], ids=lambda landscape: landscape.name)
def test_compiled_loop_torch_step_and_pytorch_optimizer_agree(row, landscape, numbers):
    all_agree(row, landscape, "gaussian", numbers)


@pytest.mark.parametrize("law", [*LAWS, "stable-1.2", "stable-1.9"])
def test_they_agree_under_every_law_of_noise(law, numbers):
    all_agree(OPTIMIZERS["momentum-ema"], DIAGONAL, law, numbers)


def steps_one_by_one(setup, state, seeds, backwards=False):
    """Calls of three steps, by single steps with numbers drawn beforehand."""
    step, k = torch_step(setup), 1
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        drawn = [torch.randn(50, generator=generator, dtype=state.dtype) for _ in range(3 * setup.normals)]
        numbers = torch.stack(drawn[::-1] if backwards else drawn).reshape(3, setup.normals, 50)
        for row in numbers:
            step(state, row, k)
            k += 1
    return state


def steps_together(setup, state, seeds, **settings):
    """Calls of one function, compiled at most once; torch's own numbers go on as if nothing had been drawn."""
    torch.compiler.reset()
    several, before = torch_steps(setup, 3, **settings), torch.get_rng_state()
    with torch._dynamo.config.patch(error_on_recompile=True):
        for call, seed in enumerate(seeds):
            several(state, 1 + 3 * call, seed)
    assert torch.equal(torch.get_rng_state(), before)
    return state


def a_state(setup):
    return torch.full((len(rows(setup)), 50), 0.1, dtype=torch.float64)


@every_row
def test_steps_made_together_are_the_single_steps(row):
    """Without compilation, over two calls; with the same numbers in another order they end elsewhere."""
    setup = system(row)
    together = steps_together(setup, a_state(setup), (7, 8), compiled=False)
    expected = steps_one_by_one(setup, a_state(setup), (7, 8))
    assert together.numpy() == pytest.approx(expected.numpy(), rel=1e-13, abs=1e-14)
    assert (together - steps_one_by_one(setup, a_state(setup), (7, 8), backwards=True)).abs().max() > 1e-4


needs_compiler = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")), reason="torch.compile needs a C++ compiler"
)
SAME_NUMBERS = {"options": {"fallback_random": True}}


@pytest.mark.parametrize(
    ("name", "law", "settings"),
    [
        ("radam", "gaussian", {"backend": "aot_eager"}),
        ("momentum-ema", "stable-1.5", {"backend": "aot_eager"}),
        ("sgd", "two-point", {"backend": "aot_eager"}),
        ("sgd", "student-4", {"backend": "aot_eager"}),
        pytest.param("adai", "gaussian", SAME_NUMBERS, marks=needs_compiler),
    ],
)
def test_steps_compiled_together_are_the_single_steps(name, law, settings):
    """One graph for both calls, whose step numbers differ."""
    setup = system(OPTIMIZERS[name], law=law)
    together = steps_together(setup, a_state(setup), (7, 8), **settings)
    expected = steps_one_by_one(setup, a_state(setup), (7, 8))
    assert together.numpy() == pytest.approx(expected.numpy(), rel=1e-12, abs=1e-14)


def spread_together(device, **settings):
    """Moments of a million particles around a minimum after 100 steps, in units of their standard errors."""
    torch.compiler.reset()
    place = quadratic(np.diag([2.0, 5.0]))
    setup = System(place, Noise.constant(place, 3.0), "sgd", {"eta": 0.1})
    several, state = torch_steps(setup, 5, **settings), torch.zeros(2, 1_000_000, device=device)
    for call in range(20):
        several(state, 1 + 5 * call, call)
    x = state.double().cpu().numpy()
    exact = np.array([0.1 * 3 / (h * (2 - 0.1 * h)) for h in (2.0, 5.0)])
    unit = (exact[:, None] * exact / 1e6) ** 0.5 * (1 + np.eye(2)) ** 0.5
    return np.abs((np.cov(x) - np.diag(exact)) / unit).max()


@pytest.mark.parametrize(
    "device",
    [
        pytest.param("cpu", marks=needs_compiler),
        pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")),
    ],
)
def test_numbers_of_the_compiled_steps_are_normal_and_independent(device):
    """Variances and covariance of two coordinates: numbers used twice, by steps or coordinates, would change them."""
    assert spread_together(device) < 4.5


def test_the_spread_notices_numbers_that_are_used_twice(monkeypatch):
    drawn = {}

    def twice(like):
        drawn.setdefault("first", torch.randn(like.shape))
        return drawn["first"] if len(drawn) == 1 else drawn.pop("first")

    monkeypatch.setattr(torch, "randn_like", twice)
    assert spread_together("cpu", compiled=False) > 100


@every_row
def test_particles_with_ages_of_their_own_make_the_same_steps(row, numbers):
    setup, z = system(row), numbers[:, :2]
    assert positions(setup, z, aged=True) == pytest.approx(positions(setup, z), rel=1e-12, abs=1e-14)


def test_the_agreement_notices_another_step(numbers):
    adam, adamw = OPTIMIZERS["adam"], OPTIMIZERS["adamw"]
    assert np.abs(positions(system(adam), numbers[:, :2]) - positions(system(adamw), numbers[:, :2])).max() > 1e-3


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_threads_change_no_result_and_seeds_do(precision):
    setup = system(OPTIMIZERS["adai"])
    runs = []
    for threads, seed in ((1, 5), (2, 5), (1, 6)):
        crowd = Particles(setup, 3000, np.zeros(2), precision=precision, threads=threads)
        crowd.advance(40, seed, 0)
        crowd.advance(31, seed, 1)
        runs.append(crowd.values())
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


@pytest.mark.parametrize("law", LAWS)
def test_laws_of_noise_have_mean_zero_and_variance_one(law):
    function = sp.lambdify(normal, LAWS[law].number, ["scipy", "numpy"])
    for power, expected in ((0, 1.0), (1, 0.0), (2, 1.0)):
        points = [-1.2815515655446004, 0.0] if law == "two-point" else [0.0]
        value, _ = integrate.quad(
            lambda z, p=power: float(function(z)) ** p * stats.norm.pdf(z), -8, 8, points=points, limit=400
        )
        assert value == pytest.approx(expected, abs=2e-3 if law == "student-4" else 1e-6)


def bound_by(law, variance):
    """Largest logarithm of the law's moment generating function over that of a Gaussian of this variance."""
    number = sp.lambdify(normal, law.number, ["scipy", "numpy"])
    nodes, weights = np.polynomial.legendre.leggauss(400)
    cuts = [-12.0, -1.2815515655446004, 0.0, 12.0]  # where a law may jump
    z = np.concatenate([(a + b) / 2 + (b - a) / 2 * nodes for a, b in pairwise(cuts)])
    w = np.concatenate([(b - a) / 2 * weights for a, b in pairwise(cuts)]) * stats.norm.pdf(z)
    s = np.concatenate([np.linspace(-3, -0.05, 60), np.linspace(0.05, 3, 60)])
    logarithm = np.log(np.exp(np.outer(s, number(z))) @ w)
    return (logarithm / (s**2 * variance / 2)).max()


@pytest.mark.parametrize("law", [law for law in LAWS.values() if np.isfinite(law.proxy)], ids=lambda law: law.name)
def test_the_proxy_is_the_narrowest_gaussian_over_the_moment_generating_function(law):
    assert bound_by(law, law.proxy) == pytest.approx(1, abs=1e-3)
    assert bound_by(law, 0.98 * law.proxy) > 1.01


@pytest.mark.parametrize("law", LAWS)
def test_particles_feel_the_law_they_are_given(law):
    drawn = one_step(law)
    assert drawn.var() == pytest.approx(1, abs=0.05 if law == "student-4" else 0.01)
    skew = {"gaussian": 0.0, "two-point": 8 / 3, "student-4": None}[law]
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


def test_the_spread_around_a_minimum_is_the_exact_one():
    setup = System(quadratic([[2.0]]), Noise((sp.Float(3.0),)), "sgd", {"eta": 0.1})
    seen = simulate(setup, particles=200_000, times=[5, 400], seed=1)
    exact = 0.1 * 3 / (2 * (2 - 0.2))
    early = exact * (1 - (1 - 0.2) ** 10)
    assert abs(seen.square[0, 0] - early) < 4.5 * seen.square_error[0, 0]
    assert abs(seen.square[1, 0] - exact) < 4.5 * seen.square_error[1, 0]
    assert seen.square_error[1, 0] < 0.01 * exact
    assert (seen.counts.sum(2) == 200_000).all()
    # The law is normal, in every bin of the histogram but the outermost, which hold what lies beyond.
    for k, variance in enumerate((early, exact)):
        expected = np.diff(stats.norm.cdf(seen.edges[k, 0], scale=variance**0.5))[1:-1] * 200_000
        score = ((seen.counts[k, 0, 1:-1] - expected) ** 2 / expected).sum()
        assert stats.chi2.sf(score, len(expected)) > 1e-4


def test_directions_are_looked_at_as_coordinates_are():
    """Along (1, 1)/√2 and in units of its own; the covariance shows in the sum."""
    root = 0.5**0.5
    setup = System(quadratic(np.diag([1.0, 1.0])), Noise.covariance([[1.0, 0.6], [0.6, 1.0]]), "sgd", {"eta": 0.2})
    along = simulate(
        setup, particles=100_000, times=[1, 100], seed=2, directions=[[root, root], [root, -root], [3.0, 0.0]]
    )
    plain = simulate(setup, particles=100_000, times=[1, 100], seed=2)
    first = 0.04 * np.array([1.6, 0.4, 9.0])
    assert (np.abs(along.square[0] - first) < 4.5 * along.square_error[0]).all()
    assert along.square[:, 2] == pytest.approx(9 * plain.square[:, 0], rel=1e-6)
    assert along.edges.shape == (2, 3, 201)
    assert along.edges[1, 2] == pytest.approx(3 * plain.edges[1, 0], abs=1e-6)
    assert np.abs(along.counts[:, 2] - plain.counts[:, 0]).sum() < 20  # single precision against double at an edge


def test_correlated_noise_that_depends_on_the_position_is_taken_before_the_step():
    """Covariance of the first step from two places, compiled and as torch operations."""
    x, y = coordinates(2)
    flat = Landscape("flat", sp.S.Zero, (x, y), {}, (sp.S.Zero, sp.S.Zero))
    noise = Noise.covariance([[1 + x**2, x / 2], [x / 2, 1]])
    setup = System(flat, noise, "sgd", {"eta": 0.1})
    for place in (0.0, 1.0):
        seen = np.zeros((2, 2))
        crowd = Particles(setup, 200_000, np.array([place, 0.0]))
        crowd.advance(1, 5, 0)
        seen = np.cov(crowd.values())
        assert seen == pytest.approx(0.01 * np.array([[1 + place**2, place / 2], [place / 2, 1]]), abs=2e-4)


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [([[1.0, 0.5], [0.4, 1.0]], "must be a symmetric matrix"), ([[1.0, 2.0], [2.0, 1.0]], "must be positive definite")],
)
def test_what_is_no_covariance_is_refused(matrix, sentence):
    with pytest.raises(ValueError, match=sentence):
        Noise.covariance(matrix)


def test_memory_beyond_the_particles_is_a_small_part_and_does_not_grow_with_steps():
    """What NumPy holds at most while particles move and are looked at, over what the particles are."""
    place = quadratic(np.diag(np.linspace(0.1, 1, 10)))
    setup = System(place, Noise.constant(place, 1.0), "adam", {"eta": 0.1, "beta": 0.9, "beta2": 0.99, "delta": 1e-8})
    peaks = []
    for steps in (3, 30):
        crowd = Particles(setup, 200_000, np.zeros(10))
        crowd.advance(1, 0, 0)
        tracemalloc.start()
        crowd.advance(steps, 0, 1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        own = crowd.state.nbytes
    assert peaks[1] < 0.1 * own
    assert peaks[1] < 1.5 * peaks[0] + 1e5


def test_a_ballistic_start_moves_particles_without_noise():
    setup = System(FLAT, Noise.constant(FLAT, 0.0), "momentum-ema", {"eta": 0.1, "beta": 0.5})
    seen = simulate(setup, particles=300, times=[1, 2], seed=0, states={"m": 2.0}, precision=np.float64)
    assert seen.mean[:, 0] == pytest.approx([-0.1, -0.15])


def test_a_new_landscape_is_one_expression():
    (x,) = coordinates(1)
    ripple = Landscape("ripple", sp.cos(x), (x,), {}, (sp.pi,), (sp.S.Zero,))
    seen = simulate(
        System(ripple, Noise.constant(ripple, 0.1), "sgd", {"eta": 0.05}), particles=20_000, times=[500], seed=2
    )
    assert float(seen.variance[0, 0]) == pytest.approx(0.05 * 0.1 / 2, rel=0.1)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: torch_steps(system(OPTIMIZERS["sgd"]), 0), "at least one step, got 0"),
        (
            lambda: torch_steps(system(OPTIMIZERS["sgd"]), 1, compiled=False)(torch.zeros(2, 3, device="meta"), 1, 0),
            "must lie on a CPU or a CUDA device, got meta",
        ),
        (lambda: System(VALLEY, Noise.constant(VALLEY, 1.0), "adamm"), "no optimizer 'adamm'; rows are: sgd,"),
        (lambda: System(VALLEY, Noise.constant(VALLEY, 1.0, "levy")), "no law of noise 'levy'; take gaussian"),
        (lambda: System(VALLEY, Noise.constant(VALLEY, 1.0, "stable-2")), "or stable-α with 1 < α < 2, as stable-1.5"),
        (
            lambda: picture.spread(system(OPTIMIZERS["sgd"], law="stable-1.5"), None, None),
            "displacement needs a variance",
        ),
        (lambda: Noise.covariance(np.eye(2), "stable-1.5"), "A covariance needs a variance, and noise of the law"),
        (lambda: System(VALLEY, Noise.constant(VALLEY, 1.0), "sgd", {"beta": 1.0}), "sgd takes eta; got beta"),
        (lambda: System(LANDSCAPES["double-well"], Noise.constant(VALLEY, 1.0)), "call at"),
        (lambda: simulate(system(OPTIMIZERS["sgd"]), particles=10, times=[3, 2], seed=0), "ascending step numbers"),
        (
            lambda: simulate(system(OPTIMIZERS["sgd"]), particles=10, times=[3], seed=0, states={"m": 1}),
            "sgd has no state 'm'",
        ),
    ],
)
def test_wrong_input_is_refused_with_what_to_do(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_particles_that_run_away_are_reported():
    cubic = LANDSCAPES["metastable-cubic"].at()
    setup = System(cubic, Noise.constant(cubic, 50.0), "sgd", {"eta": 0.5})
    with pytest.raises(FloatingPointError, match="ran away within"):
        simulate(setup, particles=300, times=[2000], seed=0)


def test_many_dimensions_start_in_the_deepest_minimum():
    place = styblinski_tang(4)
    setup = System(place, Noise.constant(place, 1e-4), "sgd", {"eta": 0.01})
    seen = simulate(setup, particles=2000, times=[200], seed=0)
    expected = 0.01 * 1e-4 / (2 * float(place.hessian(list(place.numbers(place.minimum)))[0, 0]))
    assert seen.variance[0] == pytest.approx(expected, rel=0.4)
