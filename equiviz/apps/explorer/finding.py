"""What the explorer looks for, question by question: the verbs, asked of what is shown, and their answers on its atoms.

Shapes: N atoms of the shown structure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from equiviz.apps.explorer.asking import Asked
from equiviz.apps.explorer.recorded import Recorded
from equiviz.explain.blind_spots.search import find_blind_spot
from equiviz.explain.blind_spots.unseen import unseen_directions
from equiviz.explain.counterfactual.counterfactual import counterfactual
from equiviz.explain.dictionary.dictionary import dictionary
from equiviz.explain.outputs import own_name
from equiviz.explain.symmetry_breaking.breaking import symmetry_breaking
from equiviz.features.capture import Capture
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.view.report import Report
from equiviz.view.scene import Scene, SceneRow
from equiviz.view.show import show

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MOVE = "What is the least that had to move?"
UNSEEN = "Which directions does this layer not see?"
ALIKE = "Which other arrangement looks the same to this layer?"
MISSING = "Which irreps are missing to reach a target?"
MADE = "Of which few irreps is this layer made?"
QUESTIONS = (MOVE, UNSEEN, ALIKE, MISSING, MADE)
OF_A_LAYER = (UNSEEN, ALIKE, MADE)
"""Those about the layer that is shown; where it has a row for each atom, two of them about the selected one."""
VERBS: Mapping[str, str] = {
    MOVE: "counterfactual",
    UNSEEN: "unseen_directions",
    ALIKE: "find_blind_spot",
    MISSING: "symmetry_breaking",
    MADE: "dictionary",
}
"""What answers them from Python."""
ATTEMPTS, STEPS = 2, 60
"""Of the search for another arrangement: quick, rather than as thorough as the verb is by default."""
DIRECTIONS = 12
"""Unseen directions in the menu; any mixture of them is as unseen."""
SEARCHES: Mapping[str, int] = {MOVE: 300, UNSEEN: 20, ALIKE: 400}
"""Passes forward and backward, about, that a search takes (measured on 9 and 60 atoms); easy ones end much sooner."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """One answer on the atoms.

    Attributes:
        values: how much of it each atom has ``[N]``.
        name: of these numbers.
        words: what is drawn, under the picture.
        scene: what is drawn; None for atoms coloured by the numbers.
        row: pictures beside the words, where the answer has more environments than the one that is shown.
    """

    values: NDArray[np.float64]
    name: str
    words: str
    scene: Scene | None = None
    row: SceneRow | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """What a verb found.

    Attributes:
        report: what it returned.
        parts: titles of what can be drawn; none where there is nothing.
        drawn: draws one of them, by its number.
        figure: the report's chart; None where its picture is the structure itself, which is drawn already.
    """

    report: Report
    parts: tuple[str, ...]
    drawn: Callable[[int], Drawn]
    figure: Callable[[], Figure] | None = None


@dataclass(frozen=True, eq=False)
class Target:
    """What a prediction should become.

    Attributes:
        title: in the menu.
        start: the input, without what is wanted of it.
        wanted: a field on its atoms, or the same atoms elsewhere.
    """

    title: str
    start: Structure
    wanted: Field | Structure


@dataclass(frozen=True)
class Unit:
    """What a change of a prediction is counted in.

    Attributes:
        size: in the prediction's own unit, above 0.
        words: what it is.
    """

    size: float
    words: str = field(compare=False)


def unit_of(capture: Capture, asked: Asked) -> Unit:
    """The spread of the asked number over the atoms; of what has no atoms, its size; where that vanishes, its unit.

    Args:
        capture: one run.
        asked: the number.
    """
    found = capture[asked.output]
    flat = found.values.detach().flatten(1).abs() if found.values.is_complex() else found.values.detach().flatten(1)
    norm = asked.component is None and flat.shape[1] > 1

    def number(rows: torch.Tensor) -> torch.Tensor:
        return rows.norm(dim=1) if norm else rows[:, asked.component or 0]

    if isinstance(asked.at, int) and len(flat) > 1:
        spread, words = float(number(flat).double().std()), "standard deviations over the atoms"
    else:
        spread, words = float(number(flat.sum(0, keepdim=True)).double().abs()), "times its size"
    return Unit(spread, words) if np.isfinite(spread) and spread > 0 else Unit(1.0, "in its own unit")


def where_asked(capture: Capture, stage: str, selected: Sequence[int], labels: Sequence[str]) -> tuple[int | None, str]:
    """The atom at which a layer is asked, and that in words; None for all rows."""
    rows = capture[stage]
    if rows.support != "node":
        return None, f"{stage}, all {len(rows):,} rows ({rows.support})"
    if selected and selected[0] < len(rows):
        return selected[0], f"{stage} at atom {labels[selected[0]]} {selected[0]}"
    return None, f"{stage}, all {len(rows):,} atoms"


def targets_of(recorded: Recorded, number: int) -> list[Target]:
    """What the loaded structures offer as targets: the same atoms elsewhere, and typed fields that they carry.

    A field that is wanted is taken off the input: what is given needs not be predicted.
    """
    start = recorded.structures[number]
    others = [
        Target(f"move to {recorded.title(k)}", start, other)
        for k, other in enumerate(recorded.structures)
        if k != number and len(other) == len(start) and torch.equal(other.species.cpu(), start.species.cpu())
    ]
    carried = [
        Target(f"{name} ({held.representation})", _without(start, name), held) for name, held in start.node.items()
    ]
    return [*others, *carried]


def least_motion(recorded: Recorded, number: int, asked: Asked, change: float) -> Found:
    """The smallest displacement that changes the asked number by so much, in its own unit; raises as the verb."""
    given, cutoff = _given(recorded, number)
    report = counterfactual(
        recorded.model, given, change, asked.output, at=asked.at, component=asked.component, cutoff=cutoff
    )
    what = f"Arrows: where atoms go for {own_name(asked.output)} {asked.of} to change; magnified, lengths on the scale."
    drawn = _arrows(recorded.structures[number], report.displacement, "displacement", what)
    parts = ("the displacement",) if report.norm > 0 else ()
    return Found(report, parts, lambda _: drawn, report.descriptor_figure if report.descriptors else None)


def unseen(recorded: Recorded, number: int, stage: str, atom: int | None) -> Found:
    """The displacements that a layer does not feel, to first order; raises as the verb."""
    given, cutoff = _given(recorded, number)
    report = unseen_directions(recorded.model, given, stage, at=atom, cutoff=cutoff)
    parts = tuple(f"{k + 1} of {report.count}" for k in range(min(DIRECTIONS, report.count)))

    def drawn(place: int) -> Drawn:
        what = f"Arrows: motion {parts[place]} that {stage} does not see to first order; only their ratios count."
        return _arrows(recorded.structures[number], report.direction(place), "unseen motion", what)

    return Found(report, parts, drawn, report.figure)


def look_alike(recorded: Recorded, number: int, stage: str, atom: int | None) -> Found:
    """Another arrangement with the same features; raises as the verb."""
    given, cutoff = _given(recorded, number)
    told = {"attempts": ATTEMPTS, "steps": STEPS, "cutoff": cutoff}
    report = find_blind_spot(recorded.model, given, stage, at=atom, **told)  # type: ignore[arg-type]
    how = "looks the same to" if report.found else "looks most alike to"
    what = f"Arrows: the way to the arrangement that {how} {stage}."
    made = _arrows(recorded.structures[number], report.displacement, "displacement", what)
    drawn = replace(made, row=SceneRow(tuple(report.scenes())))
    return Found(report, ("the way there",), lambda _: drawn)


def missing(target: Target) -> Found:
    """What no equivariant model can give of a target, and the irreps that would bring it within reach."""
    report = symmetry_breaking(None, target.start, target.wanted)
    values = report.missing.values.detach().double().norm(dim=1).numpy()

    def drawn(place: int) -> Drawn:
        irrep = report.needed[place]
        what = f"What no equivariant model can give of the target; in the middle, {irrep}, which would help."
        return Drawn(values, "missing", what, report.scene(irrep))

    return Found(report, tuple(report.needed), drawn, report.figure)


def made_of(recorded: Recorded, number: int, stage: str) -> Found:
    """The few irreps that a layer is made of, learned from all loaded structures; raises as the verb."""
    report = dictionary(recorded.model, [_given(recorded, k)[0] for k in range(len(recorded))], stage, starts=1)
    leading = report.leading()
    codes = report.dictionary.codes(recorded.capture(number)[stage].detach().to("cpu").to(torch.float64))
    parts = tuple(f"{report.atoms[k].atom} ({report.atoms[k].share:.0%} of the squares)" for k in leading)

    def drawn(place: int) -> Drawn:
        atom = leading[place]
        values = codes[:, atom].norm(dim=1).numpy()
        what = f"Colours: how much each atom's environment holds of {report.atoms[atom].atom}, as {stage} sees it."
        return Drawn(values, "strength", what, row=report.gallery(atom, shown=2))

    return Found(report, parts, drawn, report.figure)


def _arrows(structure: Structure, motion: Field, name: str, words: str) -> Drawn:
    lengths = motion.values.detach().double().norm(dim=1).numpy()
    scene = show(structure, motion, title=structure.name, name=name, unit=structure.length_unit)
    return Drawn(lengths, name, words, scene)


def _given(recorded: Recorded, number: int) -> tuple[Structure, float | None]:
    """A structure whose points can move, and the cutoff where the model was shown a graph of it."""
    given, drawn = recorded.inputs[number], recorded.structures[number]
    if isinstance(given, Graph):
        return replace(drawn, node=dict(given.node), graph=dict(given.graph)), given.cutoff
    assert isinstance(given, Structure)  # of anything else these questions are not offered
    return given, None


def _without(structure: Structure, name: str) -> Structure:
    return replace(structure, node={key: held for key, held in structure.node.items() if key != name})
