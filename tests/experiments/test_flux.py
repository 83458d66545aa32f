"""Forward flux against exact and counted rates, and runs that go on."""

import numpy as np
import pytest
from wells import WELL, sgd

from inertialab.experiments.escape import count_escapes
from inertialab.experiments.flux import _Flux, forward_flux
from inertialab.experiments.passage import chain_passage
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import LANDSCAPES, quadratic


def test_forward_flux_of_stable_noise_agrees_with_its_counted_escapes():
    system = sgd(2000, landscape=quadratic([[1.0]]), law="stable-1.5")
    found = count_escapes(system, start=[0.0], boundary=1.0, particles=20_000, steps=1000, seed=0, burn_in=100)
    flux = forward_flux(system, start=[0.0], boundary=1.0, seed=8, particles=1024, replicates=6, confidence=0.999)
    low, high = found.interval(0.999)
    assert found.events > 100
    assert low < flux.interval[1]
    assert flux.interval[0] < high


def test_forward_flux_finds_the_exact_rate_of_a_rare_event():
    exact = chain_passage(sgd(10), -1.0, 1.0).steps
    flux = forward_flux(sgd(10), start=[-1.0], boundary=1.0, seed=8, particles=16_384, replicates=8, confidence=0.999)
    assert flux.interval[0] < exact < flux.interval[1]
    assert (flux.interval[1] - flux.interval[0]) / exact < 0.3
    assert flux.cost < exact * 1e3
    assert np.log(np.exp(flux.log_rates).mean()) == pytest.approx(-flux.log_steps)
    assert all(b > a for a, b in zip(flux.levels, flux.levels[1:], strict=False))


def test_forward_flux_of_adam_agrees_with_its_counted_escapes():
    settings = {"eta": 0.05, "beta": 0.9, "beta2": 0.99, "delta": 1e-8}
    system = System(WELL, Noise.constant(WELL, 4.0), "adam", settings)
    found = count_escapes(system, start=[-1.0], boundary=1.0, particles=20_000, steps=6000, seed=3, burn_in=1000)
    flux = forward_flux(system, start=[-1.0], boundary=1.0, seed=4, particles=4096, replicates=6, confidence=0.999)
    low, high = found.interval(0.999)
    assert found.events > 100
    assert low < flux.interval[1]
    assert flux.interval[0] < high


def test_forward_flux_that_is_interrupted_goes_on_after_its_last_replicate(tmp_path):
    """The second run makes only what is missing, and its numbers are those of a run in one piece."""
    arguments = {"start": [-1.0], "boundary": 1.0, "seed": 5, "particles": 1024, "replicates": 4}
    whole, path, done = forward_flux(sgd(6), **arguments), tmp_path / "part.json", []

    def stop(count):
        done.append(count)
        if sum(done) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        forward_flux(sgd(6), **arguments, tick=stop, checkpoint=path)
    other = forward_flux(sgd(7), **arguments, checkpoint=tmp_path / "other.json")
    again = []
    assert forward_flux(sgd(6), **arguments, tick=again.append, checkpoint=path) == whole
    assert again == [2, 1, 1]
    assert not path.exists()
    assert other != whole


def test_forward_flux_does_not_go_on_from_another_run(tmp_path):
    path = tmp_path / "part.json"
    path.write_text('{"key": "another", "levels": [0.0], "found": [[1.0, [1.0]]], "cost": 1}')
    arguments = {"start": [-1.0], "boundary": 1.0, "seed": 5, "particles": 1024, "replicates": 3}
    assert forward_flux(sgd(6), **arguments, checkpoint=path) == forward_flux(sgd(6), **arguments)


def test_forward_flux_does_not_go_on_from_a_run_of_another_seed(tmp_path):
    path, arguments = tmp_path / "part.json", {"start": [-1.0], "boundary": 1.0, "particles": 1024, "replicates": 2}

    def stop(count):
        if count:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        forward_flux(sgd(6), **arguments, seed=5, tick=stop, checkpoint=path)
    assert path.exists()
    fresh = forward_flux(sgd(6), **arguments, seed=6)
    assert forward_flux(sgd(6), **arguments, seed=6, checkpoint=path) == fresh


@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_adam_moves_with_and_without_momentum(beta):
    """Powers of the momentum for particles born anew: 0**k is a power like any other."""
    settings = {"eta": 0.05, "beta": beta, "beta2": 0.99, "delta": 1e-8}
    system = System(WELL, Noise.constant(WELL, 4.0), "adam", settings)
    found = count_escapes(system, start=[-1.0], boundary=1.0, particles=2000, steps=3000, seed=3)
    assert found.events > 20


