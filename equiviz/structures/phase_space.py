"""Phase space as typed tensors: vectors z = q + ip of some particles, and a Hermitian matrix that acts on them.

One row is one system; systems know nothing of each other. Shapes: B systems, N vectors in each, n of U(n).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.structures.tensor_rows import refusal
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.unitary_irreps import UnitaryIrreps

STATE, FIELD = "state", "field"


@dataclass(frozen=True, eq=False, repr=False)
class PhaseSpace(TypedTensors):
    """Systems in phase space; made by `phase_space`."""

    def repeated(self, count: int) -> PhaseSpace:
        """As many copies, one after the other: systems know nothing of each other."""
        return self if count == 1 else joined_phase_space([self] * count)

    def apart(self) -> list[TypedTensors]:
        """One system each."""
        rows = ({name: f.with_values(f.values[k : k + 1]) for name, f in self.fields.items()} for k in range(len(self)))
        return [_made(fields) for fields in rows]


def phase_space(state: Tensor, field: Tensor | None = None) -> PhaseSpace:
    """What a network of phase-space vectors reads.

    Args:
        state: ``[B, N, n]`` complex, "NxV(n)"; one system may come as ``[N, n]``.
        field: ``[B, n^2 - 1]`` real, "A(n)": a traceless Hermitian matrix for each system, by its coefficients
            (`equiviz.symmetry.adjoint_coefficients`); None where there is none.

    Raises:
        StructureError: another shape or dtype.
    """
    if not state.is_complex() or state.ndim not in (2, 3):
        raise refusal(
            f"Expected complex vectors z = q + ip of shape [systems, vectors, n], got {state.dtype} of shape "
            f"{list(state.shape)}. torch.complex(q, p) makes them."
        )
    state = state[None] if state.ndim == 2 else state
    count, vectors, n = state.shape
    fields = {STATE: Field(state.flatten(1), UnitaryIrreps(f"{vectors}xV({n})"))}
    if field is not None:
        field = field[None] if field.ndim == 1 else field
        if field.shape != (count, n**2 - 1) or field.is_complex():
            raise refusal(
                f"Expected real coefficients of a field of shape [{count}, {n**2 - 1}], got {field.dtype} of shape "
                f"{list(field.shape)}. adjoint_coefficients(H) makes them of Hermitian matrices."
            )
        fields[FIELD] = Field(field, UnitaryIrreps(f"1xA({n})"))
    return _made(fields)


def joined_phase_space(parts: Sequence[TypedTensors]) -> PhaseSpace:
    """The systems of several inputs, one after the other.

    Raises:
        StructureError: none, or inputs with other vectors or fields.
    """
    kinds = {tuple((name, str(f.representation)) for name, f in part.fields.items()) for part in parts}
    if len(kinds) != 1:
        raise refusal(f"Expected systems of one kind, got {' and '.join(map(str, sorted(kinds))) or 'none'}.")
    fields = {
        name: first.with_values(torch.cat([part.fields[name].values for part in parts]))
        for name, first in parts[0].fields.items()
    }
    return _made(fields)


def _made(fields: dict[str, Field]) -> PhaseSpace:
    shapes = {name: tuple(item.values.shape) for name, item in fields.items()}
    return PhaseSpace(fields, shapes, count=len(fields[STATE]), form="named", order=tuple(fields))
