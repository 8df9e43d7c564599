"""What a probe looks for: invariants of environments, with a name for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias, cast, runtime_checkable

import torch
from torch import Tensor

from equiviz.explain.errors import ProbeError
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field


@runtime_checkable
class Target(Protocol):
    """A callable with named columns: every descriptor is one."""

    @property
    def names(self) -> Sequence[str]:
        """Name of each column."""
        ...

    def __call__(self, system: Structure, /) -> Field:
        """Invariants of every node, values [N, len(names)]."""
        ...


Targets: TypeAlias = "Sequence[Target] | Mapping[str, Target]"


def column_names(targets: Targets) -> list[str]:
    """Names of all columns; those of a mapping carry its key.

    Raises:
        ProbeError: no target, or a name that occurs twice.
    """
    named = targets.items() if isinstance(targets, Mapping) else [("", target) for target in targets]
    names = [f"{key} {name}".strip() for key, target in named for name in target.names]
    if not names:
        raise ProbeError("Expected at least one descriptor to look for, got none.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ProbeError(
            f"Several targets have columns named {', '.join(repeated[:4])}. Pass a dict, whose keys tell them apart."
        )
    return names


def target_columns(targets: Targets, structure: Structure | TypedTensors) -> Tensor:
    """All columns for all nodes of a structure, [N, T] float64."""
    every = list(targets.values()) if isinstance(targets, Mapping) else list(targets)
    # Targets of what is no structure are arrays, which know it: `as_targets` refuses others.
    if not every:
        return torch.zeros(len(structure), 0, dtype=torch.float64)
    return torch.cat([target(cast(Structure, structure)).values.detach().double().cpu() for target in every], 1)
