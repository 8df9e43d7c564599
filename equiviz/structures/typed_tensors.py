"""TypedTensors: plain tensors with declared types, for functions that know no structures.

A function of one tensor ``[nodes, dim]``, or of a dict of tensors, is all that some people have. Once each tensor says
what it is, a group can act on it, and every tool of the package works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

import torch
from torch import Tensor

from equiviz.structures.errors import StructureError
from equiviz.symmetry.field import Field, Support
from equiviz.symmetry.groups import GroupElement, MovesSupport, Permutation
from equiviz.symmetry.representations import Position, Representation, representation

INDEX, CONSTANT = "index", "constant"
KINDS = f"irreps such as '8x0e+4x1o', 'position', {INDEX!r} (numbers of nodes) or {CONSTANT!r} (passed on as it is)"
ONLY = "x"
"""The name of the tensor of a function that takes one."""


@dataclass(frozen=True, eq=False)
class TypedTensors:
    """Named tensors on which a group acts; what a `Structure` is to a model, this is to a function.

    Attributes:
        fields: the typed ones, as ``[rows, dim]``.
        shapes: the shape in which each of them came, and in which the function gets it back.
        indices: integer tensors that hold numbers of nodes (``edge_index``): a permutation renumbers them.
        constants: anything else.
        count: number of nodes.
    """

    fields: Mapping[str, Field]
    shapes: Mapping[str, tuple[int, ...]]
    indices: Mapping[str, Tensor] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    count: int = 0

    @classmethod
    def make(cls, x: Tensor | Mapping[str, object], inputs: str | Mapping[str, str | Representation]) -> TypedTensors:
        """Tensors and their types.

        Args:
            x: one tensor ``[nodes, dim]``, or a dict of tensors.
            inputs: the type of the one tensor, or of each: irreps such as ``"8x0e+4x1o"``, ``"position"`` (turns like
                1o, and translations move it), ``"index"`` (integers that number nodes), or ``"constant"``.

        Raises:
            StructureError: names that do not agree, a tensor that does not fit its type, or rows that do not agree.
        """
        values = {ONLY: x} if isinstance(x, Tensor) else dict(x)
        types = {ONLY: inputs} if isinstance(inputs, (str, Representation)) else dict(inputs)
        if set(values) != set(types):
            raise _refusal(
                f"Expected a type for each input, by the same name: the tensors are {', '.join(values)}; types are "
                f"given for {', '.join(map(str, types))}."
            )
        plain = {name: kind for name, kind in types.items() if kind in (INDEX, CONSTANT)}
        typed = {name: _typed(name, values[name], kind) for name, kind in types.items() if name not in plain}
        if not typed:
            raise _refusal(f"Expected at least one typed tensor, got none. Types are {KINDS}.")
        count = _count(typed)
        fields = {name: _on_support(item, count) for name, item in typed.items()}
        return cls(
            fields=fields,
            shapes={name: tuple(cast(Tensor, values[name]).shape) for name in typed},
            indices={name: _index(name, values[name], count) for name, kind in plain.items() if kind == INDEX},
            constants={name: values[name] for name, kind in plain.items() if kind == CONSTANT},
            count=count,
        )

    def __len__(self) -> int:
        """Number of nodes."""
        return self.count

    def __repr__(self) -> str:
        return f"TypedTensors({self.count} nodes: {', '.join(f'{name} {f!r}' for name, f in self.fields.items())})"

    @property
    def positions(self) -> Tensor | None:
        """The field of type "position" ``[N, 3]``, if there is one."""
        found = [f.values for f in self.fields.values() if isinstance(f.representation, Position)]
        return found[0] if found else None

    @property
    def edges(self) -> int | None:
        """Number of edges, where an index has the shape ``[2, E]``."""
        pairs = [index.shape[1] for index in self.indices.values() if index.ndim == 2 and index.shape[0] == 2]
        return pairs[0] if pairs else None

    def transform(self, g: GroupElement) -> TypedTensors:
        """The tensors moved by g; a permutation reorders the rows of nodes, and renumbers indices."""
        fields = {name: item.transform(g) for name, item in self.fields.items()}
        indices = self.indices
        if isinstance(g, Permutation):
            new_number = g.inverse().order
            indices = {name: new_number.to(index.device)[index] for name, index in indices.items()}
        elif isinstance(g, MovesSupport):
            raise _refusal(f"{g!r} moves points of another support than nodes.")
        return replace(self, fields=fields, indices=indices)

    def with_values(self, fields: Mapping[str, Field]) -> TypedTensors:
        """Other values of some of the fields."""
        return replace(self, fields={**self.fields, **fields})

    def to(self, target: torch.dtype) -> TypedTensors:
        """Typed tensors, and floating-point constants, in another dtype."""
        fields = {name: item.to(target) for name, item in self.fields.items()}
        constants = {
            name: c.to(target) if isinstance(c, Tensor) and c.is_floating_point() else c
            for name, c in self.constants.items()
        }
        return replace(self, fields=fields, constants=constants)

    def tensors(self) -> dict[str, object]:
        """What the function takes: each tensor by its name, in the shape in which it came."""
        typed = {name: item.values.reshape(self.shapes[name]) for name, item in self.fields.items()}
        return {**typed, **self.indices, **self.constants}


def _refusal(why: str) -> StructureError:
    return StructureError(None, None, why)


def _typed(name: str, value: object, kind: str | Representation) -> Field:
    """A field [rows, dim] of one tensor; its support is still unknown."""
    if not isinstance(value, Tensor) or not (value.is_floating_point() or value.is_complex()):
        what = str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
        raise _refusal(f"Input {name!r} of type {kind!s}: expected a floating-point tensor, got {what}.")
    try:
        carried = representation(kind)
    except ValueError as cause:
        raise _refusal(f"Input {name!r}: {kind!r} is no type ({cause}). Types are {KINDS}.") from cause
    return Field(_rows(name, value, carried), carried, "node")


def _rows(name: str, value: Tensor, carried: Representation) -> Tensor:
    """[rows, dim]: trailing axes are flattened until they hold dim numbers; a bare [dim] is one row."""
    for axes in range(value.ndim + 1):
        if value.shape[axes:].numel() == carried.dim and axes <= 1:
            return value.reshape(-1 if carried.dim else len(value), carried.dim) if axes else value.reshape(1, -1)
    raise _refusal(
        f"Input {name!r}: expected {carried.dim} numbers per node for {carried}, got shape {list(value.shape)}."
    )


def _count(typed: Mapping[str, Field]) -> int:
    """Number of nodes: the rows of positions, else most rows of all."""
    positions = [len(f) for f in typed.values() if isinstance(f.representation, Position)]
    return positions[0] if positions else max(len(f) for f in typed.values())


def _on_support(item: Field, count: int) -> Field:
    support: Support = "node" if len(item) == count else "graph" if len(item) == 1 else "edge"
    return Field(item.values, item.representation, support)


def _index(name: str, value: object, count: int) -> Tensor:
    if not isinstance(value, Tensor) or value.is_floating_point() or value.is_complex() or value.dtype == torch.bool:
        raise _refusal(f"Input {name!r} of type {INDEX!r}: expected a tensor of integers.")
    if value.numel() and not 0 <= int(value.min()) <= int(value.max()) < count:
        raise _refusal(f"Input {name!r} of type {INDEX!r}: expected numbers of nodes, from 0 to {count - 1}.")
    return value
