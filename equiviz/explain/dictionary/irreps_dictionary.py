"""A learned dictionary: what codes a stage's values into few irreps, and back.

Shapes: N environments, K atoms.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from equiviz.explain.dictionary.autoencoder import trained
from equiviz.explain.dictionary.channels import Channels, squares
from equiviz.explain.dictionary.pursuit import Atoms, learned
from equiviz.explain.errors import DictionaryError
from equiviz.symmetry.copies import CopiesOf
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import O3Irreps, Representation

Method: TypeAlias = Literal["pursuit", "autoencoder"]
ROUNDS = {"pursuit": 15, "autoencoder": 40}


@dataclass(frozen=True, eq=False)
class IrrepsDictionary:
    """Atoms that are irreps: each a unit vector over the channels of one irrep, its code one copy of it.

    Attributes:
        channels: how the stage's values are centred and scaled.
        atoms: vectors [K, C] and labels.
        active: how many atoms code one environment.
    """

    channels: Channels
    atoms: Atoms
    active: int

    @classmethod
    def learn(
        cls, field: Field, counts: dict[str, int], active: int, method: Method, seed: int, starts: int
    ) -> IrrepsDictionary:
        """Learn from the values [N, dim] of a stage; of several starts the one that explains most is kept.

        Raises:
            DictionaryError: an unknown method; a stage of positions, or one that does not vary.
        """
        if method not in get_args(Method):
            raise DictionaryError(f"Expected method {' or '.join(map(repr, get_args(Method)))}, got {method!r}.")
        channels = Channels.of(field)
        stacked = channels.stacked(field)
        counts = {label: counts[label] for label in channels.labels}
        make = learned if method == "pursuit" else trained
        found = [make(stacked, channels, counts, active, ROUNDS[method], seed + k) for k in range(starts)]
        errors = [float(squares(stacked - atoms.decoded(atoms.codes(stacked, active))).sum()) for atoms in found]
        return cls(channels, found[errors.index(min(errors))], active)

    @property
    def representation(self) -> Representation:
        """Of the codes: one copy for each atom."""
        terms = tuple((len(list(same)), label) for label, same in groupby(self.atoms.labels))
        whole = self.channels.representation
        return O3Irreps(terms) if isinstance(whole, O3Irreps) else CopiesOf(whole, terms)

    def codes(self, field: Field, active: int | None = None) -> Tensor:
        """Codes [N, K, M] of a stage's values [N, dim], padded to the largest irrep."""
        return self.atoms.codes(self.channels.stacked(field), self.active if active is None else active)

    def encode(self, field: Field) -> Field:
        """The codes as a field: a copy of its irrep for each atom, all but `active` zero. It turns as the input."""
        return Field(self.unpadded(self.codes(field)), self.representation, "node")

    def unpadded(self, codes: Tensor) -> Tensor:
        """Codes [N, K, M] as values [N, dim] of `representation`."""
        parts = [codes[:, k, : self.channels.sizes[label]] for k, label in enumerate(self.atoms.labels)]
        return torch.cat(parts, 1)

    def decode(self, codes: Tensor) -> Field:
        """The stage's values of codes [N, K, M]."""
        return self.channels.field(self.atoms.decoded(codes))

    def atom(self, number: int) -> Tensor:
        """One atom as a unit vector over the channels of its irrep, [C_l]."""
        return self.atoms.vectors[number, self.channels.places(self.atoms.labels[number])]

    def name(self, number: int) -> str:
        """Such as ``"1o #3"``: counted within its irrep."""
        label = self.atoms.labels[number]
        return f"{label} #{number - self.atoms.labels.index(label)}"


def shared_out(atoms: int, labels: list[str]) -> dict[str, int]:
    """As many atoms for each irrep, the first ones more where they do not divide; at least one."""
    each, rest = divmod(atoms, len(labels))
    return {label: max(1, each + (place < rest)) for place, label in enumerate(labels)}
