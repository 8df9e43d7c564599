"""Which expert descriptors a displacement changes most."""

from __future__ import annotations

from dataclasses import dataclass

from equiviz.explain.probing.asked_targets import Asked, as_targets
from equiviz.explain.probing.targets import column_names, target_columns
from equiviz.structures.structure import Structure

CONSTANT = 1e-9
"""Of the largest value: a descriptor that varies by less between atoms has no unit to measure its change in."""


@dataclass(frozen=True)
class DescriptorChange:
    """How much one descriptor changes, in units of its standard deviation over the structure's atoms.

    Attributes:
        name: of the descriptor, as `equiviz.probe` takes it.
        rms: root mean square over all atoms.
        largest: of the atom where it changes most, with its sign.
        atom: which atom that is.
        at_node: at the node that was asked about; None where the output is one of the whole.
    """

    name: str
    rms: float
    largest: float
    atom: int
    at_node: float | None


def descriptor_changes(before: Structure, after: Structure, asked: Asked, node: int | None) -> list[DescriptorChange]:
    """Changes, the largest first (at the node where there is one, else root mean square over atoms).

    Args:
        before, after: with the same atoms.
        asked: names of descriptors or of their columns, descriptors, or a list of those; see `equiviz.probe`.
        node: the node that was asked about.

    Raises:
        ProbeError: an unknown name.
    """
    targets = as_targets(asked, [before])
    old, new = (target_columns(targets, structure) for structure in (before, after))  # [N, T]
    deviation = old.std(0, correction=0)
    varies = deviation > CONSTANT * old.abs().amax(0)
    changes = (new - old) / deviation.where(varies, deviation.new_tensor(1.0))
    found: list[DescriptorChange] = []
    for place, name in enumerate(column_names(targets)):
        column = changes[:, place]
        if bool(varies[place]) and bool(column.isfinite().all()):
            atom = int(column.abs().argmax())
            here = None if node is None else float(column[node])
            found.append(DescriptorChange(name, float(column.square().mean().sqrt()), float(column[atom]), atom, here))
    return sorted(found, key=lambda c: -(c.rms if c.at_node is None else abs(c.at_node)))
