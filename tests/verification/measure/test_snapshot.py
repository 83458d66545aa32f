"""A problem is a snapshot, and leaves model, contexts and memory as they are found."""

import contextlib
import gc

import pytest
import torch
from kinds import CE, X, Y, close, net, seeded
from torch import nn

from inertialab.verification.measure import (
    NotMeasurableError,
    Problem,
    hessian,
    noise_covariance,
    products,
    top_eigenpairs,
)

# --- a problem is a snapshot ------------------------------------------------------------------------------------------


def _normalised():
    m = seeded(lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Dropout(0.5), nn.Linear(5, 3)))
    m(X)
    return m.eval()


def _in_train_mode(model, inputs):
    model.train()


def _other_statistics(model, inputs):
    model.train()(inputs + 3)


def _other_parameters(model, inputs):
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(2)


def _other_data(model, inputs):
    inputs.mul_(2)


def _other_attributes(model, inputs):
    model[1].eps = 0.5
    model[2] = nn.ReLU()


@pytest.mark.parametrize(
    "change", [_in_train_mode, _other_statistics, _other_parameters, _other_data, _other_attributes]
)
def test_what_becomes_of_the_model_later_changes_nothing(change):
    model, inputs = _normalised(), X.clone()
    problem = Problem(model, CE, (inputs, Y), parameters=["0.weight"])
    H, anew, C = hessian(problem).to_dense(), hessian(problem, keep=False), noise_covariance(problem).to_dense()
    change(model, inputs)
    assert torch.equal(hessian(problem).to_dense(), H)
    assert torch.equal(anew.to_dense(), H)
    assert torch.equal(noise_covariance(problem).to_dense(), C)


class Remembering(nn.Module):
    """Keeps what it has seen in attributes of all sorts."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls, self.last, self.plain = nn.Linear(4, 3).double(), [], None, torch.zeros(2)

    def forward(self, x):
        self.calls.append(len(x))
        self.plain += 1
        self.last = self.layer(x)
        return self.last


def test_what_a_model_remembers_of_being_measured_is_dropped():
    model = Remembering()
    problem = Problem(model, CE, (X, Y))
    start = problem.start.clone()
    hessian(problem).matvec(start)
    noise_covariance(problem)
    assert (model.calls, model.last, model.plain.tolist()) == ([], None, [0, 0])
    assert torch.equal(problem.start, start)


@pytest.mark.parametrize(
    "context",
    [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu", dtype=torch.bfloat16), contextlib.nullcontext],
)
def test_the_callers_contexts_change_nothing(context, generator):
    m, expected = net(), hessian(Problem(net(), CE, (X, Y))).to_dense()
    with context():
        problem = Problem(m.float(), CE, (X.float(), Y))
        H = hessian(problem)
        dense, pairs = H.to_dense(), top_eigenpairs(H, 2, generator=generator)
        C = noise_covariance(problem).to_dense()
    assert close(dense.double(), expected, 1e-5)
    assert pairs.values.double().tolist() == pytest.approx(
        torch.linalg.eigvalsh(expected).flip(0)[:2].tolist(), rel=1e-4
    )
    assert close(C.double(), noise_covariance(Problem(net(), CE, (X, Y))).to_dense(), 1e-4)


def test_measurements_leave_nothing_to_the_collector(monkeypatch, generator):
    """With graphs kept, recorded, and made anew; what is reachable in circles would stay until it runs."""
    monkeypatch.setattr(products, "TAPE_BYTES", 0)
    m = net()

    def measure():
        for keep in (True, False):
            H = hessian(Problem(m, CE, (X, Y), chunk=5), keep=keep)
            assert H.record["recorded graphs"] == 3
            top_eigenpairs(H, 2, generator=generator)
        noise_covariance(Problem(m, CE, (X, Y))).matvec(torch.ones(43, dtype=torch.float64))

    measure()
    gc.collect()
    gc.disable()
    try:
        before = _tensors()
        for _ in range(3):
            measure()
        assert _tensors() <= before
    finally:
        gc.enable()


def _tensors():
    return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())


def test_a_loader_of_more_than_the_memory_is_refused_before_it_is_read_to_its_end():
    read = []

    def batches():
        for i in range(1000):
            read.append(i)
            yield X, Y

    with pytest.raises(NotMeasurableError, match="The data take more than max_bytes=2000"):
        Problem(net(), CE, batches(), max_bytes=2000)
    assert len(read) < 10


def test_the_record_names_what_rounds_products():
    record = Problem(net().float(), CE, (X.float(), Y)).record
    assert record["matmul precision"] == torch.get_float32_matmul_precision()
    assert record["tf32"] is False
    assert "tf32" not in Problem(net(), CE, (X, Y)).record
