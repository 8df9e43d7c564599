"""`evaluate` of models of molecules: errors of energies, forces and tensors beside those of the plainest guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from equiviz.datasets.molecules.frames import NAMES, Frame, MoleculeData, read_molecules
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.structure import Structure
from equiviz.training.errors import TrainingError
from equiviz.training.load import manifest_of
from equiviz.training.molecule_overlap import molecule_overlap_note
from equiviz.training.score_report import ScoreReport
from equiviz.view.page import Section

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure

BATCH = 32
UNITS: Mapping[str, tuple[float, str]] = {"energy": (1000.0, "meV"), "forces": (1000.0, "meV/Å")}
"""What a number of the data (eV, eV/Å) is multiplied by, and the unit that it then has; others stay as they are."""
DATA_UNIT = "data unit"


@dataclass(frozen=True)
class Errors:
    """Errors of one property over all components of all molecules (or atoms), in `unit`.

    Attributes:
        name: of the property.
        unit: "meV", "meV/Å", or the unit of the data.
        rmse, mae: root mean square and mean absolute error.
        guess: what the plainest guess leaves, as a root mean square: for energies and the isotropic part of
            polarizabilities the mean of the data for each composition, for vectors zero.
        count: numbers compared.
    """

    name: str
    unit: str
    rmse: float
    mae: float
    guess: float
    count: int


@dataclass(eq=False, repr=False)
class MoleculeReport(ScoreReport):
    """Predicted properties beside those of the data.

    Attributes:
        model, data: their names.
        predicted, known: by property, [rows, components], in the units of the data (eV, eV/Å).
        guesses: by property, the plainest guess, in the same shape.
        sizes: [S] atoms of each molecule.
        unit: of dipoles and polarizabilities.
        note: what readers should know besides.
    """

    model: str
    data: str
    predicted: Mapping[str, Tensor]
    known: Mapping[str, Tensor]
    guesses: Mapping[str, Tensor]
    sizes: Tensor
    unit: str = DATA_UNIT
    note: str = field(default="")

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"{self.model} on {self.data}"

    def errors(self) -> dict[str, Errors]:
        """The errors by property."""
        return {name: self._errors(name) for name in self.known}

    def _errors(self, name: str) -> Errors:
        factor, unit = UNITS.get(name, (1.0, self.unit))
        error = factor * (self.predicted[name] - self.known[name])
        guess = factor * (self.guesses[name] - self.known[name])
        return Errors(
            name,
            unit,
            float(error.square().mean().sqrt()),
            float(error.abs().mean()),
            float(guess.square().mean().sqrt()),
            error.numel(),
        )

    def to_frame(self) -> DataFrame:
        """One row per property: rmse, mae, guess (root mean square of the plainest guess), in unit; count."""
        import pandas as pd

        return pd.DataFrame([vars(one) for one in self.errors().values()])

    def figure(self) -> Figure:
        """Predicted against known values of the first property."""
        return self._parity(next(iter(self.known)))

    def sections(self) -> list[Section]:
        """A picture for each property, then the table."""
        pictures = [Section(name.capitalize(), "", self._parity(name)) for name in self.known]
        return [*pictures, Section("Numbers", "", self.to_frame())]

    def _parity(self, name: str) -> Figure:
        """Energies are drawn from the plainest guess: sums of thousands of eV would hide all differences."""
        from equiviz.view.maps import parity

        factor, unit = UNITS.get(name, (1.0, self.unit))
        start = self.guesses[name] if name == "energy" else torch.zeros_like(self.known[name])
        known, predicted = (factor * (values[name] - start).flatten() for values in (self.known, self.predicted))
        told = "energy from the mean of the composition" if name == "energy" else name
        return parity(known.numpy(), predicted.numpy(), f"{told} [{unit}]", self.title)

    def describe(self) -> str:
        """Errors of each property beside the plainest guess."""
        lines = [f"{self.title}: {len(self.sizes):,} molecules, {int(self.sizes.sum()):,} atoms."]
        for one in self.errors().values():
            lines.append(
                f"  {one.name}: RMSE {one.rmse:.4g}, MAE {one.mae:.4g} {one.unit} over {one.count:,} numbers; the "
                f"plainest guess leaves {one.guess:.4g}."
            )
        return "\n".join([*lines, *([self.note] if self.note else [])])

    def to_dict(self) -> dict[str, object]:
        """All of it as plain values, for JSON; keys name the units."""
        found: dict[str, object] = {"model": self.model, "data": self.data, "molecules": len(self.sizes)}
        for one in self.errors().values():
            suffix = {"meV": "meV", "meV/Å": "meV_per_A"}.get(one.unit, one.unit.replace(".", "").replace(" ", "_"))
            entries = {f"{key}_{suffix}": getattr(one, key) for key in ("rmse", "mae", "guess")}
            if one.name == "energy":
                error = 1000.0 * (self.predicted["energy"] - self.known["energy"])[:, 0] / self.sizes
                entries["rmse_meV_per_atom"] = float(error.square().mean().sqrt())
                entries["mae_meV_per_atom"] = float(error.abs().mean())
            found[one.name] = {**entries, "count": one.count}
        return {**found, "note": self.note}


def evaluate_molecules(
    model: EquivariantModel, data: MoleculeData | Sequence[Frame], name: str = "", progress: bool = False
) -> MoleculeReport:
    """Score a model of molecules on what it predicts and the data know.

    Args:
        model: gives some of "energy", "forces", "dipole", "polarizability".
        data: an extended-xyz file, several, a folder of such files, or frames.
        name: what to call the model; by default its title.
        progress: whether to show a progress bar.

    Raises:
        DatasetError: files that cannot be read.
        TrainingError: the data have nothing that the model predicts.
        ModelError: an element that the model does not know.
    """
    frames, source = frames_of(data)
    found = _predicted(model, [frame.structure for frame in frames], progress)
    shared = [kind for kind in NAMES if kind in found and all(kind in frame.properties for frame in frames)]
    if not shared:
        have = sorted({kind for frame in frames for kind in frame.properties})
        raise TrainingError(
            f"The model predicts {', '.join(found)}, the data have {', '.join(have)}: nothing that all frames share "
            "can be compared."
        )
    known = {kind: torch.cat([frame.properties[kind].values for frame in frames]).double() for kind in shared}
    notes = [note for note in (model.note, molecule_overlap_note(manifest_of(model), frames)) if note]
    return MoleculeReport(
        name or model.title,
        source,
        {kind: found[kind] for kind in shared},
        known,
        {kind: _guess(kind, frames, values) for kind, values in known.items()},
        torch.tensor([len(frame.structure) for frame in frames]),
        unit_of(model),
        " ".join(notes),
    )


def frames_of(data: MoleculeData | Sequence[Frame]) -> tuple[list[Frame], str]:
    """Frames, read where they are files, and what to call them."""
    if isinstance(data, (list, tuple)) and data and all(isinstance(entry, Frame) for entry in data):
        return list(data), f"{len(data)} molecules"  # type: ignore[arg-type]
    found = read_molecules(data)  # type: ignore[arg-type]
    return found, ", ".join(dict.fromkeys(frame.name.rpartition("[")[0] for frame in found))


def unit_of(model: EquivariantModel) -> str:
    """The unit of dipoles and polarizabilities, where the manifest tells it."""
    manifest = manifest_of(model)
    told = None if manifest is None else manifest.data.get("tensor_unit")
    return told if isinstance(told, str) else DATA_UNIT


def _predicted(model: EquivariantModel, structures: Sequence[Structure], progress: bool) -> dict[str, Tensor]:
    """By property, [rows, components] float64, a batch of molecules at a time."""
    from tqdm.auto import tqdm

    starts = range(0, len(structures), BATCH)
    parts = [
        model.predict(list(structures[start : start + BATCH]))
        for start in tqdm(starts, desc="evaluating", unit="batch", disable=not progress)
    ]
    return {name: torch.cat([part[name].values for part in parts]).double() for name in parts[0]}


def _guess(kind: str, frames: Sequence[Frame], known: Tensor) -> Tensor:
    """Zero for vectors; for energies and polarizabilities the mean over molecules of the same composition."""
    if kind in ("forces", "dipole"):
        return torch.zeros_like(known)
    compositions = [tuple(sorted(frame.structure.species.tolist())) for frame in frames]
    names = {composition: place for place, composition in enumerate(dict.fromkeys(compositions))}
    places = torch.tensor([names[composition] for composition in compositions])
    sums = known.new_zeros(len(names), known.shape[1]).index_add(0, places, known)
    means = sums / torch.bincount(places)[:, None]
    if kind == "polarizability":
        means = means[:, [0, 4, 8]].mean(1, keepdim=True) * torch.eye(3, dtype=known.dtype).flatten()
    return means[places]
