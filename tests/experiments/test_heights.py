"""Forward flux with levels in other heights than the first coordinate."""

import numpy as np
import pytest
import sympy as sp
from wells import WELL, sgd

from inertialab.experiments.escape import count_escapes
from inertialab.experiments.flux import forward_flux
from inertialab.experiments.heights import heights_in
from inertialab.experiments.loops import text
from inertialab.experiments.system import Noise, System

(x,) = WELL.coordinates
m = sp.Symbol("m_0", real=True)
QUICK = {"start": [-1.0], "seed": 5, "particles": 1024, "replicates": 4}


def inert(ratio, friction=0.05, eta=0.3):
    """EMA momentum in the double well, and its energy in barriers; 2 beyond 1, in the other well."""
    noise = Noise.constant(WELL, 2 * 0.25 / ratio / eta)
    system = System(WELL, noise, "momentum-ema", {"eta": eta, "beta": 1 - friction})
    speed = m + friction / 2 * WELL.gradients[0]
    energy = 4 * (WELL.loss - WELL.value([-1.0]) + eta / friction * speed**2 / 2)
    return system, sp.Piecewise((energy, x < 1), (2, True))


def test_a_height_that_is_the_first_coordinate_gives_its_numbers():
    """And without a height the compiled loops are what they were."""
    assert forward_flux(sgd(6), boundary=1.0, height=x, **QUICK) == forward_flux(sgd(6), boundary=1.0, **QUICK)
    source = text(sgd(6), "flux")[0]
    assert "sign * (S[0, j] - boundary)" in source
    assert "height" not in source


def test_a_height_may_turn_the_way_round():
    up = forward_flux(sgd(6), boundary=1.0, height=-x, **QUICK | {"start": [1.0]})
    assert up == forward_flux(sgd(6), boundary=1.0, height=-x, **QUICK | {"start": [1.0]})
    down = forward_flux(sgd(6), boundary=-1.0, sign=-1, **QUICK | {"start": [1.0]})
    assert up.steps == down.steps
    assert up.levels == tuple(-level for level in down.levels)


def test_levels_of_the_energy_and_of_the_position_find_the_rate_that_is_counted():
    """At moderate friction, where all can; the last level is the same place."""
    system, energy = inert(5.0)
    found = count_escapes(system, start=[-1.0], boundary=1.0, particles=20_000, steps=6000, seed=3, burn_in=500)
    arguments = {"start": [-1.0], "particles": 16_384, "replicates": 16, "families": 8}
    by_place = forward_flux(system, boundary=1.0, seed=1, **arguments)
    by_energy = forward_flux(system, boundary=2.0, height=energy, seed=2, **arguments)
    assert found.events > 1000
    for flux in (by_place, by_energy):
        assert flux.error < 0.06
        assert flux.log_steps == pytest.approx(np.log(found.steps), abs=4 * flux.error)
    assert by_energy.levels[-1] == 2.0


def test_heights_are_those_of_rows_behind_the_first_axis():
    _, energy = inert(8.0)
    states = np.array([[-1.0, 0.0], [0.0, 0.0], [1.5, 9.0]])
    system = inert(8.0)[0]
    assert heights_in(system, energy)(states) == pytest.approx([0.0, 1.0, 2.0])
    blocks = np.stack([states.T, states.T[:, ::-1]])
    assert heights_in(system, energy)(blocks) == pytest.approx(np.array([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    assert heights_in(system, sp.Integer(3))(blocks).tolist() == [[3.0] * 3] * 2


def test_a_height_of_what_is_no_state_is_refused():
    with pytest.raises(ValueError, match="depends on v_0, no state of momentum-ema; it has theta_0, m_0"):
        forward_flux(inert(8.0)[0], boundary=1.0, height=x + sp.Symbol("v_0"), **QUICK)


def test_a_boundary_below_the_height_of_the_start_is_refused():
    system, energy = inert(8.0)
    with pytest.raises(ValueError, match=r"at 0 has already passed -0\.5 upwards; the boundary must lie above"):
        forward_flux(system, boundary=-0.5, height=energy, **QUICK)


@pytest.mark.parametrize(
    ("height", "said"), [(sp.tanh(x), "take more particles"), (sp.Integer(0) * x + 1, "No particle rises over 1")]
)
def test_a_height_that_never_reaches_the_boundary_is_refused(height, said):
    with pytest.raises(ValueError, match=said):
        forward_flux(sgd(6), boundary=2.0, height=height, **QUICK)


def test_a_run_does_not_go_on_from_one_of_another_height(tmp_path):
    system, energy = inert(4.0)
    path = tmp_path / "part.json"

    def stop(count):
        if count:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        forward_flux(system, boundary=2.0, height=energy, tick=stop, checkpoint=path, **QUICK)
    other = sp.Piecewise((x, x < 1), (2, True))
    fresh = forward_flux(system, boundary=2.0, height=other, **QUICK)
    assert forward_flux(system, boundary=2.0, height=other, checkpoint=path, **QUICK) == fresh
