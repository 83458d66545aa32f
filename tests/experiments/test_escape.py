"""Counted escapes against exact passages, and what is refused before it runs."""

import numpy as np
import pytest
import sympy as sp
from scipy import stats
from wells import VALLEY, WELL, momentum, sgd

from inertialab.experiments.escape import Escapes, count_escapes, first_passages
from inertialab.experiments.passage import chain_passage, pair_chain_passage
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import LANDSCAPES, Landscape, coordinates, quadratic


@pytest.mark.parametrize(("ratio", "steps"), [(5, 6000), (8, 28000)])
def test_counted_escapes_of_sgd_are_those_of_the_exact_chain(ratio, steps):
    exact = chain_passage(sgd(ratio), -1.0, 1.0).steps
    found = count_escapes(sgd(ratio), start=[-1.0], boundary=1.0, particles=50_000, steps=steps, seed=3, burn_in=1000)
    low, high = found.interval(0.999)
    assert low < exact < high
    assert (high - low) / exact < 0.07
    assert found.exposure == 50_176 * steps


def test_escapes_downwards_mirror_those_upwards():
    up = count_escapes(sgd(4), start=[-1.0], boundary=1.0, particles=20_000, steps=4000, seed=1)
    down = count_escapes(sgd(4), start=[1.0], boundary=-1.0, sign=-1, particles=20_000, steps=4000, seed=2)
    assert down.steps == pytest.approx(up.steps, rel=0.05)


def test_an_end_behind_counts_as_the_boundary_does():
    """Far away it changes nothing; a mirrored well has the mirrored rate; from a symmetric one twice as many leave."""
    well = quadratic([[1.0]])
    arguments = {"start": [0.0], "particles": 20_000, "steps": 4000, "seed": 1, "burn_in": 500}
    one, far = (count_escapes(sgd(5, landscape=well), boundary=0.7, behind=b, **arguments) for b in (None, -50.0))
    assert one == far
    assert one.events > 5000
    both = count_escapes(sgd(5, landscape=well), boundary=0.7, behind=-0.7, **arguments)
    assert both.steps == pytest.approx(one.steps / 2, rel=0.05)
    wide = count_escapes(sgd(5, landscape=well), boundary=0.7, behind=-0.8, **arguments)
    mirrored = count_escapes(sgd(5, landscape=well), boundary=-0.7, behind=0.8, sign=-1, **arguments | {"seed": 2})
    assert both.steps * 1.1 < wide.steps < one.steps
    assert wide.steps == pytest.approx(mirrored.steps, rel=0.05)
    top = count_escapes(sgd(5, landscape=quadratic([[-1.0]])), boundary=0.7, behind=-0.7, **arguments)
    assert 10 < top.steps < both.steps


def test_counted_escapes_of_heavy_ball_are_those_of_the_pair_chain():
    system = System(WELL, Noise.constant(WELL, 1.0), "heavy-ball", {"eta": 0.05, "beta": 0.5})
    exact = pair_chain_passage(system, -1.0, 1.0, nodes=180)
    assert exact.error < 1e-8
    found = count_escapes(system, start=[-1.0], boundary=1.0, particles=50_000, steps=10_000, seed=1, burn_in=1000)
    low, high = found.interval(0.999)
    assert low < exact.steps < high
    plain = chain_passage(System(WELL, Noise.constant(WELL, 1.0), "sgd", {"eta": 0.1}), -1.0, 1.0).steps
    assert abs(plain / exact.steps - 1) > 0.05


def test_first_passages_keep_those_that_never_came():
    times = first_passages(sgd(4), start=[-1.0], boundary=1.0, particles=20_000, steps=1000, seed=1)
    exact = chain_passage(sgd(4), -1.0, 1.0).steps
    assert (times < 0).mean() == pytest.approx(np.exp(-1000 / exact), abs=0.03)
    assert times.max() <= 1000


