"""nequip, the real package: the model that its builders make."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from equiviz.interop import InteropError, adapted, undisturbed
from equiviz.interop.nequip import adapt
from equiviz.structures.structure import Structure
from tests.interop.contract import CUTOFF, AdapterContract, molecule
from tests.interop.one_environment import importing, only_in

pytestmark = only_in("nequip")

_SET = "from nequip.utils.global_state import set_global_state\nset_global_state()"


def _model(dtype: torch.dtype, types: tuple[str, ...] = ("H", "C", "O")) -> nn.Module:
    with undisturbed():
        from nequip.model import NequIPGNNModel
        from nequip.utils.global_state import set_global_state

        set_global_state()
        return NequIPGNNModel(
            seed=0,
            model_dtype=str(dtype).removeprefix("torch."),
            type_names=list(types),
            r_max=CUTOFF,
            num_layers=2,
            l_max=2,
            parity=True,
            num_features=4,
            radial_mlp_width=8,
            avg_num_neighbors=4.0,
            per_type_energy_scales=1.0,
            per_type_energy_shifts=dict(zip(types, (0.0, 1.0, 2.0), strict=True)),
        ).eval()


class TestNequip(AdapterContract):
    stages = (
        "model.func.type_embed.node_attrs",
        "model.func.spharm.edge_attrs",
        "model.func.bessel_encode.edge_embedding",
        "model.func.layer0_convnet.conv.node_features",
        "model.func.layer0_convnet.node_features",
        "model.func.layer1_convnet.node_features",
        "model.func.per_atom_energy_readout.atomic_energy",
        "output.node_energy",
    )
    broken = ("model.func.layer0_convnet.node_features", "1o")
    upstream = "model.func.layer0_convnet.node_features"
    raising = "model.func.layer1_convnet"

    def build(self, dtype: torch.dtype) -> nn.Module:
        return _model(dtype)

    def spoil(self, model: nn.Module) -> None:
        def relu_on_vectors(_module: object, _inputs: object, output: dict[str, Tensor]) -> dict[str, Tensor]:
            features = output["node_features"]  # scalars first
            return {**output, "node_features": torch.cat([features[:, :4], features[:, 4:].relu()], 1)}

        model.model.func.layer0_convnet.register_forward_hook(relu_on_vectors)  # type: ignore[union-attr]

    def native(self, model: nn.Module, structure: Structure) -> Mapping[str, Tensor]:
        from nequip.data import AtomicDataDict, compute_neighborlist_, from_ase
        from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper

        with undisturbed():
            torch.set_default_dtype(torch.float64)
            data = compute_neighborlist_(from_ase(structure.to_ase()), r_max=CUTOFF)
            found = model(ChemicalSpeciesToAtomTypeMapper(["H", "C", "O"])(data))
        names = {"energy": AtomicDataDict.TOTAL_ENERGY_KEY, "forces": AtomicDataDict.FORCE_KEY}
        if structure.cell is not None:
            names["stress"] = AtomicDataDict.STRESS_KEY
        return {name: found[key].detach() for name, key in names.items()}


def test_types_that_are_no_elements_need_a_word() -> None:
    model = _model(torch.float64, types=("Hw", "C", "O"))
    with pytest.raises(InteropError, match="type 'Hw' is no element; say what it is"):
        adapted(model)
    assert adapt(model, elements={"Hw": 1}).prepare(molecule()).n_graphs == 1


def test_parts_are_refused() -> None:
    with pytest.raises(InteropError, match="Expected a GraphModel of nequip"):
        adapted(_model(torch.float64).model)  # type: ignore[arg-type]


def test_configuring_nequip_disturbs_nothing() -> None:
    remembers = [
        "torch.get_default_dtype()",
        "hash(tuple(torch.get_rng_state().tolist()))",
        "hash(random.getstate())",
        "hash(tuple(numpy.random.get_state()[1].tolist()))",
        "sorted(name for name in os.environ if 'SEED' in name or 'JIT' in name)",
        "torch.multiprocessing.get_sharing_strategy()",
        # TorchScript tells its strategy only when it gets another, so it gets one for a moment.
        "(lambda s: (torch.jit.set_fusion_strategy(s), s)[1])(torch.jit.set_fusion_strategy([('DYNAMIC', 1)]))",
    ]
    before, inside, after = importing(_SET, remembers)
    assert after == before
    for expression, one, other in zip(remembers, inside, before, strict=True):
        assert one != other, f"the control: nequip does change {expression}"
