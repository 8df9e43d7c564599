"""The gallery of an atom: the environments that hold most of it, each turned so that its code points alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.explain.dictionary.alignment import aligning
from equiviz.explain.errors import DictionaryError
from equiviz.structures.structure import Structure
from equiviz.symmetry.irreps import Irrep
from equiviz.view.arrays import numbers
from equiviz.view.colour_scale import ColourScale
from equiviz.view.layers import Atoms, Glyphs, Layer
from equiviz.view.scene import Camera, Scene, SceneRow

CENTRE, NEIGHBOUR, DOT = 0.1, 0.15, 0.028
"""Radii: of the centre, of neighbours, of neighbours in the cloud, in distances to the farthest that is drawn."""
GLYPH = 0.5
TALL = 2.6
"""Height of a picture, in distances to the farthest that is drawn: all pictures have one scale."""


@dataclass(frozen=True, eq=False)
class Placed:
    """One environment of a gallery.

    Attributes:
        structure: where it is.
        node: its number there.
        code: [2l+1] of the atom.
    """

    structure: Structure
    node: int
    code: Tensor


def atom_row(name: str, irrep: Irrep, found: Sequence[Placed], reach: float, shown: int = 3) -> SceneRow:
    """The cloud of the neighbours of all environments, all aligned; then the first few by themselves.

    Args:
        name: of the atom.
        irrep: its label.
        found: environments, the strongest first.
        reach: how far neighbours are drawn, in the structures' length unit.
        shown: how many are drawn by themselves.

    Raises:
        DictionaryError: no environments.
    """
    if not found:
        raise DictionaryError(f"Atom {name} is dead: no environment holds it, so that there is nothing to show.")
    codes = torch.stack([one.code for one in found]).double()
    turns = aligning(codes, irrep)
    near = [_turned(one, turn, reach) for one, turn in zip(found, turns, strict=True)]
    scenes = [_cloud(f"{name}: {len(found)} together", near, _mean_code(codes, turns, irrep), irrep, reach)]
    for rank, (one, turn, seen) in enumerate(zip(found[:shown], turns, near, strict=False), start=1):
        title = f"{rank}. strength {float(one.code.norm()):.2g}"
        scenes.append(_single(title, one, seen, _code(one.code[None], turn[None], irrep), irrep, reach))
    return SceneRow(tuple(scenes), name)


def first_shell(structures: Sequence[Structure]) -> float:
    """A little farther than the twelfth neighbour in the median (or than the last, of small molecules)."""
    far: list[Tensor] = []
    for structure in structures:
        count = 12 if any(structure.pbc) else min(12, len(structure) - 1)
        if count > 0:
            around = Neighbourhood.nearest(structure, count)
            far.append(around.distances.detach().cpu().double().view(len(structure), count).amax(1))
    return 1.15 * float(torch.cat(far).median()) if far else 1.0


@dataclass(frozen=True, eq=False)
class _Neighbours:
    """Vectors to the neighbours [K, 3], turned; and what they and the centre are."""

    vectors: NDArray[np.float64]
    labels: tuple[str, ...]
    centre: str


def _turned(one: Placed, turn: Tensor, reach: float) -> _Neighbours:
    around = Neighbourhood.within(one.structure, reach)
    rows = around.receiver == one.node
    vectors = around.vectors[rows].detach().cpu().double() @ turn.T
    names = one.structure.labels
    return _Neighbours(numbers(vectors), tuple(names[k] for k in around.sender[rows].tolist()), names[one.node])


def _code(codes: Tensor, turns: Tensor, irrep: Irrep) -> Tensor:
    from equiviz.symmetry.wigner import wigner_d

    return (wigner_d(irrep.l, turns) @ codes.double()[:, :, None])[:, :, 0]


def _mean_code(codes: Tensor, turns: Tensor, irrep: Irrep) -> Tensor:
    return _code(codes, turns, irrep).mean(0, keepdim=True)


def _cloud(title: str, near: Sequence[_Neighbours], code: Tensor, irrep: Irrep, reach: float) -> Scene:
    points = np.concatenate([one.vectors for one in near])
    labels = tuple(label for one in near for label in one.labels)
    layers: list[Layer] = [Atoms(points, np.full(len(points), DOT * reach), labels=labels)]
    return Scene([*layers, *_glyph(code, irrep, reach)], title, camera=_camera(reach))


def _single(title: str, one: Placed, near: _Neighbours, code: Tensor, irrep: Irrep, reach: float) -> Scene:
    positions = np.concatenate([np.zeros((1, 3)), near.vectors])
    radii = np.full(len(positions), NEIGHBOUR * reach)
    radii[0] = CENTRE * reach
    told = f"{one.structure.name or 'structure'}, node {one.node}"
    hover = (told, *("" for _ in near.labels))
    layers: list[Layer] = [Atoms(positions, radii, labels=(near.centre, *near.labels), hover=hover)]
    return Scene([*layers, *_glyph(code, irrep, reach)], title, one.structure.length_unit, camera=_camera(reach))


def _camera(reach: float) -> Camera:
    """The same for all; up is where aligned codes point."""
    return Camera(direction=(1.0, 2.2, 0.7), centre=(0.0, 0.0, 0.0), height=TALL * reach)


def _glyph(code: Tensor, irrep: Irrep, reach: float) -> list[Layer]:
    """The code as a function on the sphere; one of degree 0 has no shape to show."""
    if irrep.l == 0 or not float(code.norm()):
        return []
    coefficients = np.zeros((1, (irrep.l + 1) ** 2))
    coefficients[:, irrep.l**2 :] = numbers(code / code.norm())
    made = Glyphs(np.zeros((1, 3)), coefficients, 1.0, ColourScale(str(irrep), "", "diverging", -1, 1), str(irrep))
    size = GLYPH * reach / float(made.extents().max())
    return [Glyphs(made.origins, coefficients, size, made.scale, made.name)]
