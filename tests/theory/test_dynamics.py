"""Update maps and what follows from them."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from inertialab.theory import NotProvenError, OutsideRegimeError, Step, claim, proven
from inertialab.theory.dynamics import MAPS, MOMENTUM_EMA, MOMENTUM_TORCH, SGD, linear_recursion
from inertialab.theory.landscapes import QUADRATIC
from inertialab.theory.notation import C, beta, eta, h, theta
from inertialab.theory.notation import b as buffer


def test_later_assignments_see_earlier_ones():
    step = MOMENTUM_TORCH.step(h * theta)
    assert sp.expand(step[theta] - (theta - eta * (beta * buffer + h * theta))) == 0


def test_a_loss_beyond_quadratic_is_not_a_linear_recursion():
    with pytest.raises(ValueError, match=r"sgd on the loss .* is not a linear recursion; use a quadratic loss"):
        linear_recursion(SGD, theta**4)


def _radius(update, eta_, h_, beta_):
    A, _ = linear_recursion(update, QUADRATIC)
    values = np.array(A.subs({eta: eta_, h: h_, beta: beta_}), dtype=float)
    return np.abs(np.linalg.eigvals(values)).max()


@pytest.mark.parametrize(
    ("update", "id"),
    [
        (SGD, "sgd.stationary-variance"),
        (MOMENTUM_EMA, "momentum.stationary-variance"),
        (MOMENTUM_TORCH, "momentum.stationary-variance-torch"),
    ],
)
@given(data=st.data())
def test_the_regime_of_a_stationary_law_is_where_the_recursion_is_stable(update, id, data):
    eta_, h_, beta_ = (data.draw(st.floats(*bounds)) for bounds in ((0.05, 3), (-0.5, 9), (0.02, 0.98)))
    radius = _radius(update, eta_, h_, beta_)
    if abs(radius - 1) < 1e-6:
        return
    subject = claim(id)
    given_values = {"eta": eta_, "h": h_, "C": 1.0, "beta": beta_}
    point = {str(s): given_values[str(s)] for s in subject.arguments}
    if radius < 1:
        assert subject.predict(**point) > 0
    else:
        with pytest.raises(OutsideRegimeError):
            subject.predict(**point)


def test_every_map_has_its_parameter_first():
    assert all(update.state[0] == theta for update in MAPS.values())


def test_proven_refuses_what_differs():
    assert proven((eta + C) ** 2, equals=eta**2 + 2 * eta * C + C**2) == (eta + C) ** 2
    with pytest.raises(NotProvenError, match="differs from the derived"):
        proven(eta * C, equals=eta * C * (1 + sp.Rational(1, 10**9)))


def test_a_step_is_checked_when_it_is_made():
    assert Step("definition", None, eta).status == "definition"
    assert Step("twice", None, 2 * eta, equals=eta + eta).status == "proven"
    with pytest.raises(NotProvenError):
        Step("wrong", None, 2 * eta, equals=eta)
