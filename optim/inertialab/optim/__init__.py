"""Optimizers under their field names, each with its convention spelled out."""

from inertialab.optim.adai import Adai, AdaiW
from inertialab.optim.adashift import AdaShift
from inertialab.optim.cprop import CProp
from inertialab.optim.momentum import heavy_ball, momentum_ema, momentum_torch, set_momentum_buffer, sgd
from inertialab.optim.radam import RAdam
from inertialab.optim.table import OPTIMIZERS, OptimizerRow

__all__ = [
    "OPTIMIZERS",
    "AdaShift",
    "Adai",
    "AdaiW",
    "CProp",
    "OptimizerRow",
    "RAdam",
    "heavy_ball",
    "momentum_ema",
    "momentum_torch",
    "set_momentum_buffer",
    "sgd",
]
