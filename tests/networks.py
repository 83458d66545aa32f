"""Small networks of every kind that must be measured rightly."""

import torch
from torch import nn
from torch.func import functional_call

from inertialab.verification.measure import Problem


class Recurrent(nn.Module):
    """An LSTM that classifies a sequence."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 3, batch_first=True)
        self.head = nn.Linear(3, 3)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


class Attention(nn.Module):
    """Two tokens that attend to each other by the fused kernel where it is allowed."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(4, 12)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        q, k, v = self.mix(x)[:, None].chunk(3, dim=-1)
        return self.head(nn.functional.scaled_dot_product_attention(q, k, v)[:, 0].mean(1))


class Idle(nn.Module):
    """Has a layer that the loss does not use, and one that it uses linearly."""

    def __init__(self):
        super().__init__()
        self.used, self.unused = nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x):
        return self.used(x)


class Counter(nn.Module):
    """Writes into a buffer at every call."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    def forward(self, x):
        self.calls += 1
        return self.layer(x).tanh()


def _data(shape, classes=3, n=13):
    generator = torch.Generator().manual_seed(1)
    X = torch.randn(n, *shape, dtype=torch.float64, generator=generator)
    return X, torch.randint(classes, (n,), generator=generator)


def _seeded(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return make().double()


def _normalised():
    net = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3))
    net(torch.randn(20, 4))  # running statistics that are not the initial ones
    return net.eval()


def _mlp():
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))


def _convnet():
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Flatten(), nn.Linear(12, 3))


def _make(net, shape, **options):
    return lambda **more: Problem(_seeded(net), nn.functional.cross_entropy, _data(shape), **{**options, **more})


PROBLEMS = {
    "mlp": _make(_mlp, (4,)),
    "unequal chunks": _make(_mlp, (4,), chunk=5),
    "penalty": _make(_mlp, (4,), l2=0.3, chunk=4),
    "subset": _make(_mlp, (4,), parameters=["2.weight", "0.bias"]),
    "loss module": lambda **more: Problem(
        _seeded(_mlp), nn.MSELoss(), (_data((4,))[0], _data((3,))[0]), chunk=6, **more
    ),
    "convnet": _make(_convnet, (1, 4, 4), chunk=7),
    "batch norm in eval": _make(_normalised, (4,), chunk=5),
    "lstm": _make(Recurrent, (4, 3), chunk=8),
    "attention": _make(Attention, (2, 4), chunk=8),
    "unused parameters": _make(Idle, (3,)),
    "buffer that counts": _make(Counter, (3,), chunk=4),
}


def dense_loss(problem):
    """The same loss in plain PyTorch, all samples at once, as a function of the flat parameters."""
    X = torch.cat([x for x, _ in problem.chunks])
    y = torch.cat([t for _, t in problem.chunks])
    others = {n: p.detach() for n, p in problem.model.named_parameters()}

    def losses(flat):
        outputs = functional_call(
            problem.model, others | dict(zip(problem.names, problem.parts(flat), strict=True)), (X,)
        )
        if isinstance(problem.loss, nn.MSELoss):
            return (outputs - y).square().mean(1)
        return nn.functional.cross_entropy(outputs, y, reduction="none")

    return losses


def dense_hessian(problem):
    """Second derivatives by a double loop of `torch.autograd`."""
    losses = dense_loss(problem)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        H = torch.autograd.functional.hessian(lambda flat: losses(flat).mean(), problem.start)
    return H + problem.l2 * torch.eye(problem.size, dtype=torch.float64)


def dense_gradients(problem):
    """Per-sample gradients, one after the other, shape (N, P)."""
    losses = dense_loss(problem)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        return torch.autograd.functional.jacobian(losses, problem.start)


def training_gradient(whole, parameters):
    """Gradient of `whole()` in parameters of a model as its training would have it, shape (P,)."""
    found = torch.autograd.grad(whole(), parameters, allow_unused=True)
    parts = [torch.zeros_like(p) if g is None else g.to_dense() for g, p in zip(found, parameters, strict=True)]
    return torch.cat([part.reshape(-1) for part in parts]).detach()


def difference_hessian(whole, parameters, step=1e-6):
    """Central differences of that gradient, which know nothing of second derivatives."""
    columns = []
    for p in parameters:
        for place in range(p.numel()):
            sides = []
            for shift in (step, -2 * step):
                with torch.no_grad():
                    p.view(-1)[place] += shift
                sides.append(training_gradient(whole, parameters))
            with torch.no_grad():
                p.view(-1)[place] += step
            columns.append((sides[0] - sides[1]) / (2 * step))
    return torch.stack(columns, dim=1)
