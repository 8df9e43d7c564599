"""What adapters do without any foreign package: recognition, taps, outputs, and the process left as it was."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import e3nn
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from equiviz.features.capture import capture, record
from equiviz.interop import ForeignModel, InteropError, Tap, adapted, undisturbed
from equiviz.interop.adapters import adapters
from equiviz.interop.foreign_model import ENERGY, Typed
from equiviz.interop.pyg import PygModel, adapt
from equiviz.structures.structure import Structure
from equiviz.symmetry.errors import MissingLibrary
from equiviz.symmetry.representations import O3Irreps
from tests.interop.contract import crystal, molecule, quick_check
from tests.toy_networks import toy

ENVIRONMENTS = Path(__file__).parent / "environments"
DOCS = Path(__file__).parents[2] / "docs" / "interop.md"


class Block(nn.Module):
    """Mixes vectors with channels last, and tells their lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(2, 3, bias=False)

    def forward(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        return vectors.norm(dim=1, keepdim=True), self.mix(vectors)  # [N, 1, 2], [N, 3, 3]


class Net(nn.Module):
    """A small foreign network: two vectors per atom, mixed to three; the energy is the sum of their squares."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Block()

    def forward(self, edge_index: Tensor, vectors: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        weights = torch.stack([(-vectors.square().sum(1)).exp(), vectors.norm(dim=1)], 1)  # [E, 2]
        messages = vectors[:, :, None] * weights[:, None]  # [E, 3, 2]
        summed = messages.new_zeros(len(batch), 3, 2).index_add(0, edge_index[1], messages)
        _, mixed = self.block(summed)
        atomic = mixed.square().sum((1, 2))
        return atomic.new_zeros(int(batch.max()) + 1).index_add(0, batch, atomic), mixed[:, :, 0]


def net(dtype: torch.dtype = torch.float64) -> Net:
    with undisturbed():
        torch.manual_seed(0)
        return Net().to(dtype).eval()


SIGNATURE = {"edge_index": "edge_index", "vectors": "edge_vectors", "batch": "batch"}


def wrapped(module: nn.Module, stages: Mapping[str, Tap | str] | None = None, **settings: object) -> PygModel:
    """The network with its signature."""
    outputs = {"energy": ("1x0e", "graph"), "vector": "1x1o"}
    return adapt(module, SIGNATURE, outputs, cutoff=3.0, stages=stages, **settings)  # type: ignore[arg-type]


class TestRecognition:
    def test_models_of_our_own_and_unknown_ones_pass(self) -> None:
        for model in (toy(), wrapped(net()), nn.Linear(2, 2)):
            assert adapted(model) is model

    @pytest.mark.parametrize("prefix", ["", "<torch_package_3>."])
    def test_the_package_of_the_class_decides_also_of_a_parent(self, prefix: str) -> None:
        for package in ("mace", "nequip", "schnetpack", "graph_pes", "torch_geometric"):
            foreign = type("Foreign", (nn.Module,), {"__module__": f"{prefix}{package}.models.deep"})
            mine = type("Mine", (foreign,), {"__module__": "my.models"})
            with pytest.raises(InteropError, match="Mine"):
                adapted(mine())

    def test_a_package_that_only_sounds_alike_is_not_meant(self) -> None:
        other = type("Other", (nn.Module,), {"__module__": "macerator.models"})()
        assert adapted(other) is other

    def test_a_pyg_module_that_types_its_tensors_passes(self) -> None:
        typed = type("Typed", (nn.Module,), {"__module__": "torch_geometric.nn", "irreps_out": "1x1o"})()
        assert adapted(typed) is typed

    def test_looking_at_the_adapters_imports_nothing_foreign(self) -> None:
        program = "import sys; from equiviz.interop.adapters import adapters; names = set(adapters())\n"
        program += "assert len(names) == 5 and not names & set(sys.modules), names & set(sys.modules)"
        subprocess.run([sys.executable, "-c", program], check=True)

    def test_each_adapter_has_its_environment_and_its_row_in_the_docs(self) -> None:
        page = DOCS.read_text()
        for package, adapter in adapters().items():
            pins = (ENVIRONMENTS / f"{'pyg' if package == 'torch_geometric' else package}.txt").read_text()
            name = re.escape(adapter.install).replace("_", "[-_]")
            (version,) = re.findall(rf"(?mi)^{name}==(\S+)$", pins)
            assert re.search(rf"(?mi)^\| {name}.* \| {re.escape(version)} \|", page), (adapter.install, version)


class TestTaps:
    def test_what_passes_is_typed_and_checked(self) -> None:
        model = wrapped(net(), {"squares": Tap("block", "2x0e", part=0, name="block.lengths"), "v": _vectors()})
        recorded = capture(model, molecule())
        assert list(recorded) == ["block.lengths", "block.vectors", "output.energy", "output.vector"]
        assert recorded["block.vectors"].values.shape == (5, 9)
        for x in (molecule(), crystal()):
            report = quick_check(model, x)
            assert report.passed, report.describe()

    def test_a_wrong_declaration_is_found_out(self) -> None:
        report = quick_check(wrapped(net(), {"block": Tap("block", "3x1o", part=1, name="block")}), molecule())
        assert "rotation" in {finding.group for finding in report.findings if finding.alarming}
        assert report.first_broken is not None
        assert report.first_broken.stage == "block"

    def test_gradients_flow_through_the_record(self) -> None:
        recorded = capture(wrapped(net(), {"v": _vectors()}, forces="energy"), molecule(), detach=False)
        energy, stage = recorded["output.energy"].values.sum(), recorded["block.vectors"].values
        (gradient,) = torch.autograd.grad(energy, stage)
        assert torch.allclose(gradient, 2 * stage)

    def test_what_a_tool_puts_in_place_flows_on(self) -> None:
        model = wrapped(net(), {"v": _vectors()})
        graph = model.prepare(molecule())
        silent = record(model, graph, replace=lambda name, found: found.with_values(torch.zeros_like(found.values)))
        assert silent["output.energy"].values.abs().max() == 0
        assert capture(model, graph)["output.energy"].values.abs().max() > 0

    def test_the_hooks_are_gone_also_after_an_error(self) -> None:
        module = net()
        for tap in (_vectors(), Tap("block", "7x0e", part=0)):
            model = wrapped(module, {"v": tap})
            with nullcontext() if tap.part else pytest.raises(InteropError):
                model(model.prepare(molecule()))
            assert not any(len(inner._forward_hooks) for inner in module.modules())

    @pytest.mark.parametrize(
        ("tap", "words"),
        [
            (Tap("blocks", "1x0e"), "Net has no module 'blocks' to look at; it has block, block.mix"),
            (Tap("block", "1x0e", name="cutoff"), "the name 'cutoff' is taken"),
        ],
    )
    def test_impossible_taps_are_refused_at_once(self, tap: Tap, words: str) -> None:
        with pytest.raises(InteropError, match=words):
            wrapped(net(), {"x": tap})

    @pytest.mark.parametrize(
        ("tap", "words"),
        [
            (Tap("block", "1x0e"), "Expected a tensor from 'block', got tuple"),
            (Tap("block", "1x0e", part=5), "Expected a tensor as part 5 of what it returns from 'block'"),
            (Tap("block", "7x0e", part=0), r"'block.0' is declared as 7x0e: 7 numbers per node, but .*\[5, 1, 2\]"),
        ],
    )
    def test_other_outputs_than_declared_are_refused_when_they_come(self, tap: Tap, words: str) -> None:
        with pytest.raises(InteropError, match=words):
            capture(wrapped(net(), {"x": tap}), molecule())


class TestOutputs:
    def test_forces_are_the_negative_gradient(self) -> None:
        model = wrapped(net(), forces="energy")
        step, forces = 1e-5, model(model.prepare(molecule()))["forces"].values.detach()
        moved = [molecule().positions.clone() for _ in range(2)]
        for sign, positions in zip((1, -1), moved, strict=True):
            positions[3, 1] += sign * step
        energies = [model(model.prepare(_at(positions)))["energy"].values.item() for positions in moved]
        assert abs(float(forces[3, 1]) + (energies[0] - energies[1]) / (2 * step)) < 1e-6

    def test_a_wrong_size_says_what_came(self) -> None:
        with pytest.raises(InteropError, match=r"'energy' is declared as 1x0e on each graph, 2 x 1 numbers, .*\[5\]"):
            ENERGY.field(torch.zeros(5), 2)
        assert Typed("t", "1x2e", "node").field(torch.zeros(2, 1, 5), 2).values.shape == (2, 5)

    def test_too_few_values_and_unknown_names(self) -> None:
        with pytest.raises(InteropError, match="Linear returned 1 values for 2 declared outputs: a, b"):
            capture(adapt(nn.Linear(3, 3), ["positions"], {"a": "1x1o", "b": "1x1o"}, cutoff=1.0), molecule())
        with pytest.raises(InteropError, match="forces='heat' is none of the outputs: energy"):
            adapt(nn.Linear(3, 3), ["positions"], {"energy": "1x1o"}, cutoff=1.0, forces="heat")
        with pytest.raises(InteropError, match=r"no quantity 'mass' .* positions, species, edge_index"):
            capture(adapt(nn.Linear(3, 3), ["mass"], {"a": "1x1o"}, cutoff=1.0), molecule())

    def test_a_claimed_group_is_that_of_one_model(self) -> None:
        model = adapt(nn.Linear(3, 3), ["positions"], {"a": "1x1o"}, cutoff=1.0, group="none")
        assert model.group == "none"
        assert quick_check(model, molecule()).passed
        assert PygModel.group == ForeignModel.group == "E(3)"

    def test_edge_vectors_are_refused_where_they_would_not_be_seen(self) -> None:
        model = adapt(nn.Linear(3, 3), ["positions"], {"a": "1x1o"}, cutoff=3.0)
        graph = model.prepare(molecule())
        with pytest.raises(InteropError, match="computes edge vectors from positions; it cannot take given ones"):
            model(graph.with_edge_vectors(graph.edge_vectors))

    def test_edge_vectors_are_handed_on_where_the_signature_names_them(self) -> None:
        model = wrapped(net())
        graph = model.prepare(molecule())
        vectors = graph.edge_vectors
        same, other = (model(graph.with_edge_vectors(factor * vectors))["energy"].values for factor in (1.0, 1.1))
        assert torch.equal(same, model(graph)["energy"].values)
        assert not torch.allclose(other, same, rtol=1e-6)

    def test_there_is_no_recipe(self) -> None:
        with pytest.raises(InteropError, match="How Net was built is known to its own package only"):
            wrapped(net()).fresh()

    def test_reports_bear_the_foreign_name(self) -> None:
        assert "Net" in capture(wrapped(net()), molecule()).title

    def test_a_missing_library_is_named_with_its_pip_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "torch_geometric.data", None)
        with pytest.raises(MissingLibrary, match=r"pip install 'equiviz\[graph\]'"):
            capture(adapt(nn.Linear(3, 3), "data", {"a": "1x1o"}, cutoff=1.0), molecule())


class TestGlobalState:
    def test_all_is_put_back_also_after_an_error(self) -> None:
        def disturb() -> None:
            torch.set_default_dtype(torch.float64)
            torch.manual_seed(1)
            np.random.seed(1)
            random.seed(1)
            torch.set_num_threads(3)
            torch.set_grad_enabled(False)
            torch.multiprocessing.set_sharing_strategy("file_system")
            e3nn.set_optimization_defaults(optimize_einsums=False)
            os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
            del os.environ["PATH"]
            assert all(one != other for one, other in zip(_process(), before, strict=True)), "the control"
            raise ValueError("planted")

        before = _process()
        with pytest.raises(ValueError, match="planted"), undisturbed():
            disturb()
        assert _process() == before

    def test_a_model_runs_under_its_own_dtype(self) -> None:
        class Remembers(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.weight = nn.Parameter(torch.ones(1, dtype=torch.float64))

            def forward(self, positions: Tensor) -> Tensor:
                os.environ["EQUIVIZ_PLANTED"] = "1"
                assert torch.get_default_dtype() == torch.float64
                return positions * self.weight

        capture(adapt(Remembers(), ["positions"], {"a": "1x1o"}, cutoff=1.0), molecule())
        assert torch.get_default_dtype() == torch.float32
        assert "EQUIVIZ_PLANTED" not in os.environ


def _vectors() -> Tap:
    return Tap("block", O3Irreps("3x1o", "ir_mul"), part=1, name="block.vectors")


def _at(positions: Tensor) -> Structure:
    return Structure(positions, molecule().species)


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
        e3nn.get_optimization_defaults(),
    ]
