"""`ModelCalculator`: any model with an energy, as a calculator of ASE; `tensors_along`: its tensors along a run.

Units are ASE's: eV, eV/Å, e Å for dipoles, e² Å² / eV for polarizabilities (Larsen et al., J. Phys. Condens. Matter 29
(2017) 273002). Where a model learned dipoles and polarizabilities in atomic units, they are converted: 1 a.u. of a
dipole is 0.529177 e Å (the Bohr radius), of a polarizability 0.0102908 e² Å² / eV (its square over a Hartree).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from ase.calculators.calculator import Calculator, all_changes
from ase.units import Bohr, Hartree
from tqdm.auto import tqdm

from equiviz.calculators.errors import CalculatorError, MissingProperty
from equiviz.calculators.moving_graph import MovingGraph
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.training.molecule_report import unit_of

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

TensorUnit = Literal["a.u.", "ASE"]
IN_ASE: Mapping[str, float] = {"dipole": float(Bohr), "polarizability": float(Bohr**2 / Hartree)}
"""One atomic unit of each, in the units of ASE."""
SHAPES: Mapping[str, tuple[int, ...]] = {"dipole": (3,), "polarizability": (3, 3)}


class ModelCalculator(Calculator):
    """Energies and forces of a model, for ASE; dipoles and polarizabilities where it, or a second model, has them.

    Example:
        ``atoms.calc = ModelCalculator(equiviz.load("painn-acac"))``

    Args:
        model: gives "energy" (eV, one per structure); "forces" (eV/Å) too, or they are derivatives of the energy by
            the positions. It may lack both where only `tensors` are wanted.
        tensors: another model, for "dipole" and "polarizability"; by default `model` itself.
        skin: in Å; neighbours are looked for again when an atom has moved by half of it. Only where the model can
            reuse its graph (`ReusesNeighbours`).
        tensor_unit: "a.u." or "ASE"; by default what the model's manifest says.
        dtype: of the computation, on copies of the models. In float32 the noise of forces (1e-5 of them) makes the
            energy wander and Hessians rough.
    """

    implemented_properties: ClassVar[list[str]] = [  # pyright: ignore[reportIncompatibleVariableOverride]
        "energy",
        "free_energy",
        "forces",
        "dipole",
        "polarizability",
    ]

    def __init__(
        self,
        model: EquivariantModel,
        tensors: EquivariantModel | None = None,
        skin: float = 0.5,
        tensor_unit: TensorUnit | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self._unit, self._derives = tensor_unit, False
        self._tensor_source = model if tensors is None else tensors
        self._model = _in_dtype(model, dtype)
        self._graphs = MovingGraph(self._model, skin)
        same = tensors is None or tensors is model
        self._tensor_graphs = self._graphs if same else MovingGraph(_in_dtype(self._tensor_source, dtype), skin)

    @property
    def searches(self) -> int:
        """How often neighbours were looked for, for energies and forces."""
        return self._graphs.searches

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """What ASE calls. Raises MissingProperty, or CalculatorError where the unit of a tensor is not known."""
        super().calculate(atoms, list(properties), list(system_changes))
        structure = _bare(self.atoms)
        asked = set(properties)
        if asked & set(SHAPES):
            self._take_tensors(structure, asked & set(SHAPES))
        if asked - set(SHAPES):
            self._take_energy(structure)

    def _take_energy(self, structure: Structure) -> None:
        graph = self._graphs.of([structure])
        found: dict[str, Field] = {}
        if not self._derives:
            with torch.no_grad():
                found = self._model(graph)
            _known(found, "energy", self._model)
            self._derives = "forces" not in found
        if self._derives:
            found = _derived(self._model, graph)
        self.results["energy"] = self.results["free_energy"] = float(found["energy"].values[0, 0])
        self.results["forces"] = _array(found["forces"])

    def _take_tensors(self, structure: Structure, asked: set[str]) -> None:
        graphs = self._tensor_graphs
        with torch.no_grad():
            found: dict[str, Field] = graphs.model(graphs.of([structure]))
        for name in sorted(asked):
            values = _known(found, name, graphs.model)
            factor = _factor(name, self._tensor_source, self._unit)
            self.results[name] = factor * _array(values)[0].reshape(SHAPES[name])


def tensors_along(
    model: EquivariantModel,
    atoms: Atoms,
    positions: NDArray[np.float64],
    tensor_unit: TensorUnit | None = None,
    batch: int = 1000,
    progress: bool = False,
) -> dict[str, NDArray[np.float64]]:
    """Dipoles and polarizabilities of a molecule in many places, many at once.

    Args:
        model: gives some of "dipole", "polarizability".
        atoms: the molecule; its own positions are not read.
        positions: [T, N, 3] in Å.
        tensor_unit: as for `ModelCalculator`.
        batch: molecules at once.
        progress: whether to show a progress bar.

    Returns:
        "dipole" [T, 3] in e Å and "polarizability" [T, 3, 3] in e² Å² / eV, those that the model gives.

    Raises:
        CalculatorError: positions of another shape, or an unknown unit.
        MissingProperty: the model gives neither.
    """
    if positions.ndim != 3 or positions.shape[1:] != (len(atoms), 3):
        raise CalculatorError(
            f"tensors_along: expected positions [T, {len(atoms)}, 3] of {atoms.get_chemical_formula()}, got "
            f"{list(positions.shape)}. Of several molecules side by side pass those of one: Trajectory.of_molecules()."
        )
    graphs, bare, parts = MovingGraph(model, skin=1.0), _bare(atoms), []
    for start in tqdm(range(0, len(positions), batch), desc="tensors", unit="batch", disable=not progress):
        several = [replace(bare, positions=torch.tensor(one)) for one in positions[start : start + batch]]
        with torch.no_grad():
            parts.append(model(graphs.of(several)))
    names = [name for name in SHAPES if parts and name in parts[0]]
    if not names:
        _known(parts[0] if parts else {}, "dipole", model)
    return {
        name: _factor(name, model, tensor_unit)
        * np.concatenate([_array(part[name]) for part in parts]).reshape(-1, *SHAPES[name])
        for name in names
    }


def _derived(model: EquivariantModel, graph: Graph) -> dict[str, Field]:
    """Energy, and forces as its derivative by the positions."""
    positions = graph.positions.detach().clone().requires_grad_()
    with torch.enable_grad():
        energy = model(replace(graph, positions=positions))["energy"]
        (slope,) = torch.autograd.grad(energy.values.sum(), positions)
    return {"energy": energy.detach(), "forces": Field(-slope, "1x1o", "node")}


def _known(found: Mapping[str, Field], name: str, model: EquivariantModel) -> Field:
    if name not in found:
        raise MissingProperty(
            f"{model.title} does not predict {name}; it gives {', '.join(found) or 'nothing'}. Use a model that does"
            + (", or give one as tensors=." if name in SHAPES else ".")
        )
    return found[name]


def _factor(name: str, model: EquivariantModel, unit: str | None) -> float:
    told = unit or unit_of(model)
    if told not in ("a.u.", "ASE"):
        raise CalculatorError(
            f"The unit of the {name} of {model.title} is not known (its manifest says {told!r}); expected 'a.u.' or "
            "'ASE' (e Å, e² Å² / eV). Give it as tensor_unit=."
        )
    return IN_ASE[name] if told == "a.u." else 1.0


def _in_dtype(model: EquivariantModel, dtype: torch.dtype) -> EquivariantModel:
    """A copy in evaluation mode: the user's own model keeps its dtype and its mode."""
    return copy.deepcopy(model).to(dtype).eval()


def _bare(atoms: Any) -> Structure:
    """Positions, species and periods, and nothing that `atoms` carries besides: momenta change at every step."""
    cell, (first, second, third) = atoms.cell.array, atoms.pbc.tolist()
    return Structure(
        torch.tensor(atoms.positions),
        torch.tensor(atoms.numbers),
        torch.tensor(cell) if cell.any() else None,
        (first, second, third),
    )


def _array(values: Field) -> NDArray[np.float64]:
    return values.values.detach().double().cpu().numpy()
