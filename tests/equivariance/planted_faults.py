"""A catalogue of mistakes, each a small wrapper around the exact toy network, with what a check must say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from equiviz.equivariance.claims import Kind
from equiviz.structures.structure import Structure
from tests.equivariance.spoiled_networks import (
    ByHand,
    FewNeighbours,
    Jumping,
    Opaque,
    OutputOnly,
    PseudoVector,
    SinglePrecisionHarmonics,
    StaleCache,
    StaleEdges,
    UnturnedCell,
    UnturnedVelocity,
    batch_statistics,
    built_in_single_precision,
    lattice_at_the_cutoff,
    left_on,
    noisy,
    on_block,
    on_grid,
    poisoned,
    poisoned_on_one_side,
    remade,
    spoiled,
    swapped,
    with_positions,
)
from tests.toy_networks import molecule


@dataclass(frozen=True)
class Fault:
    """One mistake.

    Attributes:
        make: builds the broken network.
        stage, irrep: where it breaks first.
        groups: the kinds of transformation that must fail.
        intact: kinds that must not.
        cell: whether the input is periodic.
        diagnosis: the code of the cause that must be found, where there is one.
        input: another input than a molecule.
        wide: further rotations to try.
    """

    make: Callable[[], nn.Module]
    stage: str
    irrep: str
    groups: tuple[Kind, ...]
    intact: tuple[Kind, ...] = ()
    cell: bool = False
    diagnosis: str = ""
    input: Callable[[], Structure] | None = None
    wide: int = 0

    def structure(self) -> Structure:
        return molecule(cell=self.cell) if self.input is None else self.input()


FAULTS: dict[str, Fault] = {
    "a NaN in one entry": Fault(
        lambda: spoiled(on_block("2e", poisoned), 1), "stage_layers.1", "2e", ("rotation", "permutation", "determinism")
    ),
    "an infinity that only some orientations show": Fault(
        lambda: spoiled(poisoned_on_one_side), "stage_layers.0", "0e", ("inversion",), ("determinism",)
    ),
    "relu on vectors": Fault(
        lambda: spoiled(on_block("1o", torch.relu)), "stage_layers.0", "1o", ("rotation",), ("translation", "batch")
    ),
    "an error of 1e-4 in one layer": Fault(
        lambda: spoiled(on_block("1o", lambda x: x + 1e-4 * x.relu()), 1), "stage_layers.1", "1o", ("rotation",)
    ),
    "an error of 1e-4 in one layer, float32": Fault(
        lambda: spoiled(on_block("1o", lambda x: x + 2e-4 * x.relu()), 1, torch.float32),
        "stage_layers.1",
        "1o",
        ("rotation",),
        ("translation", "permutation"),
    ),
    "tanh on components of l = 2": Fault(
        lambda: spoiled(on_block("2e", lambda x: torch.tanh(5 * x))), "stage_layers.0", "2e", ("rotation",)
    ),
    "layer norm over vector components": Fault(
        lambda: spoiled(on_block("1o", lambda x: nn.functional.layer_norm(x, x.shape[-2:]))),
        "stage_layers.0",
        "1o",
        ("rotation",),
    ),
    "(x, y, z) taken for (y, z, x)": Fault(
        lambda: spoiled(on_block("1o", lambda x: x.roll(1, -1))),
        "stage_layers.0",
        "1o",
        ("rotation",),
        ("translation",),
    ),
    "parity mislabelled": Fault(
        lambda: spoiled(swapped("1o", "1e")), "stage_layers.0", "1o", ("inversion",), ("rotation", "permutation")
    ),
    "a pseudo-vector called a vector": Fault(
        remade(PseudoVector), "output.vector", "1o", ("inversion",), ("rotation", "translation")
    ),
    "only some directions": Fault(
        lambda: spoiled(
            on_block("1o", lambda x: torch.where(x[..., 2:] > 0.9 * x.norm(dim=-1, keepdim=True), 2 * x, x))
        ),
        "stage_layers.0",
        "1o",
        ("rotation",),
    ),
    "an attribute that is not turned": Fault(remade(UnturnedVelocity), "stage_inputs", "1o", ("rotation", "inversion")),
    "a cell that is not turned": Fault(
        remade(UnturnedCell), "stage_harmonics", "1o", ("rotation",), ("translation",), cell=True
    ),
    "absolute positions": Fault(
        lambda: spoiled(with_positions),
        "stage_layers.0",
        "1o",
        ("translation",),
        ("rotation", "inversion", "permutation"),
    ),
    "a running sum over atoms": Fault(
        lambda: spoiled(lambda x, _: x + 1e-3 * x.cumsum(0)), "stage_layers.0", "0e", ("permutation",), ("rotation",)
    ),
    "neighbours truncated by their number": Fault(
        remade(FewNeighbours), "stage_layers.0", "0e", ("permutation",), ("rotation", "translation"), cell=True
    ),
    "a mean over the whole batch": Fault(
        lambda: spoiled(on_block("2o", lambda x: x - x.mean(0))), "stage_layers.0", "2o", ("batch",), ("rotation",)
    ),
    "dropout left on": Fault(left_on, "stage_layers.0", "0e", ("determinism",)),
    "a stale cache": Fault(remade(StaleCache), "stage_harmonics", "1o", ("rotation",), ("determinism", "translation")),
    "float32 inside float64": Fault(remade(SinglePrecisionHarmonics), "stage_harmonics", "1o", ("rotation",)),
    "leaky relu on pseudo-vectors": Fault(
        lambda: spoiled(on_block("1e", nn.functional.leaky_relu)),
        "stage_layers.0",
        "1e",
        ("rotation",),
        diagnosis="pointwise-nonlinearity",
    ),
    "clamped components": Fault(
        lambda: spoiled(on_block("2o", lambda x: x.clamp(max=0.0)), 1),
        "stage_layers.1",
        "2o",
        ("rotation",),
        diagnosis="pointwise-nonlinearity",
    ),
    "softmax over components": Fault(
        lambda: spoiled(on_block("1o", lambda x: x.softmax(-1))),
        "stage_layers.0",
        "1o",
        ("rotation",),
        diagnosis="component-normalisation",
    ),
    "normalised over components by hand": Fault(
        lambda: spoiled(on_block("1o", ByHand())),
        "stage_layers.0",
        "1o",
        ("rotation",),
        diagnosis="component-normalisation",
    ),
    "an exponential of components, written out": Fault(
        lambda: spoiled(on_block("1o", lambda x: x + 0.1 * 2.718281828 ** (5 * x)), 1),
        "stage_layers.1",
        "1o",
        ("rotation",),
        diagnosis="pointwise-nonlinearity",
    ),
    "gravity": Fault(
        lambda: spoiled(on_block("1o", lambda x: x + 0.02 * torch.eye(3, dtype=x.dtype)[2])),
        "stage_layers.0",
        "1o",
        ("rotation",),
        ("translation", "permutation"),
        diagnosis="preferred-axis",
    ),
    "one rotation in a hundred": Fault(
        remade(Jumping), "stage_inputs", "0e", ("rotation",), diagnosis="rare-directions", wide=300
    ),
    "a cutoff without an end": Fault(
        remade(Opaque),
        "stage_layers.0",
        "0e",
        ("rotation",),
        ("permutation",),
        diagnosis="neighbour-flips",
        input=lattice_at_the_cutoff,
    ),
    "float32 constants in float64": Fault(
        built_in_single_precision, "stage_layers.0", "1o", ("rotation",), diagnosis="float32-constants"
    ),
    "a grid that is too coarse": Fault(
        lambda: spoiled(on_grid(8)), "stage_layers.0", "0e", ("rotation",), diagnosis="grid-resolution"
    ),
    "rolled atoms": Fault(
        lambda: spoiled(lambda x, _: x + 0.1 * x.roll(1, 0)),
        "stage_layers.0",
        "0e",
        ("permutation",),
        ("rotation", "translation"),
        diagnosis="order-dependence",
    ),
    "noise in each call": Fault(noisy, "stage_layers.0", "0e", ("determinism",), diagnosis="randomness"),
    "statistics of the batch": Fault(
        batch_statistics, "stage_layers.0", "0e", ("batch",), ("rotation",), diagnosis="training-mode"
    ),
    "a pseudo-vector added to a vector": Fault(
        lambda: spoiled(on_block("1o", lambda x: x + 3 * torch.linalg.cross(x, x[..., [1, 2, 0], :]))),
        "stage_layers.0",
        "1o",
        ("inversion",),
        ("rotation",),
        diagnosis="parity-mixed",
    ),
    "edge vectors of yesterday": Fault(
        remade(StaleEdges), "stage_harmonics", "1o", ("rotation", "permutation"), diagnosis="attribute-not-rotated"
    ),
    "wrong in the output only": Fault(
        remade(OutputOnly), "output.vector", "1o", ("rotation",), ("permutation",), diagnosis="pointwise-nonlinearity"
    ),
    "components of l = 2 in reverse": Fault(
        lambda: spoiled(on_block("2e", lambda x: x.flip(-1))),
        "stage_layers.0",
        "2e",
        ("rotation",),
        diagnosis="axis-order",
    ),
}

DIAGNOSES = {
    "a NaN in one entry": "not-finite",
    "an infinity that only some orientations show": "not-finite",
    "relu on vectors": "pointwise-nonlinearity",
    "an error of 1e-4 in one layer": "pointwise-nonlinearity",
    "an error of 1e-4 in one layer, float32": "pointwise-nonlinearity",
    "tanh on components of l = 2": "pointwise-nonlinearity",
    "layer norm over vector components": "component-normalisation",
    "(x, y, z) taken for (y, z, x)": "axis-order",
    "parity mislabelled": "parity-mislabelled",
    "a pseudo-vector called a vector": "parity-mislabelled",
    "only some directions": "preferred-axis",
    "an attribute that is not turned": "attribute-not-rotated",
    "a cell that is not turned": "cell-not-rotated",
    "absolute positions": "centre-dependence",
    "a running sum over atoms": "order-dependence",
    "neighbours truncated by their number": "neighbour-truncation",
    "a mean over the whole batch": "batch-dependence",
    "dropout left on": "dropout",
    "a stale cache": "stale-cache",
    "float32 inside float64": "float32-constants",
    **{name: fault.diagnosis for name, fault in FAULTS.items() if fault.diagnosis},
}
"""The cause that must be found for each."""
