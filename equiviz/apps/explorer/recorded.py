"""What a model gives for each of several structures: recorded once, and kept.

Typed tensors whose values lie on points in space (a signal on the sphere, a state in phase space) are looked at like
structures: each row of them is one input, and each stage has points of its own. `capture` is the record as the tools
take it, `seen` the same as it is drawn, with a row for each point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, cast

import torch
from torch import nn

from equiviz.apps.explorer.choices import Choice
from equiviz.apps.explorer.place import Place
from equiviz.equivariance.subject import as_subject
from equiviz.features.capture import Capture, record
from equiviz.features.errors import CaptureError
from equiviz.features.model_input import Given, accepted, measured, prepared
from equiviz.interop.adapters import adapted
from equiviz.nn.equivariant_model import EquivariantModel, title_of
from equiviz.nn.stage import Support
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.points import PointValues
from equiviz.view.points import point_structure, point_values

Input: TypeAlias = "Structure | Graph | TypedTensors"
"""One thing that a model is shown."""


@dataclass(eq=False)
class Recorded:
    """A model, its inputs, and the record of each, made when it is first asked for.

    Attributes:
        model: with typed stages: of equiviz's own, adapted, or with types inferred.
        name: what to call it.
        inputs: what the model is shown.
        structures: the same, to be drawn; `place` is what a stage is drawn on.
        supports: as in `equiviz.capture`.
        failures: what the model raised, by number of the structure.
    """

    model: nn.Module
    name: str
    inputs: list[Input]
    structures: list[Structure]
    supports: Mapping[str, Support] | None = None
    failures: dict[int, str] = field(default_factory=dict)
    _captures: dict[int, Capture] = field(default_factory=dict)
    _measured: dict[int, Input] = field(default_factory=dict)
    _seen: dict[int, Capture] = field(default_factory=dict)
    _wholes: dict[int, Capture] = field(default_factory=dict)
    _points: dict[int, dict[str, PointValues]] = field(default_factory=dict)
    _drawn: dict[tuple[int, str], Structure] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        model: nn.Module,
        structures: Given | Sequence[Given],
        supports: Mapping[str, Support] | None = None,
        name: str = "",
    ) -> Recorded:
        """Record the first structure; the others wait until they are looked at.

        Args:
            model: anything that `equiviz.capture` takes; a model of another package is adapted, and where nothing
                declares types they are inferred.
            structures: one or several, in any form that `equiviz.capture` takes; or one Graph of one structure; or
                typed tensors that lie on points, of which each row is one input.
            supports: as in `equiviz.capture`.
            name: of the model; by default its class.

        Raises:
            CaptureError: no structures; a Graph of several; a model that cannot be recorded.
            CheckError, ModelError, StructureError, InteropError: what the model or the structures lack.
        """
        known = adapted(model)
        entries = _listed(known, structures)
        subject, _ = as_subject(known, entries[0], None, None, None)
        made = cls(subject, name, entries, [_drawn(x) for x in entries], supports)
        try:
            made.name = name or made.capture(0).model
        except (AttributeError, TypeError) as problem:
            if not made.on_points:
                raise
            what = type(entries[0]).__name__
            raise CaptureError(f"{title_of(subject)} does not read {what}: {problem}.") from problem
        return made

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def on_points(self) -> bool:
        """Whether what is looked at is no structure of atoms, but values on points in space."""
        return isinstance(self.inputs[0], TypedTensors)

    @property
    def noun(self) -> str:
        """What one of the points is: "atom", "point", "vector"."""
        return input_points(self.inputs[0]).point if isinstance(self.inputs[0], TypedTensors) else "atom"

    @property
    def whole(self) -> str:
        """What one input is called: "structure", or "input" of what is none."""
        return "input" if self.on_points else "structure"

    def measured(self, number: int) -> Input:
        """An input in the model's precision, with all attached that the model reads of it, so that it turns along."""
        if number not in self._measured:
            subject, taken = as_subject(self.model, self.inputs[number], None, None, None)
            self._measured[number] = cast("Input", measured(subject, taken))
        return self._measured[number]

    def capture(self, number: int) -> Capture:
        """The record of one structure.

        Raises:
            CaptureError: as `equiviz.capture`.
            Exception: what the model raises.
        """
        if number not in self._captures:
            try:
                self._captures[number] = record(self.model, prepared(self.model, self.measured(number)), self.supports)
            except Exception as problem:
                self.failures[number] = f"{type(problem).__name__}: {problem}"
                raise
            self.failures.pop(number, None)
        return self._captures[number]

    def seen(self, number: int) -> Capture:
        """The record of one structure as it is drawn: of values on points, one row for each point of a stage.

        What lies on no points is a value of the whole. Raises as `capture`.
        """
        captured = self.capture(number)
        if not self.on_points:
            return captured
        if number not in self._seen:
            known = {name: point_values(item) for name, item in captured.items()}
            self._points[number] = {name: on for name, on in known.items() if on is not None}
            self._seen[number] = replace(captured, fields={n: as_seen(captured[n], on) for n, on in known.items()})
        return self._seen[number]

    def wholes(self, number: int) -> Capture:
        """The record as predictions are asked about: what is no structure of atoms is one row, a value of the whole."""
        captured = self.capture(number)
        if not self.on_points:
            return captured
        if number not in self._wholes:
            self._wholes[number] = replace(captured, fields={n: as_seen(f, None) for n, f in captured.items()})
        return self._wholes[number]

    def inner(self, choice: Choice, selected: Sequence[int] = ()) -> Choice:
        """A choice of what is drawn on points, as the model has it: the block and the channel of the stage itself.

        Where each point is a vector, the channel is the one that is selected.
        """
        if self.place(choice.structure, choice.stage).on is None:
            return choice
        field = self.capture(choice.structure)[choice.stage]
        block = field.representation.labels()[0]
        chosen = (selected[0] if selected else 0) if self.moving else choice.channel
        return replace(choice, block=block, channel=min(chosen, field[block].shape[-2] - 1))

    @property
    def moving(self) -> bool:
        """Whether points go where the values take them, so that their vectors alone are no features of the input."""
        given = self.inputs[0]
        return isinstance(given, TypedTensors) and not input_points(given).fixed

    def rows(self, number: int) -> Capture:
        """The record with the rows that maps and spectra are made of: atoms, points of a grid, whole systems."""
        return self.capture(number) if self.moving else self.seen(number)

    def place(self, number: int, stage: str) -> Place:
        """What a stage is drawn on: the atoms; the stage's own points, or those of the input where it has none."""
        graph, given = self.seen(number).graph, self.inputs[number]
        if not isinstance(given, TypedTensors):
            return Place(self.structures[number], graph)
        on = self._points[number].get(stage)
        return Place(self._structure(number, stage, on), None, on, input_points(given))

    def _structure(self, number: int, stage: str, on: PointValues | None) -> Structure:
        """One object for equal points, so that a view knows that nothing but values changes."""
        if on is None:
            return self.structures[number]
        if (number, stage) not in self._drawn:
            alike = [self.structures[number], *(s for (k, _), s in self._drawn.items() if k == number)]
            same = next((s for s in alike if torch.equal(s.positions, on.positions)), None)
            self._drawn[number, stage] = point_structure(on) if same is None else same
        return self._drawn[number, stage]

    @property
    def captures(self) -> dict[int, Capture]:
        """The records that there are, by number of the structure."""
        return dict(sorted(self._captures.items()))

    def missing(self) -> int | None:
        """The first structure that was not tried yet; None where all were."""
        tried = {*self._captures, *self.failures}
        return next((number for number in range(len(self)) if number not in tried), None)

    def title(self, number: int) -> str:
        """What a structure is called in menus: its number, name and size."""
        structure, noun = self.structures[number], self.noun
        if self.on_points:
            return f"{number + 1}. {len(structure):,} {noun}s"
        return f"{number + 1}. {structure.name or 'structure'} ({len(structure):,} {noun}s)"


