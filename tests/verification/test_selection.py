"""Two minima side by side: their loss and noise, the law of a chain at rest, and particles that stay where it says."""

import numpy as np
import pytest

from inertialab.experiments.particles import Particles
from inertialab.theory import claim
from inertialab.verification.docket import beyond
from inertialab.verification.studies.exact.selection import at_rest, stationary
from inertialab.verification.studies.two_minima import system, two_minima

POINT = beyond.MINIMA_SGD.config["points"][0]


def test_curvatures_widths_and_noise_are_those_of_the_point():
    well, _ = two_minima(POINT)
    saddle, end = POINT["w1"], POINT["w1"] + POINT["w2"]
    places = np.array([1e-6, saddle - 1e-6, saddle + 1e-6, end - 1e-6])
    wanted = [POINT["H1"], -POINT["Hb"], -POINT["Hb"], POINT["H2"]]
    assert well.hessian([places])[0, 0] == pytest.approx(wanted, rel=1e-3)
    assert well.value([np.array([0.0, saddle, end])]) == pytest.approx([0, POINT["dL"], 0], abs=1e-12)
    assert abs(well.gradient([np.array([0.0, saddle, end])])).max() < 1e-12
    chain = system("sgd", POINT, {"eta": POINT["eta"]})
    measured = chain.variance(np.array([-0.1, 0.0, saddle, end, end + 0.1]))
    assert measured == pytest.approx([POINT[c] for c in ("C1", "C1", "C_b", "C2", "C2")], rel=1e-9)


def test_the_noise_of_each_end_rules_over_its_share_of_the_climb():
    """∫L'/C from either minimum, exactly."""
    well, _ = two_minima(POINT)
    chain = system("sgd", POINT, {"eta": POINT["eta"]})
    for own, low, high in (("C1", 0.0, POINT["w1"]), ("C2", POINT["w1"] + POINT["w2"], POINT["w1"])):
        x = np.linspace(low, high, 200_001)
        climbed = np.trapezoid(well.gradient([x])[0] / chain.variance(x), x)
        s = POINT["s"]
        assert climbed == pytest.approx(POINT["dL"] * (s / POINT[own] + (1 - s) / POINT["C_b"]), rel=1e-6)


def test_minima_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit the height and the widths"):
        two_minima({**POINT, "H1": 80.0})


def test_the_law_at_rest_of_a_small_chain():
    p = np.array([[0.5, 0.5, 0.0], [0.25, 0.5, 0.25], [0.0, 1e-9, 1 - 1e-9]])
    law = at_rest(p)
    assert law @ p == pytest.approx(law, rel=1e-14)


def test_particles_stay_where_the_chain_says():
    """Time spent, looked at directly: long after many crossings, from a start in one minimum only."""
    hot = {**POINT, "eta": 3 * POINT["eta"]}
    chain = system("sgd", hot, {"eta": hot["eta"]})
    exact = stationary(chain, (-1.5, POINT["w1"] + POINT["w2"] + 1.5), POINT["w1"])
    crowd = Particles(chain, 20_000, np.array([0.0]))
    crowd.advance(20_000, 1, 0)
    left = float((crowd.values()[0] < POINT["w1"]).mean())
    error = (left * (1 - left) / crowd.count) ** 0.5
    assert abs(left - exact / (1 + exact)) < 4 * error
    assert error < 0.004


def test_adam_turns_where_the_minimum_is_as_curved_as_the_saddle():
    """s = 1/2, noise in proportion to the curvature: the flatter one below, the sharper one above."""
    law = claim("minima.occupation-adam")
    for bends, sharper in (((0.9, 0.8), False), ((1.3, 1.1), True)):
        noise = [0.1 * h for h in bends]
        at = {"H1": bends[0], "H2": bends[1], "C1": noise[0], "C2": noise[1], "C_b": 0.1, "dL": 1.0, "s": 0.5}
        excess = law.evaluate(eta=0.01, **at) / (bends[1] / bends[0]) ** 0.5
        assert (excess > 1) == sharper
