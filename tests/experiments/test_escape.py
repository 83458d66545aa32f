"""Escape: exact passages against independent numbers, simulations against exact passages, and runs that are killed."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import sympy as sp
from scipy import integrate

from inertialab.experiments import __main__ as command
from inertialab.experiments.escape import count_escapes, first_passages
from inertialab.experiments.flux import forward_flux
from inertialab.experiments.passage import chain_passage, diffusion_passage, pair_chain_passage, without_subtraction
from inertialab.experiments.system import Noise, System
from inertialab.theory.landscapes import LANDSCAPES, Landscape, coordinates, quadratic
from inertialab.theory.passage import first_passage

WELL = LANDSCAPES["double-well"].at()


def sgd(ratio, eta=0.1, landscape=WELL, law="gaussian"):
    """SGD whose barrier is `ratio` times eta C/2."""
    return System(landscape, Noise.constant(landscape, 2 * 0.25 / ratio / eta, law), "sgd", {"eta": eta})


def momentum(name, ratio, law="gaussian"):
    """Momentum at the same temperature."""
    eta = 0.02 if name == "heavy-ball" else 0.1
    return System(WELL, Noise.constant(WELL, 5 / ratio, law), name, {"eta": eta, "beta": 0.8})


VALLEY = sgd(60, landscape=LANDSCAPES["curved-valley"].at())


@pytest.mark.parametrize("convention", ["ito", "anti-ito"])
def test_the_diffusion_passage_is_the_double_integral(convention):
    """Adaptive quadrature of it, with noise that depends on the position."""
    (x,) = WELL.coordinates
    system = System(WELL, Noise(((1 + x**2) / 5,)), "sgd", {"eta": 0.1})

    def phi(y):  # ∫ (y³ - y)/(0.01 (1 + y²)) dy
        return 100 * (y * y / 2 - np.log(1 + y * y))

    def within(z, y):
        return np.exp(phi(y) - phi(z)) / (0.01 * (1 + (z if convention == "ito" else y) ** 2))

    value, _ = integrate.dblquad(within, -1.0, 0.9, -3.0, lambda y: y, epsabs=0, epsrel=1e-11)
    passage = diffusion_passage(system, -1.0, 0.9, convention)
    assert passage.steps == pytest.approx(value / 0.1, rel=1e-9)
    assert passage.error < 1e-10


def test_theory_and_experiments_share_one_passage():
    """From the coefficients of the potential, differentiated on the panels, and from the landscape's own slope."""
    potential, D = np.array([0.25, 0.0, -0.5, 0.0, 0.25]), np.array([0.05, 0.0, 0.02])
    (x,) = WELL.coordinates
    system = System(WELL, Noise((1 + 0.4 * x**2,)), "sgd", {"eta": 0.1})
    time = first_passage(potential, D, np.array(-1.0), np.array([0.9, -3.0]))
    assert 0.1 * diffusion_passage(system, -1.0, 0.9).steps == pytest.approx(float(time), rel=1e-10)
    other = first_passage(potential, 1.001 * D, np.array(-1.0), np.array([0.9, -3.0]))
    assert abs(other / time - 1) > 1e-3


def test_elimination_without_subtraction_solves_the_chain():
    chances = np.random.default_rng(0).random((6, 7))
    chances /= chances.sum(1, keepdims=True)
    expected = np.linalg.solve(np.eye(6) - chances[:, :6], np.ones(6))
    assert without_subtraction(chances[:, :6], chances[:, 6]) == pytest.approx(expected, rel=1e-13)


def test_a_long_passage_keeps_its_digits():
    """The difference between theory in continuous time and the chain is a correction of a few per cent, not noise."""
    system = sgd(20)
    chain, flow = chain_passage(system, -1.0, 1.0), diffusion_passage(system, -1.0, 1.0)
    assert chain.error < 1e-10
    assert 2.0e10 < chain.steps < flow.steps < 2.3e10
    assert diffusion_passage(sgd(2000), -1.0, 1.0).log_steps == pytest.approx(2000, rel=0.01)


def test_steps_that_grow_smaller_lead_to_the_ito_integral_and_not_to_the_other():
    (x,) = WELL.coordinates

    def system(eta):
        return System(WELL, Noise(((1 + 2 * x**2) / 20 / eta,)), "sgd", {"eta": eta})

    times = {eta: eta * chain_passage(system(eta), -1.0, 1.0).steps for eta in (0.04, 0.02)}
    # The sharp boundary is seen only after whole steps, an error of order √η, and then of order η; at the other
    # minimum, far behind the saddle, only the second is left.
    limit = 2 * times[0.02] - times[0.04]
    ito, anti = (0.02 * diffusion_passage(system(0.02), -1.0, 1.0, c).steps for c in ("ito", "anti-ito"))
    assert limit == pytest.approx(ito, rel=0.02)
    assert abs(limit / anti - 1) > 0.2


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


def test_forward_flux_of_stable_noise_agrees_with_its_counted_escapes():
    system = sgd(2000, landscape=quadratic([[1.0]]), law="stable-1.5")
    found = count_escapes(system, start=[0.0], boundary=1.0, particles=20_000, steps=1000, seed=0, burn_in=100)
    flux = forward_flux(system, start=[0.0], boundary=1.0, seed=8, particles=1024, replicates=6, confidence=0.999)
    low, high = found.interval(0.999)
    assert found.events > 100
    assert low < flux.interval[1]
    assert flux.interval[0] < high


