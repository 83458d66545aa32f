"""Optimizers under their field names, each with its convention spelled out."""

from inertialab.optim.adai import Adai, AdaiV2, AdaiW
from inertialab.optim.adashift import AdaShift
from inertialab.optim.cprop import CProp
from inertialab.optim.create import create
from inertialab.optim.momentum import heavy_ball, momentum_ema, momentum_torch, set_momentum_buffer, sgd
from inertialab.optim.radam import RAdam
from inertialab.optim.table import OPTIMIZERS, OptimizerRow

__all__ = [
    "OPTIMIZERS",
    "AdaShift",
    "Adai",
    "AdaiV2",
    "AdaiW",
    "CProp",
    "OptimizerRow",
    "RAdam",
    "create",
    "heavy_ball",
    "momentum_ema",
    "momentum_torch",
    "set_momentum_buffer",
    "sgd",
]
