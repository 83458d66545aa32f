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
        sharpness._start = sharpness._start if warm else None
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


def test_the_defaults_give_records_within_ten_epochs_of_many_samples():
    """With a subset that is drawn once; all samples would take 135 epochs to the first."""
    inputs = torch.randn(50_000, 2, generator=torch.Generator().manual_seed(0))
    targets = (inputs[:, 0] > 0).long()
    settings = {"batch": 128, "every": 100, "generator": torch.Generator().manual_seed(0)}
    sharpness = Sharpness(nn.Linear(2, 2), nn.functional.cross_entropy, (inputs, targets), **settings)
    for _ in range(10 * 391):
        sharpness()
    assert 500 <= sharpness.samples < 50_000
    assert len(sharpness.records) >= 2
    assert sharpness.share <= 0.1
    all_of_them = Problem(sharpness.model, nn.functional.cross_entropy, (inputs, targets))
    exact = float(torch.linalg.eigvalsh(hessian(all_of_them).to_dense())[-1])
    assert sharpness.records[-1].value == pytest.approx(exact, rel=0.15)


def test_a_first_record_that_is_far_away_is_announced(trained):
    problem, _ = trained
    data = (problem.inputs, problem.targets)
    settings = {"batch": 8, "every": 5, "generator": torch.Generator()}
    with pytest.warns(UserWarning, match="The first record can be afforded after 5063 steps.*300 samples"):
        Sharpness(problem.model, problem.loss, data, **settings)
    Sharpness(problem.model, problem.loss, data, samples=20, **settings)


def test_several_eigenvalues_of_a_loader_and_a_fixed_subset(trained):
    problem, at = trained
    model = copy.deepcopy(problem.model)
    nn.utils.vector_to_parameters(at, model.parameters())
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(problem.inputs, problem.targets), batch_size=70)
    settings = {"batch": 300, "every": 1, "max_share": 0.99, "rtol": 1e-6, "k": 3}
    sharpness = Sharpness(
        model, problem.loss, loader, samples=100, generator=torch.Generator().manual_seed(0), **settings
    )
    for _ in range(3):
        sharpness()
    part = Problem(model, problem.loss, tuple(sharpness.data))
    assert part.samples == sharpness.samples == 100
    exact = torch.linalg.eigvalsh(hessian(part).to_dense()).flip(0)[:3].tolist()
    assert list(sharpness.records[-1].values) == pytest.approx(exact, rel=1e-6)
    assert sharpness.records[-1].value == sharpness.records[-1].values[0]
    assert max(sharpness.records[-1].residuals) <= 1e-6 * exact[0]


def test_a_training_that_diverges_goes_on():
    model = nn.Linear(4, 3).double()
    X, y = torch.randn(12, 4, dtype=torch.float64), torch.arange(12) % 3
    sharpness = Sharpness(
        model, nn.functional.cross_entropy, (X, y), batch=12, every=1, max_share=0.9, generator=torch.Generator()
    )
    for step in range(20):
        if step == 10:
            nn.init.constant_(model.weight, float("nan"))
        sharpness()
    assert sharpness.records[0].value > 0
    last = sharpness.records[-1]
    assert (str(last.value), last.converged, last.note) == ("nan", False, "The parameters are not finite.")
    assert model.training


class _Crossing(nn.Module):
    """Two branches that know nothing of each other, the second ever steeper."""

    def __init__(self):
        super().__init__()
        self.a, self.b = (nn.Parameter(torch.zeros(30, dtype=torch.float64)) for _ in range(2))
        self.steep = 0.5

    def forward(self, x):
        return torch.stack([x[:, :30] @ self.a, self.steep * (x[:, 30:] @ self.b)], 1)


def test_a_branch_that_overtakes_is_followed():
    model, X = _Crossing(), torch.randn(64, 60, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    data = (X, torch.zeros(64, 2, dtype=torch.float64))
    sharpness = Sharpness(
        model, nn.functional.mse_loss, data, batch=64, every=20, max_share=0.8, generator=torch.Generator()
    )
    for step in range(200):
        model.steep = 0.5 + step / 100
        sharpness()
        if sharpness.records and sharpness.records[-1].step == step + 1:
            problem = Problem(model, nn.functional.mse_loss, data)
            exact = float(torch.linalg.eigvalsh(hessian(problem).to_dense())[-1])
            assert sharpness.records[-1].value == pytest.approx(exact, rel=0.03)
    assert len(sharpness.records) >= 5
