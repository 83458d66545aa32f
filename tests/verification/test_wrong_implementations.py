"""Rows of the board, judged on small studies, notice every wrong implementation; so do the tests of errors."""

import numpy as np
import pytest
import torch
from mapped import Mapped
from slips import WRONG, contradicted, scattered

from inertialab.optim import OPTIMIZERS
from inertialab.theory.dynamics import MAPS


@pytest.mark.parametrize("wrong", WRONG, ids=lambda w: w.name)
def test_a_wrong_implementation_is_noticed(wrong, monkeypatch):
    wrong.make(monkeypatch)
    if wrong.notices == "scatter":
        assert scattered() == "refuted"
    else:
        assert contradicted(wrong.notices)


def test_forty_two_slips_are_tried():
    assert len(WRONG) >= 42
    assert len({w.name for w in WRONG}) == len(WRONG)


@pytest.mark.parametrize("name", ["sgd", "momentum-ema", "momentum-torch", "adam", "adai"])
def test_the_rules_that_are_changed_are_otherwise_those_of_the_optimizers(name):
    """Without a slip a mapped optimizer goes where the optimizer goes."""
    given = {"eta": 0.1, "beta": 0.9, "beta0": 0.1, "beta2": 0.9, "delta": 0.01, "eps": 0.001}
    settings = {s: given[s] for s in ("eta", *OPTIMIZERS[name].settings)}
    one, other = torch.zeros(5, dtype=torch.float64), torch.zeros(5, dtype=torch.float64)
    pair = (OPTIMIZERS[name].make([one], **settings), Mapped(MAPS[name], [other], **settings))
    for gradient in np.random.default_rng(0).standard_normal((20, 5)) * np.arange(1, 6):
        for p, optimizer in zip((one, other), pair, strict=True):
            p.grad = torch.as_tensor(gradient)
            optimizer.step()
    assert torch.allclose(one, other, rtol=1e-12, atol=0)
