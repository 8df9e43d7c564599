"""The picture of what is missing: the structure, the missing part on its nodes, the order parameter at the centre."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.irreps import Irrep
from equiviz.view.arrays import numbers
from equiviz.view.colour_scale import ColourScale
from equiviz.view.layers import Glyphs
from equiviz.view.scene import Scene
from equiviz.view.show import show

SIZE = 0.45
"""Of the glyph, as a share of the structure's radius."""


def missing_scene(structure: Structure, missing: Field, order: Field) -> Scene:
    """Arrows, colours or glyphs on the nodes, and a glyph at the centre of the points.

    Args:
        structure: the input.
        missing: on its nodes, or on the graph: then only the glyph is drawn.
        order: the order parameter, one irrep, values [1, 2l+1].
    """
    (name,) = order.representation.labels()
    irrep = Irrep.parse(name)
    title = f"Missing: {name}"
    if missing.support == "node":
        scene = show(structure, missing, title=title, name="missing", slab=False, field_unit=structure.length_unit)
    else:
        scene = show(structure, title=title, slab=False)
    positions = numbers(structure.positions)
    centre = positions.mean(0, keepdims=True)
    coefficients = np.zeros((1, (irrep.l + 1) ** 2))
    coefficients[:, irrep.l**2 :] = numbers(order.values)
    glyph = Glyphs(centre, coefficients, 1.0, ColourScale(name, "", "diverging"), name)
    radius = float(np.linalg.norm(positions - centre, axis=1).max()) or 1.0
    reach = float(glyph.extents().max()) or 1.0
    return replace(scene, layers=[*scene.layers, replace(glyph, size=SIZE * radius / reach)])
