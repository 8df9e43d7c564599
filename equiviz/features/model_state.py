"""Looking without touching: whatever a forward pass changes in a model or in torch is put back."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def untouched(model: nn.Module) -> Generator[None]:
    """Restore on exit, also after an error: mode and buffers of every module, `requires_grad` and `.grad` of every
    parameter, torch's default dtype and gradient mode.

    Buffers (batch statistics in training mode) are copied; they are small beside the activations.
    """
    modes = {module: module.training for module in model.modules()}
    buffers = {buffer: buffer.detach().clone() for buffer in model.buffers()}
    parameters = {parameter: (parameter.requires_grad, parameter.grad) for parameter in model.parameters()}
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)
        for module, training in modes.items():
            module.training = training
        for parameter, (wanted, gradient) in parameters.items():
            parameter.requires_grad_(wanted)
            parameter.grad = gradient
        for buffer, before in buffers.items():
            _put_back(buffer, before)


@contextmanager
def kept_chance(model: nn.Module) -> Generator[None]:
    """Restore the global random states of Python, numpy and torch on exit, on the devices of the model too."""
    devices = list({parameter.device for parameter in model.parameters() if parameter.is_cuda})
    states = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def _put_back(buffer: torch.Tensor, before: torch.Tensor) -> None:
    # Only where it changed: writing into an unchanged buffer would invalidate graphs that a caller wants to keep.
    if not torch.equal(buffer, before):
        with torch.no_grad():
            buffer.copy_(before)
