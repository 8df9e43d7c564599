"""What `e3nn.util.test.assert_equivariant` is told, in the words of `check`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from equiviz.equivariance.errors import CheckError
from equiviz.nn.declared_function import Outputs
from equiviz.structures.declared_types import DeclaredType
from equiviz.structures.typed_tensors import Inputs
from equiviz.symmetry.representations import Representation

ROWS = 7
"""Of inputs that are drawn: a number that is no dimension of common irreps."""


@dataclass(frozen=True)
class Asked:
    """What is to be checked on what: an input, and types of functions' tensors, as `check` takes them."""

    x: Any
    inputs: Inputs | None
    outputs: Outputs | None

    def with_e3nns(self, args_in: object, irreps_in: object, irreps_out: object) -> Asked:
        """With arguments under e3nn's names.

        Raises:
            CheckError: something came under both names; an output without irreps.
        """
        pairs = {"x": (self.x, args_in), "inputs": (self.inputs, irreps_in), "outputs": (self.outputs, irreps_out)}
        for name, (ours, theirs) in pairs.items():
            if ours is not None and theirs is not None:
                raise CheckError(f"{name}= came under e3nn's name for it, too: give one of them.")
        x = self.x if args_in is None else args_in
        inputs = self.inputs if irreps_in is None else _inputs(irreps_in)
        outputs = self.outputs if irreps_out is None else _outputs(irreps_out)
        return Asked((x,) if irreps_in is not None and isinstance(x, Tensor) else x, inputs, outputs)

    def completed(self, model: object, seed: int) -> Asked:
        """With what a module of e3nn declares, where tensors are its input, and with an input, where there is none.

        Raises:
            CheckError: nothing says what the model takes; a type of which no tensor can be drawn.
        """
        of_tensors = self.x is None or isinstance(self.x, Tensor) or _lists_tensors(self.x)
        own = _declared(model) if of_tensors else (None, None)
        found = self
        if self.inputs is None and own[0] is not None:
            found = self.with_e3nns(None, own[0], None)
        if found.outputs is None and found.inputs is not None and own[1] is not None:
            found = replace(found, outputs=_outputs(own[1]))
        if found.x is not None:
            return found
        if found.inputs is None:
            raise CheckError("Expected an input x, or irreps_in (or inputs) by which one can be drawn.")
        return replace(found, x=drawn(found.inputs, seed))


def asked_group(group: str | None, do_parity: bool, do_translation: bool) -> str | None:
    """The group that is left without mirrors or without translations; as it came, None too, with both.

    Raises:
        CheckError: a group came beside e3nn's words for it.
    """
    if do_parity and do_translation:
        return group
    if group is not None:
        raise CheckError(f"group={group!r} says what do_parity= and do_translation= say: give one of them.")
    return {(False, True): "SE(3)", (True, False): "O(3)", (False, False): "SO(3)"}[do_parity, do_translation]


def _declared(model: object) -> tuple[object, object]:
    """The `irreps_in` and `irreps_out` of a module of e3nn; None where it does not say."""
    pair = [getattr(model, name, None) for name in ("irreps_in1", "irreps_in2")]
    taken = getattr(model, "irreps_in", None)
    both = all(irreps is not None for irreps in pair)
    return (pair if taken is None and both else taken), getattr(model, "irreps_out", None)


def _lists_tensors(x: object) -> bool:
    return isinstance(x, (list, tuple)) and any(isinstance(entry, Tensor) for entry in cast("list[object]", x))


def _inputs(irreps_in: object) -> Inputs:
    """One type for each argument: "cartesian_points" is a position, None a constant; a mapping stays one."""
    if isinstance(irreps_in, Mapping):
        return {str(name): _type(kind) for name, kind in cast("Mapping[object, object]", irreps_in).items()}
    return tuple(_type(kind) for kind in _listed(irreps_in))


def _outputs(irreps_out: object) -> Outputs:
    """The type of the one output, or of several."""
    if isinstance(irreps_out, Mapping):
        return {str(name): _type(kind) for name, kind in cast("Mapping[object, object]", irreps_out).items()}
    types = tuple(_type(kind) for kind in _listed(irreps_out))
    if "constant" in types:
        raise CheckError("Expected irreps for each output, got None; say '4x0e' of four numbers that nothing turns.")
    return types[0] if len(types) == 1 else types


def drawn(inputs: Inputs, seed: int) -> Any:
    """Random normal tensors ``[ROWS, dim]`` of these types, in torch's default dtype.

    Raises:
        CheckError: a type of which no tensor can be drawn.
    """
    generator = torch.Generator().manual_seed(seed)

    def one(name: str, kind: object) -> Tensor:
        told = DeclaredType.parse(name, kind)
        if not isinstance(told.carried, Representation):
            raise CheckError(f"Inputs can be drawn of irreps and positions only, not of {kind!r}: give the arguments.")
        return torch.randn(1 if told.support == "graph" else ROWS, told.carried.dim, generator=generator)

    if isinstance(inputs, (str, Representation)):
        return one("x", inputs)
    if isinstance(inputs, Mapping):
        return {name: one(name, kind) for name, kind in inputs.items()}
    return tuple(one(str(place), kind) for place, kind in enumerate(inputs))


def _listed(irreps: object) -> list[object]:
    """A list holds one entry for each argument, as in e3nn; anything else, a tuple too, is one."""
    return list(cast("list[object]", irreps)) if isinstance(irreps, list) else [irreps]


def _type(kind: object) -> str | Representation:
    """e3nn's `Irreps` write themselves as its strings."""
    if kind is None:
        return "constant"
    if isinstance(kind, Representation):
        return kind
    return "position" if kind == "cartesian_points" else str(kind)
