"""The parts of a stage that are ablated one at a time: by degree, parity, irrep, channel, or all of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from equiviz.explain.errors import InterventionError
from equiviz.symmetry.representations import Block, Representation

By: TypeAlias = Literal["l", "parity", "irrep", "channel", "path", "stage"]
WHOLE = "all of it"
_IRREP = re.compile(r"(\d+)([eo])")
_PARITY = {"e": "even", "o": "odd"}


@dataclass(frozen=True)
class Part:
    """Something that can be taken away from a forward pass.

    Attributes:
        stage: name of a stage; of a path, the module that holds it.
        name: of the part within it: ``"l = 1"``, ``"odd"``, ``"1o"``, ``"1o[3]"``, ``"1o x 1o -> 0e"``, or `WHOLE`.
        columns: places of its components on the last axis ``[K]``; empty for a path.
        path: its place among the paths of the module; None for what is no path.
    """

    stage: str
    name: str
    columns: Tensor
    path: int | None = None


def parts_of(stage: str, carried: Representation, by: By) -> list[Part]:
    """The parts of one stage, in the order of its blocks.

    Args:
        stage: its name.
        carried: its representation.
        by: anything but "path", see `By`. Blocks that are no irreps of O(3) (Cartesian tensors, invariants of another
            kind) count as what their label says.

    Raises:
        InterventionError: another word.
    """
    if by == "stage":
        return [Part(stage, WHOLE, torch.arange(carried.dim))]
    if by == "channel":
        return [Part(stage, name, columns) for name, columns in _channels(carried)]
    naming = _NAMES.get(by)
    if naming is None:
        raise InterventionError(f"Expected by= one of {', '.join(map(repr, get_args(By)))}, got {by!r}.")
    found: dict[str, list[Tensor]] = {}
    for block in carried.blocks:
        found.setdefault(naming(block), []).append(block.indices.flatten())
    return [Part(stage, name, torch.cat(columns)) for name, columns in found.items()]


def _channels(carried: Representation) -> Iterator[tuple[str, Tensor]]:
    for label in carried.labels():
        copies = torch.cat([block.indices for block in carried.blocks if block.label == label])  # [copies, size]
        yield from ((f"{label}[{place}]", row) for place, row in enumerate(copies))


def _degree(block: Block) -> str:
    found = _IRREP.fullmatch(block.label)
    if found is not None:
        return f"l = {found[1]}"
    return "l = 0" if block.invariant else block.label


def _parity(block: Block) -> str:
    found = _IRREP.fullmatch(block.label)
    if found is not None:
        return _PARITY[found[2]]
    return _PARITY["e"] if block.invariant else block.label


_NAMES: dict[str, Callable[[Block], str]] = {"l": _degree, "parity": _parity, "irrep": lambda block: block.label}
