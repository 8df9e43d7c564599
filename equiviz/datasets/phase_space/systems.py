r"""Classical systems in the coordinates z = q + ip (mass, frequency and action in units of one oscillator).

With z_i in C^n for each of N particles the energy is

    H = sum_i w_i |z_i|^2 / 2 + k sum_{i<j} |z_i - z_j|^2 / 2
        + g sum_ij |z_i^dagger z_j|^2 / 4 + sum_i z_i^dagger B z_i / 2

and the motion ``dz/dt = -2i dH/dz*``, which is Hamilton's dq/dt = dH/dp, dp/dt = -dH/dq in one line.

==================  ==============================================================================  ====================
term                what it is                                                                      keeps
==================  ==============================================================================  ====================
w_i                 isotropic oscillators; for charges the trap with the diamagnetic term, w^2 =     U(n)
                    trap^2 + w_c^2 / 4: with w = 1 in any field the trap is the softer, the stronger
                    the field
k                   springs that couple positions and momenta alike (the rotating-wave part of a    U(n)
                    spring between positions)
k, springs="q"      springs between positions alone, |q_i - q_j|^2                                  O(n)
g                   mean-field coupling by inner products                                           U(n)
B                   a magnetic field: for n = 2 and B = -(w_c/2) sigma_y this is -(w_c/2) L_z, the  U(n) if B turns as
                    Larmor term of a charge in a uniform perpendicular field                        U B U^dagger; else
                                                                                                    what commutes with B
==================  ==============================================================================  ====================

What commutes with B = -(w_c/2) sigma_y are the phases of the circular modes (z_x +- i z_y) / sqrt 2: in these
coordinates (`circular`) the diagonal phases, U(1)^2. `equiviz.check` of `flow` verifies each line
(tests/datasets/test_phase_space.py).

U(n) gives by Noether's theorem the Hermitian matrix ``sum_i z_i z_i^dagger`` (`charge`), whose imaginary part is the
angular momentum and whose real part is Fradkin's tensor: without B it is constant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from equiviz.datasets.errors import DatasetError

SystemName: TypeAlias = Literal["oscillators", "charges"]
# Fourth-order steps of this length keep the energy to 1e-6 of itself over the times used here.
STEP = 0.01


@dataclass(frozen=True)
class PhaseSpaceSystem:
    """Some particles, and what acts between them. Shapes: B systems, N particles, n directions.

    Attributes:
        frequencies: w_i, N of them.
        n: directions of space.
        spring: k.
        coupling: g.
        springs: "z" couples positions and momenta alike, "q" positions alone.
        field_range: largest |w_c|; 0 for no field.

    Raises:
        DatasetError: no particle, n out of range, a number that is not finite, or a field where n is not 2.
    """

    frequencies: tuple[float, ...]
    n: int = 3
    spring: float = 0.0
    coupling: float = 0.0
    springs: Literal["z", "q"] = "z"
    field_range: float = 0.0

    def __post_init__(self) -> None:
        numbers = (*self.frequencies, self.spring, self.coupling, self.field_range)
        if not self.frequencies or not 1 <= self.n <= 64 or not all(map(math.isfinite, numbers)):
            raise DatasetError(None, "phase space: expected particles with finite numbers, and n from 1 to 64.")
        if self.field_range and self.n != 2:
            raise DatasetError(None, f"phase space: a perpendicular field needs n = 2, got n = {self.n}.")

    @property
    def count(self) -> int:
        """N."""
        return len(self.frequencies)

    def velocity(self, z: Tensor, b: Tensor | None = None) -> Tensor:
        """dz/dt of ``[B, N, n]`` in a field ``[B, n, n]`` (Hermitian) or none."""
        w = torch.tensor(self.frequencies, dtype=torch.float64, device=z.device)[:, None]
        pulled = z.real + 0j if self.springs == "q" else z
        force = w * z + self.spring * (self.count * pulled - pulled.sum(1, keepdim=True))
        force = force + self.coupling * ((z @ z.mH) @ z)
        return -1j * (force if b is None else force + z @ b.mT)

    def energy(self, z: Tensor, b: Tensor | None = None) -> Tensor:
        """H of each system, ``[B]``."""
        w = torch.tensor(self.frequencies, dtype=torch.float64, device=z.device)
        pulled = z.real + 0j if self.springs == "q" else z
        apart = (pulled[:, :, None] - pulled[:, None]).abs().square().sum((1, 2, 3)) / 2
        total = (w * z.abs().square().sum(2)).sum(1) / 2 + self.spring * apart / 2
        total = total + self.coupling * (z @ z.mH).abs().square().sum((1, 2)) / 4
        return total if b is None else total + (z.conj() * (z @ b.mT)).sum((1, 2)).real / 2

    def flow(self, z: Tensor, time: float, b: Tensor | None = None) -> Tensor:
        """The state ``[B, N, n]`` after a time, by the classical fourth-order Runge-Kutta rule, in complex128.

        The rule adds vectors with fixed weights, so that it keeps every symmetry that is linear to rounding.
        """
        steps = max(1, math.ceil(abs(time) / STEP))
        h, z = time / steps, z.to(torch.complex128)
        for _ in range(steps):
            a = self.velocity(z, b)
            c = self.velocity(z + h / 2 * a, b)
            d = self.velocity(z + h / 2 * c, b)
            e = self.velocity(z + h * d, b)
            z = z + h / 6 * (a + 2 * c + 2 * d + e)
        return z


SYSTEMS: dict[SystemName, PhaseSpaceSystem] = {
    "oscillators": PhaseSpaceSystem((0.8, 0.95, 1.05, 1.2), n=3, spring=0.3, coupling=0.15),
    "charges": PhaseSpaceSystem((1.0, 1.0, 1.0, 1.0), n=2, spring=0.2, coupling=0.15, field_range=2.0),
}
TIME = 1.0
"""After which the state is asked, in units of 1 / frequency: a sixth of a turn, more where the coupling is strong."""


def charge(z: Tensor) -> Tensor:
    """What U(n) conserves: ``sum_i z_i z_i^dagger`` of ``[B, N, n]``, Hermitian ``[B, n, n]``."""
    return z.mT @ z.conj()


def larmor(cyclotron: Tensor) -> Tensor:
    """``-(w_c/2) sigma_y`` of cyclotron frequencies ``[B]``: ``[B, 2, 2]`` complex128."""
    sigma_y = torch.tensor([[0, -1j], [1j, 0]], dtype=torch.complex128)
    return -cyclotron[:, None, None].to(torch.complex128) / 2 * sigma_y


def circular(z: Tensor, back: bool = False) -> Tensor:
    """``[..., 2]`` in x and y -> the circular modes (z_x + i z_y, z_x - i z_y) / sqrt 2, or the way back: unitary."""
    to = torch.tensor([[1, 1j], [1, -1j]], dtype=torch.complex128) * 0.5**0.5
    return z @ (to.conj() if back else to.mT)


def system(name: str) -> PhaseSpaceSystem:
    """One of `SYSTEMS`. Raises DatasetError, which lists them."""
    known: Sequence[str] = list(SYSTEMS)
    if name not in known:
        raise DatasetError(None, f"phase space: expected a system out of {', '.join(known)}, got {name!r}.")
    return SYSTEMS[name]  # type: ignore[index]
