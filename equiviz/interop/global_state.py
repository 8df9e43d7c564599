"""What foreign packages do to the process when they are imported, configured, or asked for a model; and its undoing.

Measured: importing mace sets ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD``, after which every `torch.load` of the process runs
whatever code a file holds. nequip's `set_global_state` seeds all generators, makes float64 the default dtype, and
changes e3nn's optimisation, dynamo's configuration and how processes share tensors. Others seed, or set filters.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import random
import sys
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Protocol, cast

import numpy as np
import torch

Restore = Callable[[], object]


class _HasOptimisation(Protocol):
    def get_optimization_defaults(self) -> Mapping[str, object]: ...
    def set_optimization_defaults(self, **settings: object) -> None: ...


@contextmanager
def undisturbed() -> Generator[None]:
    """Put back on exit, also after an error, all that the packages in this folder are known to change.

    Environment variables, warning filters, torch's default dtype, gradient mode, thread count, sharing strategy and
    fusion strategy, e3nn's optimisation defaults, the state of all random generators of the CPU. So
    ``with undisturbed(): from mace.modules import MACE`` leaves `torch.load` as safe as it was.
    """
    with ExitStack() as stack, warnings.catch_warnings():
        for remember in (_environment, _generators, _torch_settings, _dynamo_settings, _fusion_strategy, _e3nn):
            stack.callback(remember())
        yield


@contextmanager
def default_dtype(dtype: torch.dtype) -> Generator[None]:
    """Set torch's default dtype, and put it and the environment back on exit: cheap, for each call of a model."""
    before, environment = torch.get_default_dtype(), _environment()
    try:
        torch.set_default_dtype(dtype)
        yield
    finally:
        torch.set_default_dtype(before)
        environment()


def _environment() -> Restore:
    before = dict(os.environ)

    def restore() -> None:
        if before != dict(os.environ):
            for name in set(os.environ) - set(before):
                del os.environ[name]
            os.environ.update(before)

    return restore


def _generators() -> Restore:
    drawn, numbers, rows = random.getstate(), np.random.get_state(), torch.get_rng_state()

    def restore() -> None:
        random.setstate(drawn)
        np.random.set_state(numbers)
        torch.set_rng_state(rows)

    return restore


def _torch_settings() -> Restore:
    dtype, gradients, threads = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()
    sharing = torch.multiprocessing.get_sharing_strategy()

    def restore() -> None:
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)
        torch.set_num_threads(threads)
        torch.multiprocessing.set_sharing_strategy(sharing)

    return restore


def _dynamo_settings() -> Restore:
    """Two flags of dynamo, whose module is heavy: where nobody has imported it yet, its defaults are put back."""
    names = ("capture_dynamic_output_shape_ops", "capture_scalar_outputs")
    before = {name: getattr(_dynamo(), name, False) for name in names}

    def restore() -> None:
        for name, value in before.items():
            if _dynamo() is not None:
                setattr(_dynamo(), name, value)

    return restore


def _dynamo() -> object | None:
    return sys.modules.get("torch._dynamo.config")


def _fusion_strategy() -> Restore:
    """TorchScript tells its strategy only when it gets another."""
    before = _exchanged_strategy([("DYNAMIC", 10)])
    _exchanged_strategy(before)
    return lambda: _exchanged_strategy(before)


def _exchanged_strategy(strategy: list[tuple[str, int]]) -> list[tuple[str, int]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript as a whole
        return torch.jit.set_fusion_strategy(strategy)


def _e3nn() -> Restore:
    if "e3nn" not in sys.modules and importlib.util.find_spec("e3nn") is None:
        return lambda: None
    e3nn = cast(_HasOptimisation, importlib.import_module("e3nn"))
    before = dict(e3nn.get_optimization_defaults())
    return lambda: e3nn.set_optimization_defaults(**before)
