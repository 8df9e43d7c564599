"""What every adapter owes, tested against the real package: one class per model, with these tests inherited."""

from __future__ import annotations

import os
import random
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from equiviz.equivariance.check import check
from equiviz.equivariance.check_report import CheckReport
from equiviz.features.capture import capture
from equiviz.interop import ForeignModel, InteropError, adapted, undisturbed
from equiviz.structures.structure import Structure
from equiviz.symmetry.groups import haar
from tests.interop.examples import crystal, molecule
from tests.interop.explain_contract import ExplainContract

DTYPES = (torch.float64, torch.float32)
CUTOFF = 4.0


def quick_check(model: nn.Module, x: object) -> CheckReport:
    """Two rotations and what belongs to them: an exact model keeps all, a planted fault breaks each."""
    return check(model, x, elements=2, wide=0)  # type: ignore[arg-type]


class AdapterContract(ExplainContract):
    """Tests of one foreign model.

    `known_faults` are the package's own: pairs of stage and kind of transformation that must fail, on the crystal.
    """

    dtypes: ClassVar[tuple[torch.dtype, ...]] = DTYPES
    known_faults: ClassVar[frozenset[tuple[str, str]]] = frozenset()
    #: Where `spoil` breaks the model, and in which irrep.
    broken: ClassVar[tuple[str, str]]
    #: Some stages that must be there.
    stages: ClassVar[tuple[str, ...]]
    #: A stage through which the energy flows, and the module where a test plants an exception.
    upstream: ClassVar[str]
    raising: ClassVar[str]

    @abstractmethod
    def build(self, dtype: torch.dtype) -> nn.Module:
        """A small untrained model with seeded weights, in evaluation mode; called within `undisturbed`."""

    @abstractmethod
    def spoil(self, model: nn.Module) -> None:
        """Plant a relu on vectors after one interaction."""

    def native(self, model: nn.Module, structure: Structure) -> Mapping[str, Tensor]:
        """Energy, forces, and stress where there is a cell, by the package's own conversion and neighbour list."""
        raise NotImplementedError

    def built(self, dtype: torch.dtype = torch.float64) -> nn.Module:
        with undisturbed():
            torch.set_default_dtype(dtype)
            torch.manual_seed(0)
            return self.build(dtype)

    def model(self, dtype: torch.dtype = torch.float64) -> ForeignModel:
        wrapped = adapted(self.built(dtype))
        assert isinstance(wrapped, ForeignModel)
        return wrapped

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Each model in the dtypes in which its package runs."""
        if "dtype" in metafunc.fixturenames:
            metafunc.parametrize("dtype", self.dtypes, ids=str)

    def test_a_molecule_turns_with_it(self, dtype: torch.dtype) -> None:
        report = quick_check(self.model(dtype), molecule())
        assert report.passed, report.describe()
        assert report.informative
        assert report.dtype == dtype

    def test_a_crystal_turns_with_it(self, dtype: torch.dtype) -> None:
        report = quick_check(self.model(dtype), crystal())
        alarming = {(finding.stage, finding.group) for finding in report.findings if finding.alarming}
        assert alarming == self.known_faults, report.describe()

    def test_a_fault_is_named(self, dtype: torch.dtype) -> None:
        broken = self.built(dtype)
        self.spoil(broken)
        report = quick_check(adapted(broken), molecule())
        assert not report.passed
        assert report.first_broken == self.broken
        assert self.broken[0] in report.describe()

    @pytest.mark.parametrize("structure", [molecule(), crystal()], ids=lambda structure: structure.name)
    def test_it_computes_what_the_package_computes(self, structure: Structure) -> None:
        model = self.built(self.dtypes[0])
        expected, wrapped = self.native(model, structure), adapted(model)
        assert isinstance(wrapped, ForeignModel)
        found = wrapped(wrapped.prepare(structure))
        for name, values in expected.items():
            difference = (found[name].values.flatten() - values.flatten()).abs().max()
            # Sums over neighbours in another order: a hundred roundings.
            assert difference <= 100 * torch.finfo(values.dtype).eps * values.abs().max(), name

    def test_a_graph_turns_too(self) -> None:
        model = self.model(self.dtypes[0])
        report = quick_check(model, model.prepare([molecule(), molecule().transform(haar(1, 3, "SO(3)")[0])]))
        assert report.passed, report.describe()

    def test_stages_and_outputs(self) -> None:
        recorded = capture(self.model(self.dtypes[0]), [molecule(), crystal()])
        assert set(self.stages) <= set(recorded), list(recorded)
        assert recorded["output.energy"].values.shape == (2, 1)
        assert recorded["output.forces"].values.shape == (10, 3)
        assert str(recorded["output.forces"].representation) == "1x1o"
        assert "output.stress" not in recorded, "a molecule has no stress"
        assert capture(self.model(self.dtypes[0]), crystal())["output.stress"].values.shape == (1, 9)

    def test_the_stress_in_a_left_handed_cell(self) -> None:
        """Two lattice vectors exchanged describe the same crystal; packages that use signed volumes turn the stress."""
        assert crystal().cell is not None
        other = replace(crystal(), cell=crystal().cell[[1, 0, 2]])
        model = self.model(self.dtypes[0])
        one, two = (model(model.prepare(structure))["stress"].values for structure in (crystal(), other))
        sign = -1 if ("output.stress", "inversion") in self.known_faults else 1
        assert torch.allclose(one, sign * two, rtol=1e-4, atol=1e-6 * float(one.detach().abs().max()))

    def test_the_energy_is_differentiable_by_stages(self) -> None:
        recorded = capture(self.model(self.dtypes[0]), molecule(), detach=False)
        energy, stage = recorded["output.energy"].values.sum(), recorded[self.upstream].values
        (gradient,) = torch.autograd.grad(energy, stage)
        assert gradient.isfinite().all()
        assert gradient.abs().max() > 0

    @pytest.mark.parametrize("structure", [molecule(), crystal()], ids=["molecule", "crystal"])
    def test_edge_vectors_of_its_own_are_what_it_sees(self, structure: Structure) -> None:
        model = adapted(self.built(self.dtypes[0]))
        assert isinstance(model, ForeignModel)
        near = 1e-9 if self.dtypes[0] == torch.float64 else 1e-4  # rounding, over some thousand operations
        graph = model.prepare(structure)
        vectors = graph.edge_vectors.detach().clone().requires_grad_()
        first = next(iter(model.outputs.values())).name
        expected, found = model(graph), model(graph.with_edge_vectors(vectors))
        name = "energy" if "energy" in found else first
        assert torch.allclose(found[name].values, expected[name].values, rtol=near, atol=near)
        (slopes,) = torch.autograd.grad(found[name].values.sum(), vectors)
        # Moving an atom moves the vectors of its edges: the force is a sum of slopes.
        if "forces" in expected:
            pulled = torch.zeros_like(graph.positions).index_add(0, graph.receivers, slopes)
            pulled = pulled.index_add(0, graph.senders, -slopes)
            assert torch.allclose(pulled, expected["forces"].values, rtol=100 * near, atol=10 * near)
        moved = model(graph.with_edge_vectors(1.1 * vectors.detach()))
        assert not torch.allclose(moved[name].values, expected[name].values, rtol=10 * near)

    @pytest.mark.parametrize("raises", [False, True], ids=["works", "raises"])
    def test_the_model_is_left_as_found(self, raises: bool) -> None:
        model = self.built(self.dtypes[0])
        if raises:
            model.get_submodule(self.raising).register_forward_hook(_raise)
        before = _state(model)
        with pytest.raises(PlantedError) if raises else nullcontext():
            capture(adapted(model), crystal())
        assert _state(model) == before

    def test_nothing_global_changes(self) -> None:
        model = self.built(self.dtypes[0])
        before = _process()
        quick_check(adapted(model), molecule())
        assert _process() == before

    def test_inputs_stay_as_they_are(self) -> None:
        model = self.model(self.dtypes[0])
        graph = model.prepare(crystal())
        copies = (graph.positions.clone(), graph.cells.clone())  # type: ignore[union-attr]
        model(graph)
        assert not graph.positions.requires_grad
        assert torch.equal(graph.positions, copies[0])
        assert torch.equal(graph.cells, copies[1])  # type: ignore[arg-type]

    def test_other_units_are_refused(self) -> None:
        liquid = Structure(molecule().positions, molecule().species, length_unit="sigma", species_names=("A", "B"))
        with pytest.raises(InteropError, match="takes lengths in Å and atomic numbers"):
            self.model(self.dtypes[0]).prepare(liquid)


class PlantedError(Exception):
    """What a module raises in a test."""


def _raise(*_: object) -> None:
    raise PlantedError


def _state(model: nn.Module) -> list[object]:
    """What a user could notice: hooks, modes, weights, which of them are trained, their gradients, and the parts."""
    parts = [
        (name, type(part), part.training, len(part._forward_hooks), len(part._forward_pre_hooks))
        for name, part in model.named_modules()
    ]
    weights = [
        (name, p.requires_grad, p.grad is None, p.detach().numpy().tobytes()) for name, p in model.named_parameters()
    ]
    buffers = [(name, b.detach().numpy().tobytes()) for name, b in model.named_buffers()]
    return [*parts, *weights, *buffers, list(vars(model))]


def _process() -> list[object]:
    return [
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.get_rng_state().tolist(),
        np.random.get_state()[1].tolist(),
        random.getstate(),
        dict(os.environ),
        torch.multiprocessing.get_sharing_strategy(),
    ]