def test_particles_may_start_as_after_a_long_run():
    """A second moment that hardly changes makes Adam a SGD of the rate η/√v, from the first step on."""
    settings = {"eta": 0.2, "beta": 0.0, "beta2": 1 - 1e-7, "delta": 0.0}
    adam = System(WELL, Noise.constant(WELL, 4.0), "adam", settings)
    plain = chain_passage(System(WELL, Noise.constant(WELL, 4.0), "sgd", {"eta": 0.1}), -1.0, 1.0).steps
    late = {"states": {"v": 4.0}, "age": 10**9, "precision": np.float64}
    found = count_escapes(adam, start=[-1.0], boundary=1.0, particles=4096, steps=4000, seed=5, burn_in=100, **late)
    assert found.steps == pytest.approx(plain, rel=4 / found.events**0.5)
    flux = forward_flux(adam, start=[-1.0], boundary=1.0, seed=6, particles=2048, replicates=6, **late)
    assert flux.steps == pytest.approx(plain, rel=5 * flux.error)
    assert 0 < flux.error < 0.2


def test_particles_that_run_away_behind_the_boundary_place_no_level():
    """On a loss without a bottom behind the saddle they are beyond all numbers within a look."""
    cubic = LANDSCAPES["metastable-cubic"].at(barrier=1.0)
    system = System(cubic, Noise.constant(cubic, 8.0), "sgd", {"eta": 0.05})
    flux = forward_flux(system, start=[0.0], boundary=1.6, seed=2, particles=1024, replicates=4, forget=20_000)
    exact = chain_passage(system, 0.0, 1.6).steps
    assert flux.steps == pytest.approx(exact, rel=0.3)


def test_families_of_a_run_are_replicates_of_the_exact_rate():
    exact = chain_passage(sgd(10), -1.0, 1.0).steps
    flux = forward_flux(sgd(10), start=[-1.0], boundary=1.0, seed=8, particles=16_384, replicates=64, families=16)
    alone = forward_flux(sgd(10), start=[-1.0], boundary=1.0, seed=9, particles=1024, replicates=64)
    assert flux.steps == pytest.approx(exact, rel=4 * flux.error)
    assert flux.error == pytest.approx(alone.error, rel=0.5)


def test_a_family_without_states_reaches_nothing_and_takes_none_of_another():
    run = _Flux(sgd(10), np.array([-1.0]), 1.0, 1, 1024, 4, 1)
    rates, states = run._rises(3, -0.7)
    assert (rates > 0).all()
    assert set(states[:, -1]) == {0, 1, 2, 3}
    shares, after = run._trial(4, -0.7, -0.65, states[states[:, -1] != 2])
    assert (shares > 0).tolist() == [True, True, False, True]
    assert set(after[:, -1]) == {0, 1, 3}
    assert (shares <= 1).all()


def test_families_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="10 replicates are no whole number of runs of 4 families"):
        forward_flux(sgd(10), start=[-1.0], boundary=1.0, seed=8, replicates=10, families=4)


def test_replicates_end_at_the_first_look_that_is_precise_enough():
    """Looks at 64, 96 and 128 replicates; the numbers of a run of just so many, the interval wider."""
    arguments = {"start": [-1.0], "boundary": 1.0, "seed": 5, "particles": 2048, "families": 8}
    found = forward_flux(sgd(4), **arguments, replicates=128, wanted=0.03)
    assert found.replicates in (64, 96)
    assert found.error <= 0.03
    alone = forward_flux(sgd(4), **arguments, replicates=found.replicates)
    assert found.steps == alone.steps
    assert np.diff(found.interval) > np.diff(alone.interval)
    assert (alone.replicates, alone.share) == (found.replicates, 1.0)
    whole = forward_flux(sgd(4), **arguments, replicates=128, wanted=1e-6)
    assert (whole.replicates, whole.error > 1e-6) == (128, True)  # the budget ends first, and the error says so


def test_sampling_until_precise_goes_on_after_an_interruption_to_the_same_end(tmp_path):
    arguments = {"start": [-1.0], "boundary": 1.0, "seed": 5, "particles": 2048, "replicates": 128, "families": 8}
    whole, path, done = forward_flux(sgd(4), **arguments, wanted=0.03), tmp_path / "part.json", []

    def stop(count):
        done.append(count)
        if len(done) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        forward_flux(sgd(4), **arguments, wanted=0.03, tick=stop, checkpoint=path)
    assert forward_flux(sgd(4), **arguments, wanted=0.03, checkpoint=path) == whole
    assert whole.replicates > 16


def test_a_way_down_has_as_many_levels_as_the_same_way_up():
    system = sgd(8, landscape=quadratic([[1.0]]))
    arguments = {"start": [0.0], "seed": 1, "particles": 4096, "replicates": 8, "confidence": 0.999}
    up, down = (forward_flux(system, boundary=float(sign), sign=sign, **arguments) for sign in (1, -1))
    assert abs(len(up.levels) - len(down.levels)) <= 2
    assert down.error < 2 * up.error
    assert down.interval[0] < up.interval[1]
    assert up.interval[0] < down.interval[1]
