"""Models and data as users have them, each beside the loss that training sees."""

from dataclasses import dataclass

import torch
from kinds import CE, MSE, Given, X, Y, embed, net, seeded
from kinds_of_loss import case
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset, TensorDataset

from inertialab.verification.measure import (
    Problem,
)

# --- 5. checkpoints ---------------------------------------------------------------------------------------------------


def checkpointed(reentrant):
    def make():
        body = seeded(lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh()))
        head = seeded(lambda: nn.Linear(5, 3))
        held = Given(lambda self, x: self.other(checkpoint(self.net, x, use_reentrant=reentrant)), net=body, other=head)
        plain = Given(lambda self, x: self.other(self.net(x)), net=body, other=head)
        at = torch.linspace(-1, 1, 43, dtype=torch.float64)
        problem = Problem(held, CE, (X, Y), at=at)
        nn.utils.vector_to_parameters(at, plain.parameters())
        return problem, lambda: CE(plain(X), Y)

    return make


# --- 8. models that differentiate inside ------------------------------------------------------------------------------


def physics():
    m = seeded(lambda: nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 1)))

    def residual(self, x):
        x = x.requires_grad_()
        u = self.net(x)
        (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        return torch.autograd.grad(slope.sum(), x, create_graph=True)[0] + u

    model, x = Given(residual, net=m), torch.linspace(0, 1, 10, dtype=torch.float64)[:, None]
    return case(model, MSE, (x, x.sin()), lambda: MSE(model(x.clone()), x.sin()), chunk=4)


# --- 11. inputs as users have them ------------------------------------------------------------------------------------


class Batches(Dataset):
    """Samples of a given form."""

    def __init__(self, form):
        self.form = form

    def __len__(self):
        return 12

    def __getitem__(self, i):
        return self.form(X[i], Y[i])


def inputs(data, forward=lambda self, x: self.net(x), loss=CE, whole=None, **options):
    def make():
        m = net()
        model = Given(forward, net=m)
        return case(model, loss, data, (whole and (lambda: whole(m))) or (lambda: CE(m(X), Y)), **options)

    return make


def squeezed():
    model = Given(lambda self, x: self.net(x).squeeze(), net=seeded(lambda: nn.Linear(4, 1)))
    y = X[:, 0].clone()
    return case(model, MSE, (X, y), lambda: MSE(model(X), y), chunk=11)


def sparse_buffer():
    model = Given(lambda self, x: self.net(torch.sparse.mm(self.graph, x.T).T), net=net())
    model.register_buffer("graph", torch.eye(4, dtype=torch.float64).to_sparse())
    return case(model, CE, (X, Y), lambda: CE(model(X), Y))


IDS = Y.flip(0)


def table(frozen=False, **options):
    def make():
        embedding = seeded(lambda: nn.Embedding(3, 4, **options))
        model = Given(lambda self, i: self.net(self.table(i).tanh()), table=embedding, net=net())
        plain = Given(lambda self, i: self.net(embed(i, self.table.weight).tanh()), table=embedding, net=model.net)
        if frozen:
            embedding.weight.requires_grad_(False)
            embed(IDS, embedding.weight, max_norm=options["max_norm"])  # as the model will
        return case(model, CE, (IDS, Y), lambda: CE(plain(IDS), Y))

    return make


def tied():
    embedding, head = seeded(lambda: nn.Embedding(3, 4)), nn.Linear(4, 3, bias=False)
    head.weight = embedding.weight
    model = Given(lambda self, i: self.head(self.table(i).tanh()), table=embedding, head=head)
    return case(model, CE, (IDS, Y), lambda: CE(model(IDS), Y), parameters=["head.weight"])


@dataclass
class Answer:
    logits: torch.Tensor
    note: str = "of a class of its own"


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = net()

    def forward(self, batch):
        return self.net(batch["x"])


def reader():
    m = Reader()
    return case(m, CE, ({"x": X}, Y), lambda: CE(m.net(X), Y))


def compiled():
    m = net()
    return case(torch.compile(m), CE, (X, Y), lambda: CE(m(X), Y))


def least_squares(w, x, y):
    return 0.5 * (x @ w["w"].tanh() - y).square().mean() + w["scale"].square()


def function():
    values = {
        "w": torch.tensor([0.5, -1.0, 2.0, 0.1], dtype=torch.float64),
        "scale": torch.ones((), dtype=torch.float64),
    }
    problem = Problem.of_function(least_squares, values, (X, X[:, 0]), chunk=5)
    return problem, lambda: least_squares(dict(problem.model.named_parameters()), X, X[:, 0])


INPUTS = {
    "checkpoint": checkpointed(False),
    "reentrant checkpoint": checkpointed(True),
    "derivatives inside the model": physics,
    "loader": inputs(DataLoader(TensorDataset(X, Y), batch_size=5)),
    "data set": inputs(TensorDataset(X, Y), chunk=5),
    "batch as a list": inputs([X, Y]),
    "loader of several inputs": inputs(
        DataLoader(Batches(lambda x, y: ((x, 2 * x), y)), batch_size=5), lambda self, a, b: self.net(b - a)
    ),
    "mappings to model and loss": inputs(
        DataLoader(Batches(lambda x, y: {"x": x, "labels": y}), batch_size=5),
        lambda self, x, labels: {"loss": CE(self.net(x), labels), "logits": self.net(x)},
        lambda o, batch: CE(o["logits"], batch["labels"]),
    ),
    "loss inside the model": inputs(
        {"x": X, "labels": Y},
        lambda self, x, labels: {"loss": CE(self.net(x), labels)},
        lambda o, _: o["loss"],
        chunk=5,
    ),
    "mapping as the one input": reader,
    "mapping as keywords": inputs(({"x": X, "mask": None}, Y), lambda self, x, mask: self.net(x)),
    "mapping of targets": inputs((X, {"y": Y}), loss=lambda o, t: CE(o, t["y"])),
    "tuple of targets": inputs((X, (Y, Y)), loss=lambda o, t: 0.5 * CE(o, t[0]) + 0.5 * CE(o, t[1])),
    "no targets": inputs((X, None), loss=lambda o, _: o.square().mean(), whole=lambda m: m(X).square().mean(), chunk=5),
    "input that is not given": inputs(((X, None), Y), lambda self, x, mask: self.net(x)),
    "outputs by name": inputs((X, Y), lambda self, x: {"logits": self.net(x)}, lambda o, y: CE(o["logits"], y)),
    "outputs of a class of their own": inputs(
        (X, Y), lambda self, x: Answer(self.net(x)), lambda o, y: CE(o.logits, y), chunk=5
    ),
    "several outputs": inputs(
        (X, Y),
        lambda self, x: (self.net(x), self.net(x).tanh()),
        lambda o, y: CE(o[0], y) + o[1].square().mean(),
        lambda m: CE(m(X), Y) + m(X).tanh().square().mean(),
        chunk=5,
    ),
    "squeezed outputs": squeezed,
    "sparse buffer": sparse_buffer,
    "sparse gradient": table(sparse=True),
    "frozen table that is renormalised": table(frozen=True, max_norm=0.5),
    "table within its norm": table(max_norm=9.0),
    "tied parameter by its second name": tied,
    "compiled model": compiled,
    "function": function,
}
"""Problems, and their loss as training would evaluate it."""
