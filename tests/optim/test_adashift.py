"""AdaShift: published trajectory, the start that codes get wrong, switches."""

import pytest
import torch

from inertialab.optim import AdaShift

A = torch.tensor([1, 10, 0.1, 3, 0.5], dtype=torch.float64)
CENTRE = torch.tensor([0.3, -1, 2, 0, -0.7], dtype=torch.float64)
START = torch.tensor([1, 2, -1, 0.5, -2], dtype=torch.float64)


def gradient(x, t):
    wave = torch.sin(torch.arange(1, 6, dtype=torch.float64) * t)
    return A * (x - CENTRE) + 0.3 * torch.cos(3 * x) + 0.5 * wave


def path(steps, **settings):
    """Positions after each step, shape (steps, 5)."""
    x = START.clone().requires_grad_()
    optimizer, positions = AdaShift([x], lr=1e-2, **settings), []
    for t in range(1, steps + 1):
        x.grad = gradient(x, t).detach()
        optimizer.step()
        positions.append(x.detach().clone())
    return torch.stack(positions)


KNOWN = {
    10: [1, 2, -1, 0.5, -2],
    11: [0.999884569284388, 1.990145433054497, -0.99981801305025, 0.499494445175807, -1.999871469151627],
    12: [0.999787587897308, 1.980178000535625, -0.99960967017085, 0.499011310430331, -1.999739366365855],
    20: [0.998743300543119, 1.900935198017152, -0.998041272197018, 0.495000571132165, -1.998807086005696],
    100: [0.98761577869094, 1.185035560938038, -0.981410997385877, 0.4538777284237, -1.988705667116998],
}


def test_it_follows_the_trajectory_of_the_authors_code():
    positions = path(100)
    for step, expected in KNOWN.items():
        assert positions[step - 1].tolist() == pytest.approx(expected, rel=1e-12)


def test_the_average_is_that_of_the_window():
    """Written out as a sum over the last n gradients, without the recurrence."""
    x, gradients, v = START.clone(), [], torch.zeros((), dtype=torch.float64)
    weights = 0.9 ** torch.arange(10, dtype=torch.float64)
    for t in range(1, 41):
        gradients.append(gradient(x, t))
        if t > 10:
            v = 0.999 * v + 0.001 * gradients[t - 11].square().max()
            m = (weights[:, None] * torch.stack(gradients[:-11:-1])).sum(0) / weights.sum()
            x = x - 1e-2 * m / ((v / (1 - 0.999 ** (t - 10))).sqrt() + 1e-10)
    assert torch.allclose(path(40)[-1], x, rtol=1e-12)


def test_starting_the_average_late_goes_wrong_visibly():
    """A public code subtracts gradients that it never added; its eleventh step is 1e-2 off."""
    x, gradients, m = START.clone(), [], torch.zeros(5, dtype=torch.float64)
    weight = 0.1 / (1 - 0.9**10)
    for t in range(1, 12):
        gradients.append(gradient(x, t))
    m = 0.9 * (m - weight * 0.9**9 * gradients[0]) + weight * gradients[10]
    naive = START - 1e-2 * m / gradients[0].square().max().sqrt()
    assert (naive - path(11)[-1]).abs().max() > 5e-3


def test_a_block_shares_its_rate_and_coordinates_do_not():
    moved = {reduction: START - path(11, reduction=reduction)[-1] for reduction in ("max", "mean", "none")}
    ratio = moved["mean"] / moved["max"]
    assert torch.allclose(ratio, ratio[0].expand(5))
    assert (moved["none"] / moved["max"]).std() > 1


def test_a_shift_of_one_without_momentum_divides_by_the_gradient_before():
    positions = path(2, shift=1, betas=(0.0, 0.9), reduction="none")
    first, second = gradient(START, 1), gradient(START, 2)
    assert torch.allclose(positions[1], START - 1e-2 * second / first.abs())


def test_nothing_moves_and_nothing_decays_before_the_window_is_full():
    assert torch.equal(path(10, weight_decay=0.1, decoupled_weight_decay=True)[-1], START)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"lr": float("inf")}, "AdaShift: lr must be a finite number >= 0, got inf"),
        ({"shift": 0}, "shift must be a whole number >= 1, got 0"),
        ({"shift": 2.5}, "shift must be a whole number >= 1, got 2.5"),
        ({"reduction": "sum"}, "reduction must be 'max', 'mean' or 'none', got sum"),
        ({"betas": (-0.1, 0.9)}, r"betas must be two numbers in \[0, 1\)"),
    ],
)
def test_a_setting_out_of_range_is_named_with_its_value_and_range(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        AdaShift([torch.zeros(1)], **settings)
