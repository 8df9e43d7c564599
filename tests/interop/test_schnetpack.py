"""schnetpack, the real package: PaiNN and SchNet."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn

from equiviz.interop import InteropError, adapted, undisturbed
from equiviz.structures.structure import Structure
from tests.interop.contract import CUTOFF, AdapterContract, molecule, quick_check
from tests.interop.one_environment import only_in

pytestmark = only_in("schnetpack")


def _schnetpack() -> ModuleType:
    """schnetpack 2.0.4 asks torch for a name that torch 2.13 no longer has."""
    import torch.utils.data.dataloader as loader

    if not hasattr(loader, "T_co"):
        loader.T_co = TypeVar("T_co", covariant=True)  # type: ignore[attr-defined]
    with undisturbed():
        import schnetpack
    return schnetpack


def _model(kind: str, dtype: torch.dtype, *heads: nn.Module) -> nn.Module:
    package = _schnetpack()
    torch.set_default_dtype(torch.float32)  # schnetpack builds in no other
    basis = package.nn.GaussianRBF(n_rbf=8, cutoff=CUTOFF)
    body = getattr(package.representation, kind)(
        n_atom_basis=6, n_interactions=2, radial_basis=basis, cutoff_fn=package.nn.CosineCutoff(CUTOFF)
    )
    outputs = [
        package.atomistic.Atomwise(n_in=6, output_key="energy", per_atom_output_key="atomic_energies"),
        *heads,
        package.atomistic.Forces(calc_stress=True),
    ]
    strained = [package.atomistic.Strain(), package.atomistic.PairwiseDistances()]
    return package.model.NeuralNetworkPotential(body, strained, outputs).to(dtype).eval()


class SchnetpackContract(AdapterContract):
    kind: str
    # Forces divides by the triple product of the lattice vectors, which is negative in a left-handed cell.
    known_faults = frozenset({("output.stress", "inversion")})

    def build(self, dtype: torch.dtype) -> nn.Module:
        return _model(self.kind, dtype)

    def native(self, model: nn.Module, structure: Structure) -> Mapping[str, Tensor]:
        package = _schnetpack()
        convert = package.interfaces.AtomsConverter(
            neighbor_list=package.transform.ASENeighborList(cutoff=CUTOFF), dtype=torch.float64
        )
        with undisturbed():
            torch.set_default_dtype(torch.float64)
            found = model(convert(structure.to_ase()))
        names = ["energy", "forces"] + ["stress"] * (structure.cell is not None)
        return {name: found[name].detach() for name in names}


class TestPaiNN(SchnetpackContract):
    kind = "PaiNN"
    stages = (
        "representation.embedding",
        "representation.interactions.0.scalars",
        "representation.interactions.1.vectors",
        "representation.mixing.1.vectors",
        "output.node_energy",
    )
    broken = ("representation.interactions.0.vectors", "1o")
    upstream = "representation.mixing.0.vectors"
    raising = "representation.mixing.1"

    def spoil(self, model: nn.Module) -> None:
        def relu_on_vectors(_module: object, _inputs: object, output: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            return output[0], output[1].relu()

        model.representation.interactions[0].register_forward_hook(relu_on_vectors)  # type: ignore[union-attr,index]


class TestSchNet(SchnetpackContract):
    kind = "SchNet"
    stages = ("representation.embedding", "representation.interactions.0", "representation.interactions.1")
    broken = ("representation.interactions.1", "0e")
    upstream = "representation.interactions.0"
    raising = "representation.interactions.1"

    def spoil(self, model: nn.Module) -> None:
        """SchNet has no vectors: a running sum over atoms, which depends on their order."""

        def running_sum(_module: object, _inputs: object, output: Tensor) -> Tensor:
            return output.cumsum(0)

        model.representation.interactions[1].register_forward_hook(running_sum)  # type: ignore[union-attr,index]


def test_dipole_and_charges_turn() -> None:
    package = _schnetpack()
    with undisturbed():
        torch.manual_seed(0)
        head = package.atomistic.DipoleMoment(n_in=6, use_vector_representation=True, return_charges=True)
        model = adapted(_model("PaiNN", torch.float64, head))
    report = quick_check(model, molecule())
    assert report.passed, report.describe()
    assert {"output.dipole", "output.charges"} <= set(report.stages)


def test_polarizability_reads_absolute_positions() -> None:
    """A real one: schnetpack's head multiplies by positions, and relies on a transform that centres them."""
    package = _schnetpack()
    with undisturbed():
        torch.manual_seed(0)
        model = adapted(_model("PaiNN", torch.float64, package.atomistic.Polarizability(n_in=6)))
    report = quick_check(model, molecule())
    alarming = {(finding.stage, finding.group) for finding in report.findings if finding.alarming}
    assert alarming == {("output.polarizability", "translation")}
    assert "absolute positions" in report.describe()


def test_a_representation_alone_is_refused() -> None:
    with undisturbed():
        model = _model("PaiNN", torch.float64)
    with pytest.raises(InteropError, match="Expected a whole model of schnetpack, such as NeuralNetworkPotential"):
        adapted(model.representation)  # type: ignore[arg-type]
