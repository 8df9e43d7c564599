"""Temperature: one number that makes stated probabilities mean what they say.

Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", arXiv 1706.04599: preferences are divided by
the temperature that gives the smallest cross entropy on data that were not trained on. What is preferred stays the
same.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

RANGE = (0.1, 10.0)


def temperature(preferences: Tensor, classes: Tensor) -> float:
    """The best one for preferences ``[S, K]`` of known classes ``[S]``, to 1e-4; within 0.1 and 10."""
    from scipy.optimize import minimize_scalar

    known = preferences.detach().double()

    def loss(log: float) -> float:
        return float(cross_entropy(known / math.exp(log), classes))

    ends = (math.log(RANGE[0]), math.log(RANGE[1]))
    found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-4})
    return math.exp(float(found.x))


@torch.no_grad()
def divide_outputs(layer: torch.nn.Linear, by: float) -> None:
    """Make a last linear layer give its outputs divided by a number."""
    for parameter in (layer.weight, layer.bias):
        parameter.div_(by)
