"""Some steps of Adai on parameters of many shapes, and their comparison."""

import torch

from inertialab.optim import Adai
from inertialab.optim.blocks import LARGE

SHAPES = [(LARGE + 5,), (), (3, 4), (70, LARGE // 64), (7,), (2, 64, 17, 9)]
SETTINGS = [
    {},
    {"weight_decay": 0.1},
    {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True},
    {"dampening": 0.5, "eps": 0.05},
]


def steps(count=5, dtype=torch.float64, settings=None, shapes=SHAPES, layout=torch.contiguous_format, **path):
    """Positions after some steps, and the optimizer."""
    generator = torch.Generator().manual_seed(3)
    params = []
    for shape in shapes:
        kwargs = {"memory_format": layout} if len(shape) == 4 else {}
        params.append(torch.ones(shape, dtype=dtype).contiguous(**kwargs).requires_grad_())
    optimizer = Adai(params, lr=0.1, **(settings or {}), **path)
    for _ in range(count):
        for p in params:
            scale = 10 ** torch.rand(p.shape, dtype=torch.float64, generator=generator)
            g = scale * torch.randn(p.shape, dtype=torch.float64, generator=generator)
            p.grad = torch.empty_like(p).copy_(g)
        optimizer.step()
    return [p.detach() for p in params], optimizer


def close(a, b, tolerance=1e-12):
    return all(torch.allclose(x, y, rtol=tolerance, atol=tolerance) for x, y in zip(a, b, strict=True))


def graph_and_plain_steps_agree(make, shapes, replays):
    """Whether a step captured in a CUDA graph, and replayed, is the step of the plain loop.

    `make` takes parameters and the settings that are to be added.
    """
    params, twins = ([torch.ones(s, device="cuda", requires_grad=True) for s in shapes] for _ in range(2))
    captured, plain = make(params, capturable=True), make(twins, foreach=False)
    for p, t in zip(params, twins, strict=True):
        p.grad = torch.randn_like(p)
        t.grad = p.grad.clone()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        captured.step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured.step()
    for _ in range(replays):
        graph.replay()
    for _ in range(replays + 1):
        plain.step()
    return close([p.detach() for p in params], [t.detach() for t in twins], 1e-5)
