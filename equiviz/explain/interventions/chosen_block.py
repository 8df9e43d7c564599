"""Which components of a stage are meant: some of its irreps, one channel of them, on some rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from equiviz.explain.errors import InterventionError
from equiviz.explain.outputs import is_output
from equiviz.features.capture import Capture
from equiviz.symmetry.field import Field


def stage_of(capture: Capture, stage: str) -> Field:
    """The field of a stage.

    Raises:
        InterventionError: there is none of this name, or it is an output, which nothing comes after.
    """
    inner = [name for name in capture if not is_output(name)]
    if stage not in inner:
        raise InterventionError(f"There is no stage {stage!r}; this model passes {', '.join(inner) or 'none'}.")
    return capture[stage]


def labels_of(field: Field, irreps: str | Sequence[str] | None) -> list[str]:
    """The blocks that are meant: ``"1o"``, ``"1o+2e"``, a list of those, or None for all.

    Raises:
        InterventionError: a block that the stage does not have.
    """
    known = field.representation.labels()
    if irreps is None:
        return known
    # The label of a block that is no sum of irreps may hold a plus itself.
    asked = list(irreps) if not isinstance(irreps, str) else [irreps] if irreps in known else irreps.split("+")
    wanted = [label.strip().split("x")[-1] if label not in known else label for label in asked]
    unknown = [label for label in wanted if label not in known]
    if unknown:
        raise InterventionError(f"There is no {unknown[0]!r} in this stage; it holds {', '.join(known)}.")
    return wanted


def columns_of(field: Field, labels: Sequence[str]) -> Tensor:
    """Places of these blocks on the last axis ``[K]``."""
    found = [block.indices.flatten() for block in field.blocks if block.label in labels]
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.long)


def copies_in(field: Field, label: str, channel: int | None) -> Tensor:
    """Places of the copies of one block, or of one of them: ``[copies, size]``.

    Raises:
        InterventionError: there is no such channel.
    """
    every = torch.cat([block.indices for block in field.blocks if block.label == label])
    if channel is None:
        return every
    if not 0 <= channel < len(every):
        raise InterventionError(f"There is no channel {channel} of {label}: they are numbered 0 to {len(every) - 1}.")
    return every[channel : channel + 1]


def rows_of(field: Field, nodes: Sequence[int] | Tensor | int | None) -> Tensor:
    """The rows that are meant ``[R]``; None for all.

    Raises:
        InterventionError: a row that there is not, or nodes of a stage that does not live on them.
    """
    if nodes is None:
        return torch.arange(len(field))
    if field.support != "node":
        raise InterventionError(f"nodes= chooses rows of a stage on nodes, and this one lives on {field.support}s.")
    rows = torch.as_tensor(nodes).reshape(-1).long()
    outside = [row for row in rows.tolist() if not 0 <= row < len(field)]
    if outside:
        raise InterventionError(f"There is no node {outside[0]}: they are numbered 0 to {len(field) - 1}.")
    return rows
