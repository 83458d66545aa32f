"""One symbolic source: compiled loops, torch steps and PyTorch's optimizers make the same steps."""

import shutil

import numpy as np
import pytest
import sympy as sp
import torch
from particle_runs import DIAGONAL, VALLEY, positions, system

from inertialab.experiments.codegen import rows, source, torch_step, torch_steps
from inertialab.experiments.lanes import LANES
from inertialab.experiments.laws import LAWS, normal
from inertialab.experiments.system import Noise, System, indexed
from inertialab.optim import OPTIMIZERS
from inertialab.theory.landscapes import Landscape, coordinates, quadratic

every_row = pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=lambda row: row.name)


@pytest.fixture(scope="module")
def numbers():
    return np.random.default_rng(4).standard_normal((30, 6, LANES))


CASES = [(row, landscape, "gaussian") for row in OPTIMIZERS.values() for landscape in (VALLEY, DIAGONAL)]
CASES += [(OPTIMIZERS["momentum-ema"], DIAGONAL, law) for law in (*LAWS, "stable-1.2", "stable-1.9")]


@pytest.mark.parametrize(
    ("row", "landscape", "law"), CASES, ids=[f"{row.name}-{place.name}-{law}" for row, place, law in CASES]
)
def test_compiled_loop_torch_step_and_pytorch_optimizer_agree(row, landscape, law, numbers):
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


def made_of(function):
    """A parabola beside another function of the coordinate."""
    (x,) = coordinates(1)
    return Landscape("made up", x**2 + function(x), (x,), {}, (sp.S.Zero,))


@pytest.mark.parametrize("function", [sp.Abs, lambda x: sp.Max(x, 0.1), lambda x: -sp.Min(x, 0), sp.tanh])
def test_what_an_expression_may_contain_is_the_same_in_loops_and_tensors(function, numbers):
    """The slope of |x| is the sign of x, which changes along these paths."""
    place = made_of(function)
    setup = System(place, Noise.constant(place, 4.0), "sgd", {"eta": 0.3})
    state = torch.full((1, LANES), 0.3, dtype=torch.float64)
    step = torch_step(setup)
    for k in range(len(numbers)):
        step(state, torch.as_tensor(numbers[k, :1]), k + 1)
    compiled = positions(setup, numbers[:, :1])
    assert compiled == pytest.approx(state.numpy(), rel=1e-13, abs=1e-14)
    assert compiled.min() < 0 < compiled.max()


@pytest.mark.parametrize("function", [sp.floor, lambda x: sp.Mod(x, 2), sp.gamma, sp.Function("mine")])
def test_what_it_may_not_contain_is_refused_with_what_it_may(function):
    with pytest.raises(
        ValueError, match=r"may contain erf, .*sign, Heaviside, Min, Max, Piecewise; got (floor|Mod|gamma|mine)"
    ):
        source(function(sp.Symbol("x", real=True)))


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
