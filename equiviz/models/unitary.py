r"""A feed-forward network that is equivariant to U(n): it mixes vectors of C^n with each other, never their components.

Papers: P.-W. Ma, T.-H. H. Chan, "A feedforward unitary equivariant neural network", arXiv 2208.12146; P.-W. Ma,
"Activation functions for 'A feedforward unitary equivariant neural network'", arXiv 2411.14462.

With vectors z_1 ... z_N in C^n and an element U, the layers commute with z_i -> U z_i, because sums of vectors with
weights that U does not change do.

======================  ===============================================================================================
block                   what it is
======================  ===============================================================================================
`ChannelMixing`         u_k = sum_j W_kj h_j, complex weights, no bias: the papers' layer; here W = W_0 + W_1(g)
`gram`                  g_ij = h_i^dagger h_j: all invariants of the vectors (first fundamental theorem of U(n))
`softsign`              sigma(u) = u / (1 + ||u||) + a u, eq. 1 of arXiv 2411.14462; as all activations there of the
                        form f(x) u with an invariant x
`readout`               z'_k = sum_j M_kj(g) h_j over the last features and the input itself
======================  ===============================================================================================

Departures
----------
- The weights depend on invariants, by a network of one hidden layer; with ``weights="constant"`` they do not, as
  published.
- Other vectors than those given come from a field, a Hermitian matrix H that turns as U H U^dagger (adjoint
  representation): H z, and for n > 2 H^2 z, enter as further channels (higher powers depend on these for n <= 3).
- The readout sees the input beside the features, so that the identity is learned at once.
- Only the first activation of the papers is here; its residue a is learned.
- The abstract of the first paper and the text of the second were read, the full text of the first was not: block names
  and hyper-parameters are this file's own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from equiviz.datasets.phase_space.motion_file import states_named
from equiviz.models.errors import ConfigError
from equiviz.models.registry import Family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.nn.errors import ModelError
from equiviz.nn.stage import Stage
from equiviz.structures.phase_space import FIELD, STATE, joined_phase_space, phase_space
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.unitary_irreps import UnitaryIrreps, hermitian_matrices

# Shapes: B systems, N vectors, n of U(n), C channels, P channels that enter.


@dataclass(frozen=True)
class UnitaryConfig:
    """What the network reads, and how large it is.

    Attributes:
        vectors: N, of each system: the number of its particles.
        n: of U(n): directions of space.
        field: whether a Hermitian matrix is read beside them.
        channels: vectors in the hidden layers.
        layers: hidden layers.
        hidden: width of the networks that make weights of invariants.
        weights: "invariant", or "constant" as published.
        residue: a of the activation, to begin with.
    """

    vectors: int = 4
    n: int = 3
    field: bool = False
    channels: int = 8
    layers: int = 2
    hidden: int = 64
    weights: Literal["invariant", "constant"] = "invariant"
    residue: float = 0.1

    def __post_init__(self) -> None:
        if min(self.vectors, self.n, self.channels, self.layers, self.hidden) < 1:
            raise ConfigError("unitary: expected vectors, n, channels, layers and hidden of at least 1.")
        if self.field and self.n < 2:
            raise ConfigError("unitary: expected n of at least 2 for a field: U(1) has no traceless Hermitian matrix.")

    @property
    def entering(self) -> int:
        """P: the vectors, and what the field makes of them."""
        return self.vectors * (min(self.n, 3) if self.field else 1)


class UnitaryNetwork(EquivariantModel):
    """Vectors z of some particles -> vectors of as many: the state after a time; reads `phase_space` inputs.

    ``task`` is "phase space". Output: ``state``, "NxV(n)" per system.
    """

    family = "unitary"
    group = "U(n)"
    task = "phase space"
    config: UnitaryConfig  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, config: UnitaryConfig) -> None:
        super().__init__(config)
        entering, channels = config.entering, config.channels
        invariant = config.weights == "invariant"
        widths = [entering] + [channels] * config.layers
        hidden = config.hidden if invariant else 0
        self.layers = nn.ModuleList(ChannelMixing(i, o, i, hidden) for i, o in pairwise(widths))
        self.residues = nn.Parameter(torch.full((config.layers,), config.residue))
        self.readout = ChannelMixing(channels + entering, config.vectors, channels, hidden)
        self.entering_stage = Stage(_vectors(entering, config.n))
        self.feature_stages = nn.ModuleList(Stage(_vectors(channels, config.n)) for _ in range(config.layers))
        self.invariant_stages = nn.ModuleList(
            Stage(UnitaryIrreps(f"{width**2}x1({config.n})")) for width in widths if invariant
        )

    def reads(self, x: object) -> object:
        """Complex tensors ``[B, N, n]``, or a pair of these and of fields, as `phase_space`; anything else as it is.

        Names of systems, and files, as `equiviz.datasets.phase_space.motion_file.states_named`.
        """
        if isinstance(x, (str, os.PathLike)):
            return states_named(cast("str | os.PathLike[str]", x))
        if isinstance(x, Tensor):
            return phase_space(x)
        pair = isinstance(x, tuple) and len(x) == 2 and all(isinstance(part, Tensor) for part in x)
        return phase_space(*cast("tuple[Tensor, Tensor]", x)) if pair else x

    def prepare(self, structures: Any) -> TypedTensors:  # type: ignore[override]
        """One input of all that came. Raises ModelError for another kind than this network reads."""
        parts = list(structures) if isinstance(structures, list) else [structures]
        found = [self.reads(part) for part in parts]
        for part in found:
            self._refuse(part)
        typed = cast("list[TypedTensors]", found)
        return typed[0] if len(typed) == 1 else joined_phase_space(typed)

    def forward(self, x: TypedTensors) -> dict[str, Field]:  # type: ignore[override]
        """The state after the time that the network was trained on. Raises ModelError as `prepare`."""
        self._refuse(x)
        entering = _passed(self.entering_stage, self._entering(x))  # [B, P, n]
        h, invariants = entering, list(cast("Sequence[Stage]", self.invariant_stages))
        for number, (layer, stage) in enumerate(zip(self.layers, self.feature_stages, strict=True)):
            known = invariants[number](gram(h)) if invariants else None
            h = _passed(cast(Stage, stage), softsign(layer(h, known), self.residues[number]))  # [B, C, n]
        known = invariants[-1](gram(h)) if invariants else None
        state = self.readout(torch.cat([h, entering], 1), known)  # [B, N, n]
        return {STATE: Field(state.flatten(1), _vectors(self.config.vectors, self.config.n))}

    def _entering(self, x: TypedTensors) -> Tensor:
        config, dtype = self.config, torch.promote_types(self.residues.dtype, torch.complex32)
        z = x.fields[STATE].values.to(dtype).unflatten(1, (config.vectors, config.n))  # [B, N, n]
        if not config.field:
            return z
        matrices = hermitian_matrices(x.fields[FIELD].values.to(self.residues.dtype), config.n)  # [B, n, n]
        powers = [z]
        while len(powers) < min(config.n, 3):
            powers.append(powers[-1] @ matrices.mT)
        return torch.cat(powers, 1)

    def _refuse(self, x: object) -> None:
        config = self.config
        wanted = {STATE: str(_vectors(config.vectors, config.n))} | (
            {FIELD: f"1xA({config.n})"} if config.field else {}
        )
        got = {name: str(f.representation) for name, f in x.fields.items()} if isinstance(x, TypedTensors) else None
        if got != wanted:
            what = type(x).__name__ if got is None else _told(got)
            raise ModelError(
                f"This network reads {_told(wanted)}, got {what}. Make its input with "
                f"equiviz.structures.phase_space.phase_space(z{', field' if config.field else ''})."
            )


class ChannelMixing(nn.Module):
    """Sums of vectors with complex weights that may depend on invariants; no component is told from another.

    Args:
        entering, leaving: numbers of vectors.
        known: of how many vectors the Gram matrix is the invariants.
        hidden: width of the network that makes weights of invariants; 0 for constant weights.
    """

    def __init__(self, entering: int, leaving: int, known: int, hidden: int) -> None:
        super().__init__()
        # Complex numbers as pairs: casting a module to another precision drops imaginary parts of complex parameters.
        self.constant = nn.Parameter(torch.randn(leaving, entering, 2) * (2 * entering) ** -0.5)
        self.hidden = nn.Linear(known**2, hidden) if hidden else None
        self.varying = nn.Linear(hidden, leaving * entering * 2) if hidden else None

    def forward(self, h: Tensor, known: Tensor | None = None) -> Tensor:
        """Vectors ``[B, entering, n]`` and invariants ``[B, known^2]`` -> ``[B, leaving, n]``."""
        weights = torch.view_as_complex(self.constant)
        if self.hidden is None or self.varying is None or known is None:
            return weights @ h
        made = self.varying(silu(self.hidden(known))).unflatten(1, tuple(self.constant.shape))
        return (weights + torch.view_as_complex(made) * weights.shape[1] ** -0.5) @ h


def gram(h: Tensor) -> Tensor:
    """Vectors ``[B, C, n]`` -> their inner products, compressed, ``[B, C^2]`` real.

    ``g / (1 + |g|^2)^(1/4)`` of each inner product g, which grows as a norm does: real parts for i <= j,
    imaginary parts for i < j.
    """
    products = h @ h.mH  # [B, C, C]
    products = products * (1 + products.abs().square()) ** -0.25
    above, beyond = (torch.triu_indices(h.shape[1], h.shape[1], gap, device=h.device) for gap in (0, 1))
    return torch.cat([products.real[:, above[0], above[1]], products.imag[:, beyond[0], beyond[1]]], 1)


def softsign(u: Tensor, residue: Tensor) -> Tensor:
    """``u / (1 + ||u||) + a u`` of each vector ``[B, C, n]``."""
    return u * (1 / (1 + torch.linalg.vector_norm(u, dim=-1, keepdim=True)) + residue)


def _passed(stage: Stage, h: Tensor) -> Tensor:
    """Vectors ``[B, C, n]`` through a stage, as the rows that it declares: what it records is what flows on."""
    return stage(h.flatten(1)).unflatten(1, tuple(h.shape[1:]))


def example(systems: int, seed: int) -> TypedTensors:
    """Random systems of the small network, for tests and demonstrations."""
    generator = torch.Generator().manual_seed(seed)
    config = UnitaryConfig(**SMALL)  # type: ignore[arg-type]
    state = torch.randn(systems, config.vectors, config.n, generator=generator, dtype=torch.complex128)
    field = torch.randn(systems, config.n**2 - 1, generator=generator, dtype=torch.float64)
    return phase_space(state, field)


def _vectors(count: int, n: int) -> UnitaryIrreps:
    return UnitaryIrreps(f"{count}xV({n})")


def _told(kinds: dict[str, str]) -> str:
    return " and ".join(f"{name} {kind}" for name, kind in kinds.items()) or "nothing"


SMALL = {"vectors": 3, "n": 3, "field": True, "channels": 4, "layers": 2, "hidden": 8}

FAMILY = Family(
    name="unitary",
    config_class=UnitaryConfig,
    model_class=UnitaryNetwork,
    paper="Ma, Chan, arXiv 2208.12146",
    group="U(n)",
    small=SMALL,
    example=example,
    references={
        "unitary-oscillators": "36.5 % (plain, as large, 1,024 motions turned anew each time, 5 times the steps)",
        "unitary-charges": "15.2 % (plain, as large, 1,024 motions turned anew each time, 5 times the steps)",
    },
)