def test_particles_that_passed_do_not_run_away():
    """Behind the saddle of the cubic the loss falls without end."""
    times = first_passages(
        sgd(3, landscape=LANDSCAPES["metastable-cubic"].at()),
        start=[0.0],
        boundary=2.0,
        particles=2000,
        steps=3000,
        seed=1,
    )
    assert (times > 0).mean() > 0.9


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ({"boundary": -1.5}, "has already passed -1.5 upwards; the boundary must lie above"),
        ({"system": sgd(5, eta=1.5)}, "sgd is unstable from 2 on"),
        ({"system": System(WELL, Noise.constant(WELL, 0.0), "sgd", {"eta": 0.1})}, "There is no noise where"),
        ({"system": sgd(5, law="two-point")}, "lets no particle go beyond -0.7422"),
        ({"system": momentum("heavy-ball", 60)}, "An escape takes at least about 1e26 steps"),
        ({"system": momentum("momentum-ema", 60)}, "An escape takes at least about 1e26 steps"),
        ({"system": VALLEY, "start": [-1.0, 0.0]}, "An escape takes at least about 1e14 steps"),
        ({"behind": -0.9}, "has already passed -0.9 downwards; the boundary must lie below"),
        ({"system": sgd(60)}, "particle-steps would see none; lower the barrier, or use forward_flux"),
    ],
)
def test_what_can_give_no_escape_is_refused_before_it_runs(call, sentence):
    arguments = {"system": sgd(5), "start": [-1.0], "boundary": 1.0, "particles": 1000, "steps": 1000, "seed": 0} | call
    with pytest.raises(ValueError, match=sentence):
        count_escapes(arguments.pop("system"), **arguments)


def ridge(d, ratio):
    """A double well along (1, ..., 1)/√d, whose noise is strong along it, which no variance shows."""
    place = coordinates(d)
    along = sum(place) / sp.sqrt(sp.Float(d))
    loss = (along**2 - 1) ** 2 / 4 + sum(s**2 for s in place) - along**2
    ends = ((-1 / sp.sqrt(sp.Float(d)),) * d, (sp.S.Zero,) * d)
    landscape = Landscape("ridge", loss, place, {}, *ends)
    return System(landscape, Noise.covariance(5 / ratio * (0.1 * np.eye(d) + 0.9)), "sgd", {"eta": 0.1})


@pytest.mark.parametrize(
    ("system", "steps"),
    [
        (ridge(4, 24), 3000),  # exponent 24/3.7
        (sgd(40, law="student-4"), 10_000),
        (sgd(30, eta=0.8), 3000),  # the chain takes e^12 steps, its diffusion e^32
    ],
    ids=["correlated", "heavy tails", "large steps"],
)
def test_what_gives_escapes_is_not_refused(system, steps):
    """Each was thought to take more than a thousand times as long as this run."""
    place = system.landscape.minimum
    found = count_escapes(
        system, start=[float(s) for s in place], boundary=0.4, particles=1000, steps=steps, seed=0, burn_in=100
    )
    assert found.events > 10


@pytest.mark.parametrize("mean", [0.01, 0.7, 3.0, 40.0])
def test_an_interval_that_is_shown_covers(mean, rng):
    """Of the runs in which anything was seen at least 95% cover; without the condition, far fewer at small means."""
    counts = rng.poisson(mean, 40_000)
    seen, times = np.unique(counts[counts > 0], return_counts=True)
    inside = [low <= 1e6 / mean <= high for low, high in (Escapes(int(n), 10**6).interval() for n in seen)]
    assert np.average(inside, weights=times) >= 0.945
    if mean < 0.02:
        garwood = stats.chi2.ppf(0.025, 2 * seen) / 2 <= mean
        assert np.average(garwood, weights=times) < 0.05


def test_a_large_count_has_the_interval_of_garwood():
    low, high = Escapes(50, 10**6).interval()
    garwood = (stats.chi2.ppf(0.025, 100) / 2, stats.chi2.ppf(0.975, 102) / 2)
    assert (10**6 / high, 10**6 / low) == pytest.approx(garwood)
    assert Escapes(1, 10**6).interval()[1] == float("inf")
