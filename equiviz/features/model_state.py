"""Looking without touching: whatever a forward pass changes in a model or in torch is put back."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from equiviz.nn.declared_function import held_modules


@contextmanager
def untouched(model: nn.Module) -> Generator[None]:
    """Restore on exit, also after an error: mode and buffers of every module, `requires_grad` and `.grad` of every
    parameter, torch's default dtype and gradient mode.

    Buffers (batch statistics in training mode) are copied; they are small beside the activations. One that was assigned
    anew is the old tensor again; one that was None, or that was not there, stays as it was made. Gradients are out of
    sight meanwhile, so that a backward pass inside a forward adds nothing to them. Parameters are as `as_found` keeps
    them, once for many runs.
    """
    modes = {module: module.training for module in model.modules()}
    buffers = [place for module in model.modules() for place in _places(module, "_buffers")]
    parameters = {parameter: (parameter.requires_grad, parameter.grad) for parameter in model.parameters()}
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    try:
        for parameter, (_, gradient) in parameters.items():
            if gradient is not None:
                parameter.grad = None
        yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)
        for module, training in modes.items():
            module.training = training
        for parameter, (wanted, gradient) in parameters.items():
            parameter.requires_grad_(wanted)
            parameter.grad = gradient
        for place in buffers:
            place.put_back()


@contextmanager
def as_found(model: object) -> Generator[None]:
    """Restore on exit what many runs of a model may change: chance, as `kept_chance`, and the weights.

    Weights are copied once, and written to only where they changed. Between runs they stay as a forward leaves them,
    for a model that changes its own weights is no function of its input, and a check should see that.

    Args:
        model: a module; or a function, of which the modules count that it holds (`held_modules`).
    """
    root = model if isinstance(model, nn.Module) else held_modules(model)
    weights = [place for module in root.modules() for place in _places(module, "_parameters")]
    with kept_chance():
        try:
            yield
        finally:
            for place in weights:
                place.put_back()


@contextmanager
def kept_chance() -> Generator[None]:
    """Restore the global random states of Python, numpy and torch on exit, those of all CUDA devices included.

    Where CUDA has not started yet, it will start from the seed that it would have started from.
    """
    states = random.getstate(), np.random.get_state()
    started = torch.cuda.is_initialized()
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if started else []):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        if not started and torch.cuda.is_available():
            torch.cuda.manual_seed_all(torch.initial_seed())


class _Place(NamedTuple):
    """One tensor of a module, under its name, and what it held; `tensors` is None where nothing can be assigned."""

    tensors: dict[str, Tensor | None] | None
    name: str
    tensor: Tensor
    storage: Tensor
    before: Tensor

    def put_back(self) -> None:
        """The same object under the same name, with the same storage and values."""
        if self.tensors is not None and self.tensors.get(self.name) is not self.tensor:
            self.tensors[self.name] = self.tensor
        if self.tensor.layout == torch.strided and self.tensor.data_ptr() != self.storage.data_ptr():
            self.tensor.data = self.storage
        # Only where it changed: writing into an unchanged tensor would invalidate graphs that a caller wants to keep.
        if not torch.equal(self.tensor, self.before):
            with torch.no_grad():
                self.tensor.copy_(self.before)


def _places(module: nn.Module, kind: Literal["_buffers", "_parameters"]) -> list[_Place]:
    """What a module itself holds; lazy tensors have no values yet, and stay as a forward makes them."""
    tensors: dict[str, Tensor | None] = getattr(module, kind)
    # TorchScript hands out another object at each access, and lets nothing be assigned.
    assigned = None if isinstance(module, torch.jit.ScriptModule) else tensors
    return [
        _Place(assigned, name, tensor, tensor.detach(), tensor.detach().clone())
        for name, tensor in tensors.items()
        if tensor is not None and not is_lazy(tensor)
    ]
