"""A scene in words: one sentence per layer, the same for the same scene."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from equiviz.view.layers import Arrows, Atoms, Bonds, CellBox, Glyphs, Labels

if TYPE_CHECKING:
    from equiviz.view.scene import Scene


def describe(scene: Scene) -> str:
    """What is drawn: layers in their order, then the frames."""
    unit = f" {scene.length_unit}" if scene.length_unit else ""
    told = [_WORDS[type(layer)](layer, unit) for layer in scene.layers]
    told += (
        [f"{len(scene.frames):,} frames, {scene.frames[0].label} to {scene.frames[-1].label}."] if scene.frames else []
    )
    return " ".join(told) or "An empty scene."


def _atoms_words(atoms: Atoms, unit: str) -> str:
    if len(atoms.positions) == 1 and atoms.colour and not atoms.labels:  # what points lie on is no particle
        return "They lie on a ball."
    count = _count(len(atoms.positions), "particle")
    if atoms.values is None:
        names = ", ".join(f"{(np.asarray(atoms.labels) == n).sum():,} {n}" for n in dict.fromkeys(atoms.labels))
        return f"{count} ({names})." if names else f"{count}."
    known = atoms.values[np.isfinite(atoms.values)]
    spread = f" from {known.min():.4g} to {known.max():.4g}" if len(known) else " (no value known)"
    return f"{count} coloured by {atoms.scale.heading or 'a value'}{spread}."


def _bonds_words(bonds: Bonds, unit: str) -> str:
    return f"{_count(len(bonds.pairs), 'bond')}."


def _arrows_words(layer: Arrows, unit: str) -> str:
    length = np.linalg.norm(layer.vectors, axis=1)
    most = f", the longest {length.max():.4g} {layer.scale.unit}".rstrip() if len(length) else ""
    kind = " (pseudo-vectors: a ring shows their sense)" if layer.axial else ""
    many = _count(len(length), "arrow")
    longer = "" if layer.magnify == 1 else f", drawn {layer.magnify:.3g} times as long"
    return f"{many} of {layer.scale.title}{kind}{most}{longer}."


def _glyphs_words(glyphs: Glyphs, unit: str) -> str:
    largest = f", the largest reaching {glyphs.extents().max():.4g} {glyphs.scale.unit}".rstrip()
    named = f" of {glyphs.name}" if glyphs.name else ""
    return (
        f"{_count(len(glyphs.origins), 'glyph')}{named} (spherical harmonics up to l = {glyphs.degree})"
        f"{largest if len(glyphs.origins) else ''}: the distance from the centre is |f|, the colour is f."
    )


def _cell_words(box: CellBox, unit: str) -> str:
    sides = " x ".join(f"{side:.4g}" for side in np.linalg.norm(box.cell, axis=1))
    return f"A periodic cell with sides {sides}{unit}."


def _labels_words(labels: Labels, unit: str) -> str:
    return f"{_count(len(labels.texts), 'label')}."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


_WORDS: dict[type, Callable[..., str]] = {
    Atoms: _atoms_words,
    Bonds: _bonds_words,
    Arrows: _arrows_words,
    Glyphs: _glyphs_words,
    CellBox: _cell_words,
    Labels: _labels_words,
}
