"""TypedTensors: plain tensors with declared types, for functions that know no structures.

A function of one tensor ``[nodes, dim]``, or of a dict of tensors, is all that some people have. Once each tensor says
what it is, a group can act on it, and every tool of the package works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor

from equiviz.structures.declared_types import TYPES, DeclaredType
from equiviz.structures.tensor_rows import TensorRows, edge_count, refusal
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import GroupElement, MovesSupport, Permutation
from equiviz.symmetry.representations import Position, Representation

Form: TypeAlias = Literal["one", "several", "named"]
"""How a function takes its inputs: one tensor, several in their order, or by name."""
Inputs: TypeAlias = "str | Representation | Sequence[str | Representation] | Mapping[str, str | Representation]"
ONLY = "x"
"""The name of the tensor of a function that takes one."""


@dataclass(frozen=True, eq=False)
class TypedTensors:
    """Named tensors on which a group acts; what a `Structure` is to a model, this is to a function.

    Attributes:
        fields: the typed ones, as ``[rows, dim]``.
        shapes: the shape in which each of them came, and in which the function gets it back.
        indices: integer tensors that hold numbers of nodes (``edge_index``): a permutation renumbers them.
        labels: tensors with one row per node that no rotation moves (species): a permutation reorders them.
        listed: indices that have one row per node themselves (the K nearest of each): reordered, too.
        constants: anything else.
        count: number of nodes.
        form: how the function takes them.
        order: all names, as they came.
    """

    fields: Mapping[str, Field]
    shapes: Mapping[str, tuple[int, ...]]
    indices: Mapping[str, Tensor] = field(default_factory=dict)
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    listed: frozenset[str] = frozenset()
    constants: Mapping[str, object] = field(default_factory=dict)
    count: int = 0
    form: Form = "named"
    order: tuple[str, ...] = ()

    @classmethod
    def make(cls, x: Tensor | Sequence[object] | Mapping[str, object], inputs: Inputs) -> TypedTensors:
        """Tensors and their types.

        Args:
            x: one tensor ``[nodes, dim]``, several in the order of the function's arguments, or a dict of tensors.
            inputs: the type of the one tensor, or of each, in the same order or by the same names: irreps such as
                ``"8x0e+4x1o"``, ``"position"`` (turns like 1o, and translations move it), ``"index"`` (integers that
                number nodes), ``"label"`` (one per node: species), or ``"constant"``. Where the number of rows does
                not tell what they are, say it: ``"1o per edge"``, ``"9x0e per graph"``, ``"index per node"``.

        Raises:
            StructureError: names that do not agree, a tensor that does not fit its type, rows that do not agree, or
                rows that may be two things.
        """
        form, values, types = _by_name(x, inputs)
        told = {name: DeclaredType.parse(name, kind) for name, kind in types.items()}
        typed = {n: _typed(n, values[n], t.carried) for n, t in told.items() if isinstance(t.carried, Representation)}
        if not typed:
            raise refusal(f"Expected at least one typed tensor, got none. Types are {TYPES}.")
        rows = TensorRows.of(typed, values, told)
        return cls(
            fields={name: rows.placed(name, item, told[name].support) for name, item in typed.items()},
            shapes={name: tuple(cast(Tensor, values[name]).shape) for name in typed},
            indices={n: _index(n, values[n], rows.nodes) for n, t in told.items() if t.carried == "index"},
            labels={n: _label(n, values[n], rows.nodes) for n, t in told.items() if t.carried == "label"},
            listed=frozenset(
                n for n, t in told.items() if t.carried == "index" and rows.lists(n, values[n], t.support)
            ),
            constants={n: values[n] for n, t in told.items() if t.carried == "constant"},
            count=rows.nodes,
            form=form,
            order=tuple(values),
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
        """Number of edges, where an index has the shape ``[2, E]`` or a field lives on edges."""
        return edge_count(list(self.indices.values()), [len(f) for f in self.fields.values() if f.support == "edge"])

    def transform(self, g: GroupElement) -> TypedTensors:
        """The tensors moved by g; a permutation reorders the rows of nodes, and renumbers indices."""
        moved = replace(self, fields={name: item.transform(g) for name, item in self.fields.items()})
        if isinstance(g, Permutation):
            new_number = g.inverse().order
            indices = {name: new_number.to(index.device)[index] for name, index in self.indices.items()}
            indices = {n: v[g.order.to(v.device)] if n in self.listed else v for n, v in indices.items()}
            labels = {name: values[g.order.to(values.device)] for name, values in self.labels.items()}
            return replace(moved, indices=indices, labels=labels)
        if isinstance(g, MovesSupport):
            raise refusal(f"{g!r} moves points of another support than nodes.")
        return moved

    def with_edges_in(self, order: Tensor) -> TypedTensors:
        """The same edges in another order: columns of ``[2, E]`` indices, entries of ``[E]``, rows of fields."""
        fields = {n: f.with_values(f.values[order]) if f.support == "edge" else f for n, f in self.fields.items()}
        indices = {n: v if n in self.listed else v[..., order.to(v.device)] for n, v in self.indices.items()}
        return replace(self, fields=fields, indices=indices)

    def with_values(self, fields: Mapping[str, Field]) -> TypedTensors:
        """Other values of some of the fields."""
        return replace(self, fields={**self.fields, **fields})

    def repeated(self, count: int) -> TypedTensors | None:
        """As many copies side by side in one input, or None where rows may know of each other, as in any function."""
        return self if count == 1 else None

    def apart(self) -> list[TypedTensors]:
        """Its rows one by one, where they know nothing of each other; itself alone where they may."""
        return [self]

    def to(self, target: torch.dtype) -> TypedTensors:
        """Typed tensors, and floating-point constants, in another dtype."""
        fields = {name: item.to(target) for name, item in self.fields.items()}
        constants = {
            name: c.to(target) if isinstance(c, Tensor) and c.is_floating_point() else c
            for name, c in self.constants.items()
        }
        return replace(self, fields=fields, constants=constants)

    def tensors(self) -> dict[str, object]:
        """What the function takes: each tensor by its name, in the shape in which it came; copies, to work on."""
        typed = {name: item.values.reshape(self.shapes[name]) for name, item in self.fields.items()}
        every = {**typed, **self.indices, **self.labels, **self.constants}
        return {name: _copied(every[name]) for name in self.order}


def _by_name(
    x: Tensor | Sequence[object] | Mapping[str, object], inputs: Inputs
) -> tuple[Form, dict[str, object], dict[str, object]]:
    """Values and types under the same names, and how the function takes them."""
    if isinstance(x, Tensor):
        if isinstance(inputs, Mapping) or not isinstance(inputs, (str, Representation)):
            raise refusal(f"One tensor came, and types for several: {inputs!r}. Give one type, or a dict of tensors.")
        return "one", {ONLY: x}, {ONLY: inputs}
    form: Form = "named" if isinstance(x, Mapping) else "several"
    values = dict(x) if isinstance(x, Mapping) else {str(place): value for place, value in enumerate(x)}
    if isinstance(inputs, (str, Representation)):
        raise refusal(f"{len(values)} tensors came, and one type, {inputs!r}. Give a type for each.")
    types = dict(inputs) if isinstance(inputs, Mapping) else {str(place): kind for place, kind in enumerate(inputs)}
    if set(values) != set(types):
        raise refusal(
            f"Expected a type for each input, by the same name: the tensors are {', '.join(values)}; types are "
            f"given for {', '.join(map(str, types))}."
        )
    return form, values, {name: types[name] for name in values}


def _copied(value: object) -> object:
    """Tensors and arrays, in lists and dicts too, are the function's to change; other constants are the caller's."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) is dict:
        return {key: _copied(entry) for key, entry in cast("dict[object, object]", value).items()}
    if type(value) is list or type(value) is tuple:
        entries = [_copied(entry) for entry in cast("Sequence[object]", value)]
        return entries if type(value) is list else tuple(entries)
    return value


