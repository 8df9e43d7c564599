"""The same weights in float64: what is left of an error there is no rounding."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from equiviz.features.inferred_model import InferredModel
from equiviz.features.model_input import ModelInput
from equiviz.nn.declared_function import DeclaredFunction
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors

Rebuild = Callable[[], nn.Module]


@dataclass(frozen=True, eq=False)
class DoubleTwin:
    """A float64 copy of a model.

    Attributes:
        model: the copy, or None where none could be made.
        rebuilt: whether it was built anew under float64; a model that is only cast keeps constants that were rounded to
            float32 when it was built, and with them errors of some 1e-8.
        why: what came in the way, for readers.
    """

    model: nn.Module | None
    rebuilt: bool
    why: str = ""


def cast_twin(model: nn.Module) -> DoubleTwin:
    """A deep copy, cast: whatever the model does, it does too."""
    try:
        return DoubleTwin(_making_double(copy.deepcopy(model).double()), rebuilt=False)
    except Exception as problem:
        return DoubleTwin(None, rebuilt=False, why=f"it cannot be copied ({type(problem).__name__}: {problem})")


def rebuilt_twin(model: nn.Module, rebuild: Rebuild | None = None) -> DoubleTwin:
    """A new one, built under float64 with the same weights.

    Args:
        model: where no `rebuild` is given, one that knows how to make another of itself (`EquivariantModel.fresh`).
        rebuild: makes a model of the same shape; called with float64 as torch's default dtype.
    """
    make = rebuild or (model.fresh if isinstance(model, EquivariantModel) else None)
    if make is None or (isinstance(model, DeclaredFunction) and rebuild is None):
        return DoubleTwin(None, rebuilt=True, why="how to build another one is not known; pass rebuild=")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.random.fork_rng(devices=[]):
            return DoubleTwin(_making_double(_with_weights(make(), model)), rebuilt=True)
    except Exception as problem:
        return DoubleTwin(None, rebuilt=True, why=f"building another one failed ({type(problem).__name__}: {problem})")
    finally:
        torch.set_default_dtype(before)


def _with_weights(made: nn.Module, model: nn.Module) -> nn.Module:
    own = {name for name, _ in model.named_parameters()}
    if isinstance(model, (DeclaredFunction, InferredModel)) and not isinstance(made, type(model)):
        made = model.of(made)
    twin = made.double()
    # Constants such as Clebsch-Gordan coefficients stay as they were built; other buffers were learned or measured.
    built = dict(twin.named_buffers())
    state = model.state_dict()
    known = {name: value for name, value in state.items() if name in own or not _is_constant(value, built.get(name))}
    missing = own - set(dict(twin.named_parameters()))
    if missing:
        raise ValueError(f"the new one lacks {', '.join(sorted(missing)[:3])}")
    twin.load_state_dict(known, strict=False)
    for old, new in zip(model.modules(), twin.modules(), strict=True):
        if type(old).__qualname__ != type(new).__qualname__:  # compiled parts have a class each
            raise ValueError(f"the new one has a {type(new).__name__} where the model has a {type(old).__name__}")
        new.training = old.training
    return twin


def _making_double(twin: nn.Module) -> nn.Module:
    """The copy, whose forward makes new tensors in float64 where it says nothing: what is made in torch's default type,
    zeros to add up in, say, would not go with its weights."""
    before: list[torch.dtype] = []

    def enter(*_: object) -> None:
        before.append(torch.get_default_dtype())
        torch.set_default_dtype(torch.float64)

    def leave(*_: object) -> None:
        torch.set_default_dtype(before.pop())

    twin.register_forward_pre_hook(enter, prepend=True)
    twin.register_forward_hook(leave, always_call=True)  # also where the forward raises
    return twin


def _is_constant(old: Tensor, new: Tensor | None) -> bool:
    """Whether a buffer is what was built anew, to the rounding of float32."""
    if new is None or old.shape != new.shape or not old.is_floating_point():
        return False
    return torch.allclose(old.to(new), new, rtol=1e-6, atol=1e-7)


def in_double(x: ModelInput) -> ModelInput:
    """The input in float64."""
    if isinstance(x, (Structure, Graph, TypedTensors)):
        return x.to(torch.float64)
    listed: Sequence[Structure] = x
    return [structure.to(torch.float64) for structure in listed]
