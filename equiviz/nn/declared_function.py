"""DeclaredFunction: any function or module on tensors, as a model, once its outputs are declared."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

from torch import Tensor, nn

from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.errors import ModelError
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import ONLY, TypedTensors
from equiviz.symmetry.field import Field, Support
from equiviz.symmetry.representations import Representation, representation

Outputs: TypeAlias = "str | Representation | Mapping[str, str | Representation]"
Per: TypeAlias = Literal["node", "edge", "graph"]
SINGLE = "output"
"""The name of the output of a function that returns one tensor."""


class DeclaredFunction(EquivariantModel):
    """A function of typed tensors as a model: `forward` calls it with plain tensors, and types what it returns.

    Args:
        function: takes one tensor; or the dict of tensors; or, where its parameters bear the names of the inputs,
            each by its name. A module is registered, so that its typed submodules are recorded as stages.
        outputs: the type of the one tensor it returns, or of each entry of the dict it returns.
        per: what the rows of outputs are; None infers it from their number.

    Raises:
        ModelError: `function` cannot be called.
    """

    family = ""

    def __init__(self, function: Callable[..., object], outputs: Outputs, per: Per | None = None) -> None:
        super().__init__(None)
        if not callable(function):
            raise ModelError(f"Expected a function or a torch.nn.Module, got {type(function).__name__}.")
        self.function = function
        claimed = getattr(function, "group", None)  # many modules have one that means something else
        self.group = claimed if isinstance(claimed, str) and "(3)" in claimed else "E(3)"  # type: ignore[misc]
        self.outputs = outputs
        self.per: Per | None = per
        self.training = isinstance(function, nn.Module) and function.training

    def of(self, function: Callable[..., object]) -> DeclaredFunction:
        """Another function with the same declarations."""
        return DeclaredFunction(function, self.outputs, self.per)

    @property
    def observed(self) -> nn.Module:
        """The module whose parts are stages: the user's own, or this one, which has none."""
        return self.function if isinstance(self.function, nn.Module) else self

    @property
    def title(self) -> str:
        """What reports call it."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """Functions take typed tensors, not structures. Raises ModelError."""
        raise ModelError(f"{self.title} was declared as a function of tensors; give it tensors, not {structures!r}.")

    def fresh(self) -> EquivariantModel:
        """Not known of a function. Raises ModelError."""
        raise ModelError(f"How to build another {self.title} is not known.")

    def forward(self, x: TypedTensors) -> dict[str, Field]:  # type: ignore[override]
        """Call the function, and type what it returns.

        Raises:
            ModelError: another output than declared.
        """
        found = self._called(x.tensors())
        if not isinstance(self.outputs, Mapping):
            return {SINGLE: self._typed(SINGLE, found, self.outputs, x)}
        if not isinstance(found, Mapping) or not set(self.outputs) <= set(found):
            got = f"{', '.join(map(str, found))}" if isinstance(found, Mapping) else type(found).__name__
            raise ModelError(f"{self.title}: expected a dict with {', '.join(self.outputs)}, got {got}.")
        return {name: self._typed(name, found[name], kind, x) for name, kind in self.outputs.items()}

    def _called(self, tensors: Mapping[str, object]) -> object:
        if set(tensors) == {ONLY} and not self._takes_names(tensors):
            return self.function(tensors[ONLY])
        return self.function(**tensors) if self._takes_names(tensors) else self.function(dict(tensors))

    def _takes_names(self, tensors: Mapping[str, object]) -> bool:
        called = self.function.forward if isinstance(self.function, nn.Module) else self.function
        try:
            parameters = inspect.signature(called).parameters
        except (TypeError, ValueError):
            return False
        return set(tensors) <= {
            name for name, p in parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        }

    def _typed(self, name: str, value: object, kind: str | Representation, x: TypedTensors) -> Field:
        carried = representation(kind)
        if not isinstance(value, Tensor) or not (value.is_floating_point() or value.is_complex()):
            raise ModelError(
                f"{self.title}: expected a floating-point tensor for {name!r}, got {type(value).__name__}."
            )
        support: Support = self.per or _support(value, carried, x)
        rows = {"node": x.count, "graph": 1}.get(support)
        width = carried.dim * (rows if rows is not None else max(1, len(value) if value.ndim else 1))
        if value.numel() != width:
            raise ModelError(
                f"{self.title}: {name!r} is declared as {carried} per {support}, {width} numbers in all, but came with "
                f"shape {list(value.shape)}. Declare what it is, or pass per='node' or per='graph'."
            )
        return Field(value.reshape(-1, carried.dim) if carried.dim else value, carried, support)


def _support(value: Tensor, carried: Representation, x: TypedTensors) -> Support:
    """Rows of nodes, of edges, or one row for all."""
    if value.ndim and value.shape[0] == x.count and value.numel() == x.count * carried.dim:
        return "node"
    if value.numel() == carried.dim:
        return "graph"
    if value.ndim and x.edges is not None and value.shape[0] == x.edges:
        return "edge"
    return "node"


def declared(function: Callable[..., object], outputs: Outputs | None, per: Per | None = None) -> DeclaredFunction:
    """As the class; refuses a missing declaration.

    Raises:
        ModelError: no outputs are declared.
    """
    if outputs is None:
        raise ModelError(
            "Expected the type of the outputs beside that of the inputs, for example "
            "inputs='8x0e+4x1o', outputs='1x0e+1o'."
        )
    return DeclaredFunction(function, outputs, per)
