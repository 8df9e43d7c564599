"""Which number of a prediction is to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from equiviz.explain.errors import CounterfactualError
from equiviz.explain.outputs import OUTPUT, named_output
from equiviz.symmetry.field import Field

Component: TypeAlias = "int | Literal['norm'] | None"


@dataclass(frozen=True)
class AskedOutput:
    """One number of a model's outputs.

    Attributes:
        name: of the output, as `capture` lists it (``output.energy``).
        node: whose; None for an output of the whole.
        component: which number of several, or "norm"; None where there is one.
    """

    name: str
    node: int | None
    component: Component

    @classmethod
    def of(cls, fields: Mapping[str, Field], output: str | None, node: int | None, component: Component) -> AskedOutput:
        """The one that is meant.

        Raises:
            CounterfactualError: no such output, or several to choose from; a node where there is none, or none where
                there are many; several numbers, and no word on which of them.
        """
        name = _name(fields, output)
        field = fields[name]
        _refuse_support(name, field, node)
        count = field.values[0].numel()
        if component is None and count > 1:
            raise CounterfactualError(
                f"{name!r} is {field.representation}, {count} numbers: say which one is to change, component=0, or "
                "component='norm' for the length of it all, which no rotation changes."
            )
        if isinstance(component, int) and not 0 <= component < count:
            raise CounterfactualError(f"Expected a component of {name!r} from 0 to {count - 1}, got {component}.")
        return cls(name, node, component)

    def value(self, fields: Mapping[str, Field]) -> Tensor:
        """The number, on the autograd graph of the field."""
        row = fields[self.name].values[self.node or 0].flatten()
        if self.component == "norm":
            return torch.linalg.vector_norm(row)
        return row[self.component or 0]

    @property
    def words(self) -> str:
        """What it is called in reports."""
        chosen = "" if self.component is None else f"component {self.component} of "
        which = "norm of " if self.component == "norm" else chosen
        where = "" if self.node is None else f" at node {self.node}"
        return f"{which}{self.name.removeprefix(OUTPUT)}{where}"

    def turns(self, fields: Mapping[str, Field]) -> bool:
        """Whether a rotation of everything changes the number."""
        field = fields[self.name]
        return isinstance(self.component, int) and not all(block.invariant for block in field.blocks)


def _name(fields: Mapping[str, Field], output: str | None) -> str:
    outputs = [name for name in fields if name == "output" or name.startswith(OUTPUT)]
    if output is None:
        if len(outputs) != 1:
            raise CounterfactualError(
                f"Expected output= as one of {', '.join(n.removeprefix(OUTPUT) for n in outputs) or 'no outputs'}."
            )
        return outputs[0]
    return named_output(fields, output, CounterfactualError)


def _refuse_support(name: str, field: Field, node: int | None) -> None:
    if field.support == "node":
        if node is None or not 0 <= node < len(field):
            raise CounterfactualError(f"{name!r} lives on nodes: expected at= from 0 to {len(field) - 1}, got {node}.")
    elif field.support != "graph" or len(field) != 1:
        raise CounterfactualError(f"{name!r} lives on {field.support}s: expected an output of nodes or of the whole.")
    elif node is not None:
        raise CounterfactualError(f"{name!r} is one value for the whole structure: leave at= out, got {node}.")
