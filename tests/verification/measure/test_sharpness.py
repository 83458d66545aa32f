"""Sharpness along training against dense Hessians, within its cost."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from inertialab.verification.measure import Problem, Sharpness, hessian


def _train(max_share: float, steps: int = 60, warm: bool = True):
    """Records with the dense largest eigenvalue at each of them."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Dropout(0.1), nn.Linear(6, 3)).double()
    inputs, targets = torch.randn(32, 4, dtype=torch.float64), torch.arange(32) % 3
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    generator = torch.Generator().manual_seed(1)
    loss = nn.functional.cross_entropy
    sharpness = Sharpness(
        model, loss, (inputs, targets), batch=32, every=5, max_share=max_share, rtol=1e-4, generator=generator
    )
    exact, shares = [], []
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model(inputs), targets).backward()
        optimizer.step()
        sharpness._last = sharpness._last if warm else None
        before = len(sharpness.records)
        sharpness()
        shares.append(sharpness.share)
        assert model[2].training
        if len(sharpness.records) > before:
            problem = Problem(model.eval(), loss, (inputs, targets))
            exact.append(float(torch.linalg.eigvalsh(hessian(problem).to_dense())[-1]))
            model.train()
    return sharpness, exact, shares


def test_values_are_those_of_the_dense_hessian():
    sharpness, exact, _ = _train(0.98)
    assert [r.step for r in sharpness.records] == list(range(5, 61, 5))
    for record, value in zip(sharpness.records, exact, strict=True):
        assert record.converged
        assert abs(record.value - value) <= record.residual + 1e-12
        assert record.residual <= 1e-4 * value
    # Against a wrong point: the curvature changes along training by far more than the residuals.
    assert abs(sharpness.records[0].value - exact[-1]) > 10 * sharpness.records[0].residual


def test_the_last_vector_saves_products():
    warm, cold = (sum(r.matvecs for r in _train(0.98, warm=w)[0].records) for w in (True, False))
    assert warm < cold


@pytest.mark.parametrize("max_share", [0.3, 0.5])
def test_the_share_is_kept_and_short_measurements_say_so(max_share):
    sharpness, exact, shares = _train(max_share, steps=200)
    assert 0.5 * max_share < max(shares) <= max_share
    assert len(sharpness.records) < 200 // 5
    assert not sharpness.records[0].converged
    for record, value in zip(sharpness.records, exact, strict=True):
        assert record.value <= value + 1e-12


def _watched(trained, part, **options):
    """A callback on some of the samples, for a model at the minimum of all."""
    problem, at = trained
    model = copy.deepcopy(problem.model)
    nn.utils.vector_to_parameters(at, model.parameters())
    X, y = problem.inputs[part], problem.targets[part]
    draw = torch.Generator().manual_seed(0)
    settings = {"batch": len(y), "every": 1, "max_share": 0.99, "rtol": 1e-3, "generator": draw, **options}
    return Sharpness(model, problem.loss, (X, y), **settings)


def test_a_mini_batch_in_the_place_of_all_data_is_biased_upwards(trained, generator):
    """Why the callback wants all the data: along the steepest direction of eight samples they curve more than all."""

    def value(part):
        sharpness = _watched(trained, part)
        for _ in range(5):
            sharpness()
        return sharpness.records[-1].value

    whole = value(torch.arange(300))
    small = torch.tensor([value(torch.randperm(300, generator=generator)[:8]) for _ in range(40)])
    assert float(small.mean() - 3 * small.std() / 40**0.5) > whole


@pytest.mark.parametrize("max_bytes", [2**31, 2**18])
def test_the_counted_cost_is_not_below_that_of_its_matrix_multiplications(trained, max_bytes):
    """With graphs kept, and with graphs that do not fit and are made anew."""
    sharpness = _watched(trained, torch.arange(300), max_bytes=max_bytes)
    problem = Problem(sharpness.model, sharpness.loss, sharpness.data)
    with FlopCounterMode(display=False) as one:
        problem._share(problem.chunks[0])
    with FlopCounterMode(display=False) as all_of_it:
        for _ in range(5):
            sharpness()
    assert sharpness.records
    assert all_of_it.get_total_flops() <= sharpness.spent * one.get_total_flops()
    assert all_of_it.get_total_flops() >= 0.2 * sharpness.spent * one.get_total_flops()


def test_wrong_numbers_are_refused():
    with pytest.raises(ValueError, match=r"max_share between 0 and 1; got 8, 1 and 1\.5"):
        Sharpness(
            nn.Linear(1, 1),
            nn.functional.mse_loss,
            (torch.ones(8, 1), torch.ones(8, 1)),
            batch=8,
            every=1,
            max_share=1.5,
            generator=torch.Generator(),
        )
