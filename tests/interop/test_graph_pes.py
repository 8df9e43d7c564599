"""graph-pes, the real package: each of its architectures that carries more than scalars, and SchNet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from equiviz.features.capture import capture
from equiviz.interop import InteropError, adapted, undisturbed
from equiviz.interop.graph_pes import ScalarVectorTensor
from equiviz.structures.structure import Structure
from equiviz.symmetry.groups import haar
from tests.interop.contract import CUTOFF, AdapterContract, molecule, quick_check
from tests.interop.one_environment import only_in


class GraphPesContract(AdapterContract):
    pytestmark = only_in("graph_pes")
    kind: str
    settings: ClassVar[Mapping[str, object]]
    part: ClassVar[str]
    # predict() divides by det(cell), which is negative in a left-handed cell.
    known_faults = frozenset({("output.stress", "inversion")})

    def build(self, dtype: torch.dtype) -> nn.Module:
        from graph_pes import models

        return getattr(models, self.kind)(cutoff=CUTOFF, **self.settings).eval()

    def spoil(self, model: nn.Module) -> None:
        model.get_submodule(self.part).register_forward_hook(self.spoiled)

    def spoiled(self, _module: object, _inputs: object, output: Tensor) -> Tensor:
        return output.relu()

    def native(self, model: nn.Module, structure: Structure) -> Mapping[str, Tensor]:
        from graph_pes import AtomicGraph

        names = ["energy", "forces"] + ["stress"] * (structure.cell is not None)
        with undisturbed():
            torch.set_default_dtype(self.dtypes[0])
            return model.predict(AtomicGraph.from_ase(structure.to_ase(), cutoff=CUTOFF), names)  # type: ignore[operator]


class TestPaiNN(GraphPesContract):
    kind = "PaiNN"
    settings: ClassVar = {"channels": 6, "layers": 2, "radial_features": 8}
    stages = ("interactions.0.vectors", "interactions.0.scalars", "updates.1.vectors", "output.node_energy")
    part = "interactions.0"
    broken = ("interactions.0.vectors", "1o")
    upstream = "interactions.0.vectors"
    raising = "updates.0"

    def spoiled(self, _module: object, _inputs: object, output: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        return output[0].relu(), output[1]


class TestSchNet(GraphPesContract):
    kind = "SchNet"
    settings: ClassVar = {"channels": 6, "layers": 2, "expansion_features": 8}
    stages = ("interactions.0", "interactions.1")
    part = "interactions.1"
    broken = ("interactions.1", "0e")
    upstream = "interactions.0"
    raising = "interactions.1"

    def spoiled(self, _module: object, _inputs: object, output: Tensor) -> Tensor:
        """SchNet has no vectors: a running sum over atoms, which depends on their order."""
        return output.cumsum(0)


class TestTensorNet(GraphPesContract):
    kind = "TensorNet"
    settings: ClassVar = {"channels": 6, "layers": 2, "radial_features": 8}
    stages = ("embedding", "interactions.0", "interactions.1")
    part = "interactions.0"
    broken = ("interactions.0", "0e+1o+2e")
    upstream = "embedding"
    raising = "interactions.0"


class TestNequip(GraphPesContract):
    kind = "NequIP"
    settings: ClassVar = {
        "elements": ["H", "C", "O"],
        "layers": 2,
        "features": {"channels": 4, "l_max": 2, "use_odd_parity": True},
    }
    stages = ("edge_embedding", "layers.0.message_tensor_product", "layers.0", "layers.1", "energy_readout")
    part = "layers.0.post_message_linear"
    broken = ("layers.0.post_message_linear", "1o")
    upstream = "layers.0"
    raising = "layers.1"


class TestMace(GraphPesContract):
    # Its one-hot species are float32 whatever the model's dtype.
    dtypes = (torch.float32,)
    kind = "MACE"
    settings: ClassVar = {"elements": ["H", "C", "O"], "channels": 4, "layers": 2, "l_max": 2, "correlation": 2}
    stages = ("spherical_harmonics", "layers.0.interaction.tp", "layers.0", "layers.1")
    part = "layers.0.interaction.post_linear"
    broken = ("layers.0.interaction.post_linear", "1o")
    upstream = "layers.0"
    raising = "layers.1"

    def test_float64_is_beyond_the_package(self) -> None:
        with pytest.raises(RuntimeError, match="same dtype"):
            capture(self.model(torch.float64), molecule())


class TestWhole:
    pytestmark = only_in("graph_pes")

    def test_the_parts_of_a_sum_are_seen(self) -> None:
        from graph_pes.models import AdditionModel, FixedOffset, PaiNN

        with undisturbed():
            torch.manual_seed(0)
            total = AdditionModel(
                offset=FixedOffset(H=1.0, C=2.0, O=3.0),
                many=PaiNN(channels=4, layers=1, radial_features=4, cutoff=CUTOFF),
            ).eval()
        report = quick_check(adapted(total), molecule())
        assert report.passed, report.describe()
        assert "models.many.interactions.0.vectors" in report.stages

    def test_parts_are_refused(self) -> None:
        from graph_pes.models import PaiNN

        with pytest.raises(InteropError, match="Expected a GraphPESModel of graph-pes"):
            adapted(PaiNN(channels=4, layers=1, radial_features=4).interactions[0])


def test_scalar_vector_tensor_is_a_representation() -> None:
    """Built of a scalar, a polar vector and a symmetric tensor, it turns as they do; also under the inversion."""
    carried = ScalarVectorTensor()
    vector, tensor = torch.randn(3, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)

    def assembled(v: Tensor, s: Tensor) -> Tensor:
        x, y, z = v
        zero = torch.zeros_like(x)
        cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).reshape(3, 3)
        return (2 * torch.eye(3, dtype=torch.float64) + cross + s + s.T).flatten()

    for g in haar(6, 0, "O(3)"):
        turned = assembled(g.matrix @ vector, g.matrix @ tensor @ g.matrix.T)
        assert torch.allclose(carried.transform(g, assembled(vector, tensor)), turned, atol=1e-13)
        assert torch.allclose(carried.matrix(g) @ carried.matrix(g.inverse()), torch.eye(9, dtype=torch.float64))
