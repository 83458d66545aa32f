"""Blocks of the Hessian, layer by layer, against the dense matrix."""

import pytest
import torch
from networks import PROBLEMS, dense_hessian
from torch.utils.flop_counter import FlopCounterMode

from inertialab.verification.measure import layer_hessians, top_eigenpairs, trace


def _close(A, B):
    return float((A - B).abs().max()) <= 1e-12 * max(1.0, float(B.abs().max()))


@pytest.mark.parametrize("name", ["mlp", "unequal chunks", "penalty", "convnet", "subset", "lstm"])
def test_blocks_are_those_of_the_whole_matrix(name):
    problem = PROBLEMS[name]()
    H, whole = dense_hessian(problem), torch.arange(problem.size).split(problem.sizes)
    places = dict(zip(problem.names, whole, strict=True))
    blocks = layer_hessians(problem)
    for layer, block in blocks.items():
        own = torch.cat([place for n, place in places.items() if n.rpartition(".")[0] == layer])
        assert _close(block.to_dense(), H[own][:, own])
        assert block.record["layer"] == layer
    assert sum(block.size for block in blocks.values()) == problem.size


def test_estimators_take_a_layer_like_any_operator(generator):
    problem = PROBLEMS["mlp"]()
    H = dense_hessian(problem)
    blocks = layer_hessians(problem, {"weights": ["0.weight", "2.weight"]})
    own = torch.cat([torch.arange(20), torch.arange(25, 40)])
    exact = torch.linalg.eigvalsh(H[own][:, own])
    pairs = top_eigenpairs(blocks["weights"], 3, rtol=1e-8, generator=generator)
    assert pairs.values.tolist() == pytest.approx(exact.flip(0)[:3].tolist(), rel=1e-8)
    assert trace(blocks["weights"], generator=generator).estimate.value == pytest.approx(float(exact.sum()), rel=1e-8)


def test_a_product_with_a_layer_leaves_out_the_others():
    problem = PROBLEMS["mlp"]()
    blocks = layer_hessians(problem)
    last = blocks["2"]
    with FlopCounterMode(display=False) as one:
        last.matvec(torch.ones(last.size, dtype=torch.float64))
    with FlopCounterMode(display=False) as gradient:
        problem._share(problem.chunks[0])
    assert 0 < one.get_total_flops() < gradient.get_total_flops()


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ({"a": ["0.weight"], "b": ["0.weight"]}, "The parameter '0.weight' stands in two layers"),
        ({"a": ["1.weight"]}, "The parameter '1.weight' is not measured; these are: 0.weight"),
    ],
)
def test_wrong_layers_are_refused(layers, sentence):
    with pytest.raises(ValueError, match=sentence):
        layer_hessians(PROBLEMS["mlp"](), layers)
