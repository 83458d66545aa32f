"""What can be measured, what is refused, and that the model stays as it was found."""

import pytest
import torch
from networks import PROBLEMS, Counter, dense_loss
from torch import nn

from inertialab.verification.measure import NotMeasurableError, Problem, hessian, noise_covariance

CROSS = nn.functional.cross_entropy
X = torch.randn(12, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
Y = torch.arange(12) % 3


def net(*extra):
    return nn.Sequential(nn.Linear(4, 4), *extra, nn.Linear(4, 3)).double()


class Noisy(nn.Module):
    """Draws random numbers that no module type gives away."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3).double()

    def forward(self, x):
        return self.layer(x + torch.randn_like(x))


class Mixing(nn.Module):
    """Subtracts the mean over the batch."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3).double()

    def forward(self, x):
        return self.layer(x - x.mean(0))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            (net(nn.Dropout(0.5)), CROSS, (X, Y)),
            r"Dropout '1' is in train mode: the loss is random.*Call model.eval\(\)",
        ),
        ((net(nn.BatchNorm1d(4)), CROSS, (X, Y)), r"BatchNorm1d '1' uses batch statistics.*Call model.eval\(\)"),
        ((net(nn.BatchNorm1d(4, track_running_stats=False)).eval(), CROSS, (X, Y)), "uses batch statistics"),
        ((Noisy(), CROSS, (X, Y)), "Two evaluations of the same samples gave .* the loss is random"),
        ((Mixing(), CROSS, (X, Y)), "the loss is not a mean over independent samples"),
        ((net(), nn.CrossEntropyLoss(reduction="sum"), (X, Y)), "Use reduction='mean'"),
        ((net(), nn.CrossEntropyLoss(reduction="none"), (X, Y)), "must be one number, the mean over a batch"),
        ((net(), lambda o, y: CROSS(o, y) / 0, (X, Y)), "The loss is inf; there is no curvature"),
        ((net(), CROSS, []), "There is no data"),
        ((net(), CROSS, (X[:0], Y[:0])), "There is no data"),
        ((net(), CROSS, (X, Y[:5])), "got 12 inputs and 5 targets"),
        ((net().requires_grad_(False), CROSS, (X, Y)), "There is no parameter to measure"),
        ((net().to(torch.bfloat16), CROSS, (X, Y)), "pass dtype=torch.float32 or torch.float64"),
    ],
)
def test_what_cannot_be_measured_rightly_is_refused_with_a_sentence(arguments, sentence):
    with pytest.raises(NotMeasurableError, match=sentence):
        Problem(*arguments)


def test_an_unknown_parameter_is_refused_with_the_names_there_are():
    with pytest.raises(NotMeasurableError, match=r"no parameter '3.weight'; it has 0.weight, 0.bias"):
        Problem(net(), CROSS, (X, Y), parameters=["3.weight"])
    with pytest.raises(ValueError, match="at must hold the 35 measured parameters"):
        Problem(net(), CROSS, (X, Y), at=torch.zeros(3))


def test_dropout_in_eval_mode_and_of_rate_zero_are_measured():
    assert Problem(net(nn.Dropout(0.5)).eval(), CROSS, (X, Y)).record["mode"] == "eval"
    assert Problem(net(nn.Dropout(0.0)), CROSS, (X, Y)).record["mode"] == "train"


def test_the_record_names_mode_dtype_and_samples():
    record = hessian(Problem(net(), CROSS, (X, Y), dtype=torch.float32, chunk=5)).record
    expected = {"mode": "train", "dtype": "float32", "samples": 12, "chunks": 3, "device": "cpu", "operator": "hessian"}
    assert expected.items() <= record.items()


@pytest.mark.parametrize("name", ["batch norm in eval", "buffer that counts", "lstm", "attention"])
def test_the_model_is_left_as_it_was_found(name):
    problem = PROBLEMS[name]()
    model = problem.model
    for p in model.parameters():
        p.grad = torch.full_like(p, 7)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    flags = [m.training for m in model.modules()]
    state, fastpath = torch.random.get_rng_state(), torch.backends.mha.get_fastpath_enabled()
    again = Problem(model, problem.loss, problem.chunks)
    noise_covariance(again).matvec(hessian(again).matvec(again.start))
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert [m.training for m in model.modules()] == flags
    assert all((p.grad == 7).all() and p.requires_grad for p in model.parameters())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.backends.mha.get_fastpath_enabled() == fastpath


def test_a_random_model_is_refused_without_moving_the_stream():
    model, state = Noisy(), torch.random.get_rng_state()
    with pytest.raises(NotMeasurableError):
        Problem(model, CROSS, (X, Y))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_measuring_elsewhere_does_not_move_the_model():
    model = Counter().double()
    flat = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
    here, there = (Problem(model, CROSS, (X[:, :3], Y), at=at) for at in (None, flat + 1))
    assert not torch.allclose(hessian(here).to_dense(), hessian(there).to_dense(), rtol=0.01)
    assert torch.equal(flat, torch.cat([p.detach().reshape(-1) for p in model.parameters()]))


def test_value_and_gradient_are_those_of_all_samples_at_once(problem):
    losses = dense_loss(problem)
    flat = problem.start.clone().requires_grad_()
    whole = losses(flat).mean() + 0.5 * problem.l2 * flat.square().sum()
    assert problem.value() == pytest.approx(float(whole.detach()), rel=1e-14)
    (expected,) = torch.autograd.grad(whole, flat)
    assert torch.allclose(problem.gradient(), expected, rtol=1e-12, atol=1e-15)


def test_data_may_be_an_iterable_of_chunks_or_have_several_inputs():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 3).double()

        def forward(self, a, b):
            return self.layer(a + b)

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), batch_size=5)
    model = net()
    assert Problem(model, CROSS, ((x, y) for x, y in loader)).gradient() == pytest.approx(
        Problem(model, CROSS, (X, Y)).gradient(), rel=1e-12
    )
    two = Problem(Sum(), CROSS, ((X, X), Y), chunk=5)
    assert two.samples == 12
    assert noise_covariance(two).to_dense().shape == (15, 15)
