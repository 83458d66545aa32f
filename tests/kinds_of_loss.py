"""Losses as users have them, each beside the loss that training sees."""

import torch
from kinds import CE, OTHER, SORTED, Given, X, Y, net
from torch import nn

from inertialab.verification.measure import (
    Problem,
)


def case(model, loss, data, whole, **options):
    """A problem and the loss that training sees, `whole()`."""
    return Problem(model, loss, data, **options), whole


# --- 1. what the loss takes from the model itself ---------------------------------------------------------------------


def penalty_in_the_loss():
    m = net()

    def loss(o, y):
        return CE(o, y) + 0.1 * sum(p.square().sum() for p in m.parameters())

    return case(m, loss, (X, Y), lambda: loss(m(X), Y), chunk=5)


def consistency_in_the_loss():
    m = net()

    def loss(o, y):
        return CE(o, y) + m(OTHER).square().mean()

    return case(m, loss, (X, Y), lambda: loss(m(X), Y))


class Penalised(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, outputs, targets):
        return CE(outputs, targets) + self.model[2].weight.norm()


def a_loss_module_that_holds_the_model():
    m = net()
    loss = Penalised(m)
    return case(m, loss, (X, Y), lambda: loss(m(X), Y), parameters=["2.weight"])


# --- 3. weights of the loss' own, in chunks ---------------------------------------------------------------------------


def class_weights(chunk=None, order=SORTED):
    m, loss = net(), nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2, 9], dtype=torch.float64))
    return case(m, loss, (X[order], Y[order]), lambda: loss(m(X), Y), chunk=chunk)


def a_class_without_weight():
    m, loss = net(), nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2, 0], dtype=torch.float64))
    return case(m, loss, (X[SORTED], Y[SORTED]), lambda: loss(m(X), Y), chunk=4)


def masked(outputs, given):
    each = nn.functional.cross_entropy(outputs.transpose(1, 2), given["y"], reduction="none")
    return (each * given["mask"]).sum() / given["mask"].sum()


def a_mean_over_a_mask():
    m, generator = net(), torch.Generator().manual_seed(2)
    x = torch.randn(8, 5, 4, dtype=torch.float64, generator=generator)
    mask = (torch.rand(8, 5, dtype=torch.float64, generator=generator) > 0.4).double()
    given = {"y": torch.randint(3, (8, 5), generator=generator), "mask": mask}
    return case(m, masked, (x, given), lambda: masked(m(x), given), chunk=3)


def flattened_tokens():
    model, generator = Given(lambda self, x: self.net(x).flatten(0, 1), net=net()), torch.Generator().manual_seed(2)
    x = torch.randn(8, 5, 4, dtype=torch.float64, generator=generator)
    y = torch.randint(3, (8, 5), generator=generator)
    return case(model, lambda o, y: CE(o, y.flatten()), (x, y), lambda: CE(model(x), y.flatten()), chunk=3)


def triplets():
    model = Given(lambda self, *three: tuple(map(self.net, three)), net=net())
    loss, three = nn.TripletMarginLoss(margin=50.0), (X, OTHER, -X)
    return case(model, lambda o, _: loss(*o), (three, None), lambda: loss(*model(*three)), chunk=5)


def a_loss_that_looks_at_its_values():
    m = net()
    loss = lambda o, y: CE(o, y) if float(o.detach().sum()) < 1e9 else o.sum()  # noqa: E731
    return case(m, loss, (X, Y), lambda: CE(m(X), Y), chunk=5)


def class_weights_after_a_chunk_of_one_sample():
    m, loss = net(), nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2, 9], dtype=torch.float64))
    return case(m, loss, [(X[:1], Y[:1]), (X[1:], Y[1:])], lambda: loss(m(X), Y))


def ignored(rows, chunk):
    def make():
        m, targets = net(), torch.randint(3, (8, 5), generator=torch.Generator().manual_seed(3))
        inputs = torch.randn(8, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
        targets[rows, :3] = -100
        targets[6] = -100  # no token at all
        model = Given(lambda self, x: self.net(x).transpose(1, 2), net=m)
        return case(model, nn.CrossEntropyLoss(), (inputs, targets), lambda: CE(model(inputs), targets), chunk=chunk)

    return make


LOSSES = {
    "penalty in the loss": penalty_in_the_loss,
    "consistency in the loss": consistency_in_the_loss,
    "loss module that holds the model": a_loss_module_that_holds_the_model,
    "class weights, one chunk": class_weights,
    "class weights, sorted": lambda: class_weights(4),
    "class weights, single samples": lambda: class_weights(1),
    "class weights, alike in all chunks": lambda: class_weights(3, torch.arange(12)),
    "class weights after one sample": class_weights_after_a_chunk_of_one_sample,
    "class without weights": a_class_without_weight,
    "mean over a mask, with weights": a_mean_over_a_mask,
    "flattened tokens": flattened_tokens,
    "triplets": triplets,
    "loss that looks at its values": a_loss_that_looks_at_its_values,
    "ignored tokens in later chunks": ignored([4, 5], 4),
    "ignored tokens, one chunk": ignored([0, 5], None),
    "ignored tokens, single samples": ignored([0, 5], 1),
}
"""Problems, and their loss as training would evaluate it."""