def as_seen(item: Field, on: PointValues | None) -> Field:
    """A field of one row as it is drawn: point by point, or as a value of the whole."""
    if on is None:
        return Field(item.values, item.representation, "graph")
    return Field(on.values, on.representation, "node")


def input_points(x: TypedTensors) -> PointValues:
    """Where the first tensor lies that has a place in space.

    Raises:
        CaptureError: none has.
    """
    known = (point_values(item) for item in x.fields.values())
    found = next((on for on in known if on is not None), None)
    if found is None:
        kinds = ", ".join(str(item.representation) for item in x.fields.values())
        raise CaptureError(
            "The explorer draws structures of atoms, signals on the sphere, and vectors of C^2 or C^3; this input, "
            f"{kinds}, has no place in space. equiviz.check(model, x) turns it, equiviz.capture(model, x) holds its "
            "features."
        )
    return found


def _listed(model: nn.Module, structures: object) -> list[Input]:
    typed = _typed(model, structures)
    if typed:
        rows: list[Input] = [row for part in typed for row in part.apart()]
        if not rows:
            raise CaptureError(f"Expected at least one row to look at, got {type(typed[0]).__name__} without any.")
        return rows
    taken = accepted(structures)
    if isinstance(taken, Graph):
        if taken.n_graphs != 1:
            raise CaptureError(f"Expected a Graph of one structure, got one of {taken.n_graphs}. Pass the structures.")
        return [taken]
    if isinstance(taken, Structure):
        return [taken]
    if not isinstance(taken, Sequence):
        raise CaptureError(f"Expected structures, whose atoms can be drawn, got {type(taken).__name__}.")
    return list(taken)


def _typed(model: nn.Module, given: object) -> list[TypedTensors]:
    """What came, where the model reads typed tensors of it, together or one by one; else nothing."""

    def read(x: object) -> object:
        return model.reads(x) if isinstance(model, EquivariantModel) else x

    whole = read(given)
    if isinstance(whole, TypedTensors):
        return [whole]
    parts = [read(part) for part in given] if isinstance(given, (list, tuple)) else []
    return [part for part in parts if isinstance(part, TypedTensors)]


def _drawn(x: Input) -> Structure:
    if isinstance(x, Structure):
        return x
    if isinstance(x, TypedTensors):
        return point_structure(input_points(x))
    periods = (False, False, False) if x.pbc is None else tuple(x.pbc[0].tolist())
    return Structure(
        positions=x.positions.detach(),
        species=x.species,
        cell=None if x.cells is None or not any(periods) else x.cells[0],
        pbc=cast("tuple[bool, bool, bool]", periods),
        length_unit=x.length_unit,
        species_names=x.species_names,
        name=x.names[0] if x.names else "",
    )
