"""mace-torch, the real package: MACE, ScaleShiftMACE, and the model of dipoles."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from equiviz.features.capture import capture
from equiviz.interop import InteropError, adapted, undisturbed
from equiviz.interop.mace import adapt
from equiviz.structures.structure import Structure
from tests.interop.contract import CUTOFF, AdapterContract, molecule, quick_check
from tests.interop.one_environment import importing, only_in

pytestmark = only_in("mace")

_UNSAFE = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


def _settings(**changes: object) -> dict[str, object]:
    import numpy as np
    from e3nn import o3
    from mace.modules import RealAgnosticInteractionBlock, RealAgnosticResidualInteractionBlock

    return {
        "r_max": CUTOFF,
        "num_bessel": 6,
        "num_polynomial_cutoff": 5,
        "max_ell": 2,
        "interaction_cls": RealAgnosticResidualInteractionBlock,
        "interaction_cls_first": RealAgnosticInteractionBlock,
        "num_interactions": 2,
        "num_elements": 3,
        "hidden_irreps": o3.Irreps("4x0e+4x1o"),
        "MLP_irreps": o3.Irreps("4x0e"),
        "atomic_energies": np.array([0.0, 1.0, 2.0]),
        "avg_num_neighbors": 5.0,
        "atomic_numbers": [1, 6, 8],
        "correlation": 2,
        "gate": torch.nn.functional.silu,
        **changes,
    }


@functools.cache
def _compiled(kind: str, dtype: torch.dtype) -> nn.Module:
    """e3nn compiles each product at construction, so that a model is built once, and copied."""
    from mace import modules

    scale = {"atomic_inter_scale": 1.0, "atomic_inter_shift": 0.1} if kind == "ScaleShiftMACE" else {}
    return getattr(modules, kind)(**_settings(**scale)).to(dtype).eval()


class TestMace(AdapterContract):
    stages = (
        "spherical_harmonics",
        "node_embedding.linear",
        "interactions.0.linear_up",
        "interactions.1.conv_tp",
        "interactions.1.skip_tp",
        "products.0",
        "products.0.symmetric_contractions",
        "products.1",
        "readouts.1.linear_2",
        "output.node_energy",
    )
    broken = ("products.0", "1o")
    upstream = "products.0"
    raising = "products.1"
    kind = "MACE"

    def build(self, dtype: torch.dtype) -> nn.Module:
        return copy.deepcopy(_compiled(self.kind, dtype))

    def spoil(self, model: nn.Module) -> None:
        def relu_on_vectors(_module: object, _inputs: object, output: Tensor) -> Tensor:
            return torch.cat([output[:, :4], output[:, 4:].relu()], 1)  # 4x0e + 4x1o

        model.products[0].register_forward_hook(relu_on_vectors)  # type: ignore[index,union-attr]

    def native(self, model: nn.Module, structure: Structure) -> Mapping[str, Tensor]:
        from mace import data, tools

        with undisturbed():
            torch.set_default_dtype(torch.float64)
            table = tools.AtomicNumberTable([1, 6, 8])
            atoms = data.AtomicData.from_config(
                data.config_from_atoms(structure.to_ase()), z_table=table, cutoff=CUTOFF
            )
            loader = tools.torch_geometric.dataloader.DataLoader([atoms], batch_size=1, shuffle=False)
            found = model(next(iter(loader)).to_dict(), compute_stress=structure.cell is not None)
        names = ["energy", "forces", "node_energy"] + ["stress"] * (structure.cell is not None)
        return {name: found[name].detach() for name in names}


class TestScaleShiftMace(TestMace):
    kind = "ScaleShiftMACE"


def test_dipoles_turn() -> None:
    with undisturbed():
        from e3nn import o3
        from mace.modules import AtomicDipolesMACE

        torch.manual_seed(0)
        torch.set_default_dtype(torch.float64)
        settings = _settings(atomic_energies=None, MLP_irreps=o3.Irreps("4x1o"))
        model = AtomicDipolesMACE(**settings).eval()
    report = quick_check(adapted(model), molecule())
    assert report.passed, report.describe()
    assert "output.dipole" in capture(adapted(model), molecule())


def test_unknown_elements_are_refused() -> None:
    helium = Structure(molecule().positions, torch.tensor([8, 1, 1, 2, 1]))
    with undisturbed():
        model = adapt(_compiled("MACE", torch.float64))
    with pytest.raises(InteropError, match="was made for H, C, O; this structure has He too"):
        model.prepare(helium)


def test_parts_are_refused() -> None:
    with pytest.raises(InteropError, match="Expected a whole model of mace-torch"):
        adapted(_compiled("MACE", torch.float64).interactions[0])  # type: ignore[index,arg-type]


def test_importing_mace_leaves_loading_safe() -> None:
    before, inside, after = importing("import mace.modules", [f"os.environ.get({_UNSAFE!r})"])
    assert before == after == ["None"]
    assert inside == ["'1'"], "the control: mace does make torch.load unsafe"
