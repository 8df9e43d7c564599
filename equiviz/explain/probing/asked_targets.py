"""What users may ask a probe for, made into targets: names of descriptors, descriptors, arrays of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor

from equiviz.explain.errors import ProbeError
from equiviz.explain.probing.named_targets import Named
from equiviz.explain.probing.targets import Target, Targets
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Probed: TypeAlias = "Sequence[Structure] | Sequence[TypedTensors]"
Asked: TypeAlias = "str | Target | Sequence[str | Target] | Mapping[str, str | Target | Field | ArrayLike | Tensor]"
"""What users may ask for: `as_targets` makes `Targets` of it."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Values that the caller has, one row per node.

    Attributes:
        values: of each structure by its identity, [N, K].
        names: of the columns; a single one bears the key of its dict alone.
    """

    values: Mapping[int, Tensor]
    names: Sequence[str]

    def __call__(self, system: Structure | TypedTensors, /) -> Field:
        """The rows of one of the structures that the values were given for."""
        values = self.values[id(system)]
        return Field(values, f"{values.shape[1]}x0e", "node")

    def of(self, system: Structure | TypedTensors) -> Rows:
        """Those of one structure alone, which may travel to another process."""
        return Rows(self.values[id(system)], self.names)


@dataclass(frozen=True, eq=False)
class Rows:
    """Values of one structure, [N, K], whichever is asked about, and the names of their columns."""

    values: Tensor
    names: Sequence[str]

    def __call__(self, system: Structure | TypedTensors, /) -> Field:
        """The rows."""
        return Field(self.values, f"{self.values.shape[1]}x0e", "node")


def as_targets(asked: Asked, structures: Probed) -> Targets:
    """What is asked for, as targets.

    Args:
        asked: see `equiviz.probe`.
        structures: those of the probe, as measured: arrays are split along them, and the reach of a descriptor that is
            asked by name follows from them.

    Raises:
        ProbeError: something else, an unknown name, or an array that has not one row per node.
    """
    known = Named(structures)
    if isinstance(asked, Mapping):
        named = cast("Mapping[str, object]", asked)
        return {str(key): _of_mapping(str(key), value, structures, known) for key, value in named.items()}
    if isinstance(asked, (list, tuple)):
        return [_single(entry, known) for entry in cast("Sequence[object]", asked)]
    return [_single(asked, known)]


def streamed_targets(asked: Asked, head: Probed) -> Targets:
    """As `as_targets`, where structures come one after the other, of which only the first few are known.

    Raises:
        ProbeError: as `as_targets`; and arrays, which would have to be split along all structures.
    """
    values = cast("Mapping[str, object]", asked).items() if isinstance(asked, Mapping) else ()
    for key, value in values:
        if not isinstance(value, (str, Target)):
            raise ProbeError(
                f"Target {key!r} is an array, which is split along a list of structures; these come one by one. Pass "
                "a list, or attach the values to the structures and give a target that reads them."
            )
    return as_targets(asked, head)


def _of_mapping(key: str, value: object, structures: Probed, known: Named) -> Target:
    if isinstance(value, (str, Target)):
        return _single(value, known)
    rows = _rows(key, value, structures)
    names = [""] if rows.shape[1] == 1 else [str(place) for place in range(rows.shape[1])]
    parts = rows.split([len(structure) for structure in structures])
    return Measured({id(one): part for one, part in zip(structures, parts, strict=True)}, names)


def _single(entry: object, known: Named) -> Target:
    if isinstance(entry, str):
        return known(entry)
    if isinstance(entry, Target) and not isinstance(entry, type):
        return entry
    hint = " An array needs a name: {'mobility': array}." if isinstance(entry, (np.ndarray, Tensor, Field)) else ""
    raise ProbeError(
        "Expected targets as a name (such as 'q_4'), a descriptor, a list of those, or a dict of names and arrays with "
        f"one row per node; got {type(entry).__name__}.{hint}"
    )


def _rows(key: str, value: object, structures: Probed) -> Tensor:
    """An array, one for all structures or a list with one for each, as [nodes of all, K] float64."""
    total = sum(len(structure) for structure in structures)
    if len({id(structure) for structure in structures}) < len(structures):
        raise ProbeError("One structure is given twice, so that rows of arrays cannot be told apart. Give each once.")
    if isinstance(value, (list, tuple)) and len(value) == len(structures) and np.ndim(value[0]) > 0:
        parts = [_numbers(key, part) for part in cast("Sequence[object]", value)]
        if [len(part) for part in parts] == [len(structure) for structure in structures]:
            return torch.cat([part.reshape(len(part), -1) for part in parts])
    rows = _numbers(key, value)
    if rows.ndim not in (1, 2) or len(rows) != total:
        of = f" of {len(structures)} structures, one after the other" if len(structures) > 1 else ""
        raise ProbeError(
            f"Target {key!r}: expected one row per node, shape [{total}] or [{total}, columns] for the {total} "
            f"nodes{of}, got shape {list(rows.shape)}."
        )
    return rows.reshape(total, -1)


def _numbers(key: str, value: object) -> Tensor:
    if isinstance(value, Field):
        if value.support != "node" or set(value.representation.labels()) != {"0e"}:
            raise ProbeError(f"Target {key!r}: expected invariants (0e) on nodes, got {value.representation}.")
        value = value.values
    try:
        return torch.as_tensor(value if isinstance(value, Tensor) else np.asarray(value)).detach().cpu().double()
    except (TypeError, ValueError) as problem:
        raise ProbeError(
            f"Target {key!r}: expected a name, a descriptor or an array of numbers, got {type(value).__name__}."
        ) from problem
