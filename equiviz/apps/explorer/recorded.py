"""What a model gives for each of several structures: recorded once, and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from torch import nn

from equiviz.equivariance.subject import as_subject
from equiviz.features.capture import Capture, record
from equiviz.features.errors import CaptureError
from equiviz.features.model_input import Given, accepted, measured, prepared
from equiviz.interop.adapters import adapted
from equiviz.nn.stage import Support
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure


@dataclass(eq=False)
class Recorded:
    """A model, its inputs, and the record of each, made when it is first asked for.

    Attributes:
        model: with typed stages: of equiviz's own, adapted, or with types inferred.
        name: what to call it.
        inputs: what the model is shown.
        structures: the same, to be drawn.
        supports: as in `equiviz.capture`.
        failures: what the model raised, by number of the structure.
    """

    model: nn.Module
    name: str
    inputs: list[Structure | Graph]
    structures: list[Structure]
    supports: Mapping[str, Support] | None = None
    failures: dict[int, str] = field(default_factory=dict)
    _captures: dict[int, Capture] = field(default_factory=dict)
    _measured: dict[int, Structure | Graph] = field(default_factory=dict)

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
            structures: one or several, in any form that `equiviz.capture` takes; or one Graph of one structure.
            supports: as in `equiviz.capture`.
            name: of the model; by default its class.

        Raises:
            CaptureError: no structures; a Graph of several; a model that cannot be recorded.
            CheckError, ModelError, StructureError, InteropError: what the model or the structures lack.
        """
        entries = _listed(structures)
        subject, _ = as_subject(adapted(model), entries[0], None, None, None)
        made = cls(subject, name, entries, [_drawn(x) for x in entries], supports)
        made.name = name or made.capture(0).model
        return made

    def __len__(self) -> int:
        return len(self.inputs)

    def measured(self, number: int) -> Structure | Graph:
        """An input in the model's precision, with all attached that the model reads of it, so that it turns along."""
        if number not in self._measured:
            subject, taken = as_subject(self.model, self.inputs[number], None, None, None)
            self._measured[number] = cast("Structure | Graph", measured(subject, taken))
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
        structure = self.structures[number]
        return f"{number + 1}. {structure.name or 'structure'} ({len(structure):,} atoms)"


def _listed(structures: Given | Sequence[Given]) -> list[Structure | Graph]:
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


def _drawn(x: Structure | Graph) -> Structure:
    if isinstance(x, Structure):
        return x
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
