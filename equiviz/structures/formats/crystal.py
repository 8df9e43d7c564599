"""CIF of small molecules and crystals, read by gemmi: the contents of one unit cell, symmetry applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch

from equiviz.structures.formats.source import DEFAULT_UNIT, Source, named
from equiviz.structures.structure import Structure
from equiviz.symmetry import Field

if TYPE_CHECKING:
    from gemmi import SmallStructure
    from gemmi.cif import Block


def frames(source: Source) -> Iterator[Callable[[], Structure]]:
    """Yield one function per data block with atoms."""
    from gemmi import cif

    blocks = [block for block in cif.read_string(source.text) if block.find_values("_atom_site_fract_x")]
    for place, block in enumerate(blocks):
        yield lambda block=block, place=place: _parse(source, block, place)


def _parse(source: Source, block: Block, place: int) -> Structure:
    from gemmi import make_small_structure_from_block

    small = make_small_structure_from_block(block)
    _check(source, small)
    sites = small.get_all_unit_cell_sites()
    cell = torch.tensor(small.cell.orth.mat.tolist(), dtype=torch.float64).T.contiguous()  # gemmi's columns -> rows
    fractions = torch.tensor([site.fract.tolist() for site in sites], dtype=torch.float64).reshape(-1, 3)
    occupancy = torch.tensor([[site.occ] for site in sites], dtype=torch.float64).reshape(-1, 1)
    return Structure(
        positions=fractions @ cell,
        species=torch.tensor([site.element.atomic_number for site in sites], dtype=torch.long),
        cell=cell,
        pbc=(True, True, True),
        node={"occupancy": Field(occupancy, "0e", "node")},
        length_unit=source.unit(DEFAULT_UNIT),
        name=named(source, place, block.name),
    )


def _check(source: Source, small: SmallStructure) -> None:
    """Refuse before symmetry multiplies it: too many sites, or a site without coordinates."""
    source.check_count(len(small.sites) * (len(small.cell.images) + 1))
    for site in small.sites:
        if not torch.tensor(site.fract.tolist()).isfinite().all():
            raise source.error(None, f"site {site.label[:20]!r} has a coordinate that is missing or not finite")
    if not small.cell.is_crystal() or not small.cell.volume > 0:
        raise source.error(None, "the unit cell is missing or has no volume; expected _cell_length_a and its five kin")
