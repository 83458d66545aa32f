"""Recorded products do less than a backward pass, and the same."""

import pytest
import torch
from torch import nn

from inertialab.verification.measure import Problem, hessian, products, tape

aten = torch.ops.aten


def _problem(dtype=torch.float64):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3, padding=1), nn.ReLU()]
        net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(20, 3)).to(dtype)
        X = torch.randn(16, 1, 4, 4, dtype=dtype)
    return Problem(net, nn.functional.cross_entropy, (X, torch.arange(16) % 3))


@pytest.fixture
def graphs(monkeypatch):
    """Graphs of all products, which are recorded however small they are."""
    kept, compiled = [], tape._compiled
    monkeypatch.setattr(products, "TAPE_BYTES", 0)
    monkeypatch.setattr(tape, "_compiled", lambda graph, constants: kept.append(graph) or compiled(graph, constants))
    return kept


def _targets(graph):
    return [node.target for node in graph.nodes if node.op == "call_function"]


def test_nothing_is_filled_with_zeros_to_be_added_and_biases_are_added_by_the_convolutions(graphs, monkeypatch):
    problem = _problem()
    hessian(problem)
    ours = _targets(graphs[-1])
    assert aten.zeros_like.default not in ours
    convolutions = [node for node in graphs[-1].nodes if node.target is aten.convolution.default]
    assert sum(node.args[2] is not None for node in convolutions) == 2
    monkeypatch.setattr(tape, "simplify", lambda graph, constants, join: graph.eliminate_dead_code())
    hessian(problem)
    plain = _targets(graphs[-1])
    assert aten.zeros_like.default in plain
    assert ours.count(aten.add.Tensor) < plain.count(aten.add.Tensor) - 6


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_product_is_that_of_the_backward_pass(graphs, keep, dtype):
    problem = _problem(dtype)
    H = hessian(problem, keep=keep)
    assert H.record["recorded graphs"] == 1
    v = torch.randn(problem.size, dtype=dtype, generator=torch.Generator().manual_seed(1))
    leaves = problem.leaves()
    loss = problem.mean_loss(leaves, problem.chunks[0])
    slopes = torch.autograd.grad(loss, leaves, create_graph=True)
    expected = torch.cat([p.reshape(-1) for p in torch.autograd.grad(slopes, leaves, problem.parts(v))])
    assert torch.allclose(H.matvec(v), expected, rtol=0, atol=1e2 * problem.eps * float(expected.abs().max()))


def test_a_bias_that_is_spread_along_another_dimension_is_not_taken_for_one():
    x = torch.randn(4, 1, 6, 6)

    def product(v):
        along_samples = v[36:].view(4, 1, 1, 1).expand(4, 4, 4, 4)
        return (nn.functional.conv2d(x, v[:36].view(4, 1, 3, 3)) + along_samples).sum((1, 2, 3))

    again, v = tape.recorded(product, torch.randn(40)), torch.randn(40)
    assert again is not None
    assert torch.allclose(again(v), product(v), rtol=1e-4, atol=1e-4)