def _typed(name: str, value: object, carried: Representation) -> Field:
    """A field [rows, dim] of one tensor; its support is still unknown."""
    if not isinstance(value, Tensor) or not (value.is_floating_point() or value.is_complex()):
        what = str(value.dtype) if isinstance(value, Tensor) else type(value).__name__
        hint = " Integers that go with the nodes, such as species, are 'label'." if isinstance(value, Tensor) else ""
        raise refusal(f"Input {name!r} of type {carried!s}: expected a floating-point tensor, got {what}.{hint}")
    return Field(_as_rows(name, value, carried), carried, "node")


def _as_rows(name: str, value: Tensor, carried: Representation) -> Tensor:
    """[rows, dim]: trailing axes are flattened until they hold dim numbers; a bare [dim] is one row."""
    for axes in range(value.ndim + 1):
        if value.shape[axes:].numel() == carried.dim and axes <= 1:
            return value.reshape(-1 if carried.dim else len(value), carried.dim) if axes else value.reshape(1, -1)
    raise refusal(
        f"Input {name!r}: expected {carried.dim} numbers per node for {carried}, got shape {list(value.shape)}."
    )


def _label(name: str, value: object, count: int) -> Tensor:
    if not isinstance(value, Tensor) or value.ndim == 0 or len(value) != count:
        got = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise refusal(f"Input {name!r} of type 'label': expected a tensor with {count} rows, one per node, got {got}.")
    return value


def _index(name: str, value: object, count: int) -> Tensor:
    if not isinstance(value, Tensor) or value.is_floating_point() or value.is_complex() or value.dtype == torch.bool:
        raise refusal(f"Input {name!r} of type 'index': expected a tensor of integers.")
    if value.numel() and not 0 <= int(value.min()) <= int(value.max()) < count:
        raise refusal(f"Input {name!r} of type 'index': expected numbers of nodes, from 0 to {count - 1}.")
    return value
