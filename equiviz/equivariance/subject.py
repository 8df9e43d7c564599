"""What a check is made of: a model and its input, however they came."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from equiviz.equivariance.double_twin import in_double
from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.transformed_input import floating_type
from equiviz.features.inferred_model import inferred
from equiviz.features.model_input import ModelInput, accepted, accepted_by
from equiviz.nn.declared_function import Outputs, Per, declared
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.declared_types import TYPES
from equiviz.structures.graph import Graph
from equiviz.structures.typed_tensors import Inputs, TypedTensors


def as_subject(
    model: nn.Module | Callable[..., object],
    x: ModelInput | Tensor | Sequence[object] | Mapping[str, object],
    inputs: Inputs | None,
    outputs: Outputs | None,
    per: Per | None,
    seed: int = 0,
) -> tuple[nn.Module, ModelInput]:
    """A module with typed stages, and an input that transforms.

    A function of tensors becomes a `DeclaredFunction` of `TypedTensors`; where no part of a model declares a type, the
    types are inferred (`equiviz.inferred`), by orientations that `seed` draws.

    Raises:
        CheckError: a function, or tensors, whose types are not declared; the message shows how to.
        ModelError, StructureError: declarations that do not fit.
    """
    subject, taken = _declared(model, x, inputs, outputs, per)
    taken = _as_fine_as(subject, taken)
    return inferred(subject, taken, seed), taken


def _as_fine_as(model: nn.Module, x: ModelInput) -> ModelInput:
    """The input in float64 where the model is: turned in less, it would round where the model does not."""
    types = {parameter.dtype for parameter in model.parameters()}
    coarse = floating_type(x) not in (torch.float64, None)
    return in_double(x) if types == {torch.float64} and coarse and not isinstance(x, Graph) else x


def _declared(
    model: nn.Module | Callable[..., object],
    x: ModelInput | Tensor | Sequence[object] | Mapping[str, object],
    inputs: Inputs | None,
    outputs: Outputs | None,
    per: Per | None,
) -> tuple[nn.Module, ModelInput]:
    if inputs is not None:
        if not isinstance(x, (Tensor, Mapping, tuple, list)):
            raise CheckError(
                f"With inputs=, x should be a tensor, a tuple of tensors or a dict of tensors, got {type(x).__name__}."
            )
        tensors = cast("Tensor | Sequence[object] | Mapping[str, object]", x)
        return declared(model, outputs, per), TypedTensors.make(tensors, inputs)
    if isinstance(model, EquivariantModel):
        return model, accepted_by(model, x)
    if isinstance(x, TypedTensors):
        return declared(model, outputs, per), x
    if isinstance(x, Tensor) or (isinstance(x, Mapping) and not isinstance(x, TypedTensors)):
        raise CheckError(_how_to_declare(x))
    if not isinstance(model, nn.Module):
        raise CheckError(
            f"Expected a torch.nn.Module with typed stages for a {type(x).__name__}, got {type(model).__name__}. "
            "Functions are checked on tensors: check(f, {'positions': p}, inputs={'positions': 'position'}, "
            "outputs='1o')."
        )
    return model, accepted(x)


def _how_to_declare(x: Tensor | Mapping[str, object]) -> str:
    if isinstance(x, Tensor):
        return (
            f"A tensor of shape {list(x.shape)} came without its type. Say what its last axis carries, and what comes "
            "out: check(f, x, inputs='8x0e+4x1o', outputs='1x0e+1o')."
        )
    types = ", ".join(f"{str(name)!r}: '...'" for name in x)
    return (
        f"Tensors came without their types. Say what each carries, and what comes out: check(f, x, inputs={{{types}}}, "
        f"outputs='1o'); types are {TYPES}."
    )