def test_counted_escapes_of_heavy_ball_are_those_of_the_pair_chain():
    system = System(WELL, Noise.constant(WELL, 1.0), "heavy-ball", {"eta": 0.05, "beta": 0.5})
    exact = pair_chain_passage(system, -1.0, 1.0, nodes=180)
    assert exact.error < 1e-8
    found = count_escapes(system, start=[-1.0], boundary=1.0, particles=50_000, steps=10_000, seed=1, burn_in=1000)
    low, high = found.interval(0.999)
    assert low < exact.steps < high
    plain = chain_passage(System(WELL, Noise.constant(WELL, 1.0), "sgd", {"eta": 0.1}), -1.0, 1.0).steps
    assert abs(plain / exact.steps - 1) > 0.05


def test_forward_flux_finds_the_exact_rate_of_a_rare_event():
    exact = chain_passage(sgd(10), -1.0, 1.0).steps
    flux = forward_flux(sgd(10), start=[-1.0], boundary=1.0, seed=8, particles=16_384, replicates=8, confidence=0.999)
    assert flux.interval[0] < exact < flux.interval[1]
    assert (flux.interval[1] - flux.interval[0]) / exact < 0.3
    assert flux.cost < exact * 1e3
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


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: diffusion_passage(sgd(5), 1.0, -1.0), "must lie above the start"),
        (lambda: chain_passage(sgd(5, eta=1e-4), -1.0, 1.0), "panels are too many"),
        (lambda: diffusion_passage(sgd(5, landscape=quadratic([[-1.0]])), 0.0, 1.0), "does not rise to the left"),
        (lambda: pair_chain_passage(sgd(5), -1.0, 1.0), "known for heavy-ball in one dimension"),
        (lambda: pair_chain_passage(momentum("heavy-ball", 5, "student-4"), -1.0, 1.0), "known for Gaussian noise"),
        (lambda: chain_passage(sgd(5, law="stable-1.5"), -1.0, 1.0), "known for Gaussian noise; got 'stable-1.5'"),
        (lambda: diffusion_passage(sgd(5, law="stable-1.5"), -1.0, 1.0), "A diffusion needs a variance"),
    ],
)
def test_exact_passages_say_where_they_are_not_known(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_numbers(tmp_path, monkeypatch):
    """SIGKILL while it runs; the second run starts from the checkpoint and gives what an uninterrupted one gives."""
    modules = "import sys, inertialab.experiments.checkpoint as c, inertialab.experiments.__main__ as m"
    fast = f"{modules}; c.SECONDS = 0.0; m.main(sys.argv[1:])"
    arguments = [
        "escape",
        "--barrier",
        "6",
        "--particles",
        "50000",
        "--steps",
        "30000",
        "--out",
        str(tmp_path / "killed"),
    ]
    process = subprocess.Popen([sys.executable, "-c", fast, *arguments], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "killed").glob("*.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (kept,) = (tmp_path / "killed").glob("*.npz")
    with np.load(kept) as found:
        assert 0 < int(found["counts"][0]) < 33_000
    assert not list((tmp_path / "killed").glob("escape-*[0-9a-f].json"))
    steps = []
    monkeypatch.setattr("inertialab.experiments.particles.Particles.advance", _watched(steps))
    assert command.main(arguments) == 0
    resumed = sum(steps)
    assert command.main([*arguments[:-1], str(tmp_path / "whole")]) == 0
    results = []
    for folder in ("killed", "whole"):
        (record,) = (tmp_path / folder).glob("escape-*.json")
        results.append(json.loads(record.read_text())["result"])
    assert results[0] == results[1]
    assert resumed < sum(steps) - resumed
    assert not list(tmp_path.rglob("*.npz"))


def _watched(steps):
    from inertialab.experiments.particles import Particles

    original = Particles.advance

    def advance(self, count, *args, **kwargs):
        steps.append(count)
        return original(self, count, *args, **kwargs)

    return advance


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--landscape", "hill", "--noise", "1"], "There is no landscape 'hill'; rows are: quadratic"),
        (["--noise", "1", "--barrier", "5"], "Give either noise, the variance C, or barrier"),
        (["--noise", "1", "--shape", "width"], "--shape takes name=number, got 'width'"),
        (["--noise", "1", "--optimizer", "heavy-ball"], "heavy-ball needs beta; give --settings beta="),
        (["--noise", "1", "--eta", "-1"], "eta must be positive"),
        (["--noise", "1", "--law", "stable-1.5"], "The mean squared displacement needs a variance"),
        (["--noise", "1", "--law", "stable"], "There is no law of noise 'stable'; take gaussian"),
    ],
)
def test_the_command_line_says_what_is_wrong(arguments, sentence, capsys):
    assert command.main(["simulate", *arguments]) == 2
    assert sentence in " ".join(capsys.readouterr().out.split())


def test_the_command_line_counts_escapes_under_stable_noise(tmp_path, capsys):
    arguments = ["escape", "--law", "stable-1.5", "--particles", "2000", "--steps", "500", "--out", str(tmp_path)]
    assert command.main([*arguments, "--noise", "0.01", "--eta", "0.02"]) == 0
    assert "Mean steps to an escape" in capsys.readouterr().out
    assert command.main([*arguments, "--barrier", "5"]) == 2
    assert "A barrier over eta C/2 needs a variance" in " ".join(capsys.readouterr().out.split())


def test_the_command_line_makes_a_record_and_a_picture(tmp_path, capsys):
    arguments = ["simulate", "--barrier", "5", "--optimizer", "adai", "--steps", "50", "--particles", "2000"]
    assert command.main([*arguments, "--out", str(tmp_path)]) == 0
    (record,) = tmp_path.glob("simulate-*.json")
    assert json.loads(record.read_text())["status"] == "complete"
    assert "<svg" in record.with_suffix(".svg").read_text()
    assert "Mean squared displacement after 50 steps" in capsys.readouterr().out
