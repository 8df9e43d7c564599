"""DeclaredFunction: any function or module on tensors, as a model, once its outputs are declared."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

from torch import Tensor, nn

from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.errors import ModelError
from equiviz.structures.declared_types import DeclaredType
from equiviz.structures.errors import StructureError
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import ONLY, TypedTensors
from equiviz.symmetry.field import Field, Support
from equiviz.symmetry.representations import Representation

Outputs: TypeAlias = "str | Representation | Sequence[str | Representation] | Mapping[str, str | Representation]"
Per: TypeAlias = Literal["node", "edge", "graph"]
SINGLE = "output"
"""The name of the output of a function that returns one tensor."""


class DeclaredFunction(EquivariantModel):
    """A function of typed tensors as a model: `forward` calls it with plain tensors, and types what it returns.

    Args:
        function: takes one tensor; several, in their order; the dict of tensors; or, where its parameters bear the
            names of the inputs, each by its name. A module is registered, so that its typed submodules are recorded as
            stages; so are modules that a function closes over, whose state is put back after a run.
        outputs: the type of the one tensor it returns, or of each entry of the tuple or dict it returns; "1o per edge"
            says what the rows are.
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
        self.held = _held_modules(function)
        self.outputs = outputs
        self.per: Per | None = per
        self.training = any(m.training for m in (function, *self.held.children()) if isinstance(m, nn.Module))

    def of(self, function: Callable[..., object]) -> DeclaredFunction:
        """Another function with the same declarations."""
        return DeclaredFunction(function, self.outputs, self.per)

    @property
    def observed(self) -> nn.Module:
        """The module whose parts are stages: the user's own, or those that the function closes over."""
        return self.function if isinstance(self.function, nn.Module) else self.held

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
        found = self._called(x)
        if isinstance(self.outputs, (str, Representation)):
            return {SINGLE: self._typed(SINGLE, found, self.outputs, x)}
        types, returned = _entries(self.outputs), _entries(found)
        if not set(types) <= set(returned):
            got = ", ".join(map(str, returned)) or type(found).__name__
            form = "dict" if isinstance(self.outputs, Mapping) else "tuple"
            raise ModelError(f"{self.title}: expected a {form} with {', '.join(types)}, got {got}.")
        return {name: self._typed(name, returned[name], kind, x) for name, kind in types.items()}

    def _called(self, x: TypedTensors) -> object:
        tensors = x.tensors()
        if x.form == "one" and not self._takes_names(tensors):
            return self.function(tensors[ONLY])
        if x.form == "several":
            return self.function(*tensors.values())
        return self.function(**tensors) if self._takes_names(tensors) else self.function(tensors)

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
        carried, support = self._declared(name, kind)
        if not isinstance(value, Tensor) or not (value.is_floating_point() or value.is_complex()):
            raise ModelError(
                f"{self.title}: expected a floating-point tensor for {name!r}, got {type(value).__name__}."
            )
        support = support or self._support(name, value, carried, x)
        rows = {"node": x.count, "graph": 1, "edge": x.edges}.get(support)
        width = carried.dim * (rows if rows is not None else max(1, len(value) if value.ndim else 1))
        if value.numel() != width:
            raise ModelError(
                f"{self.title}: {name!r} is declared as {carried} per {support}, {width} numbers in all, but came with "
                f"shape {list(value.shape)}. Declare what it is, or say what its rows are, as in '{carried} per graph'."
            )
        return Field(value.reshape(-1, carried.dim) if carried.dim else value, carried, support)

    def _declared(self, name: str, kind: str | Representation) -> tuple[Representation, Support | None]:
        try:
            told = DeclaredType.parse(name, kind)
        except StructureError as cause:
            raise ModelError(f"{self.title}: output {cause.why}") from cause
        if not isinstance(told.carried, Representation):
            raise ModelError(f"{self.title}: output {name!r} should have irreps, got {kind!r}.")
        return told.carried, told.support or self.per

    def _support(self, name: str, value: Tensor, carried: Representation, x: TypedTensors) -> Support:
        """Rows of nodes, of edges, or one row for all."""
        rows = len(value) if value.ndim else 1
        if value.numel() == carried.dim:
            return "graph"
        if rows == x.count == x.edges:
            raise ModelError(
                f"{self.title}: {name!r} has {rows} rows, and there are as many nodes as edges. Say what they are: "
                f"'{carried} per node' or '{carried} per edge'."
            )
        return "edge" if rows == x.edges and rows != x.count else "node"


def _entries(several: object) -> dict[str, Any]:
    """What a tuple, list or dict holds, by place or by name; nothing of anything else."""
    if isinstance(several, Mapping):
        return {str(name): value for name, value in cast("Mapping[object, object]", several).items()}
    if isinstance(several, (tuple, list)):
        return {str(place): value for place, value in enumerate(cast("Sequence[object]", several))}
    return {}


def _held_modules(function: object) -> nn.Module:
    """Modules that a function reads without being one: the owner of a method, variables of a closure, globals."""
    held = nn.Module().eval()
    if isinstance(function, nn.Module):
        return held
    variables: dict[str, object] = {"owner": getattr(function, "__self__", None)}
    try:
        closed = inspect.getclosurevars(cast(Any, function))
        variables |= {**closed.globals, **closed.nonlocals}
    except TypeError:  # an object that is called
        variables |= vars(function) if hasattr(function, "__dict__") else {}
    for name, module in variables.items():
        if isinstance(module, nn.Module):
            held.add_module(f"{name}_" if hasattr(held, name) else name, module)
    return held


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
