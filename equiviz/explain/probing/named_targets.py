"""Descriptors by name, as far as the first shell of neighbours of the structures that are asked about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.descriptors.registry import AnyDescriptor, available, build, standard
from equiviz.descriptors.windows import Hard
from equiviz.explain.errors import ProbeError
from equiviz.explain.probing.targets import Target
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

FIRST_SHELL = 12
"""How many neighbours the customary first shell holds in a dense system."""
BEYOND = 1.1
"""How much farther than the last of them a descriptor that is asked by name looks: between the shells of fcc, bcc and
liquids (of the Kob-Andersen liquid to 1.4 sigma)."""
LOOKED_AT = 8
"""Structures whose shells are measured, when there are more."""
STEINHARDT = re.compile(r"(?P<quantity>[qw])(?P<bar>_bar)?(?P<hat>_hat)?_(?P<degree>\d{1,2})")
CALLED = {"soap": "power_spectrum", "common_neighbour_signature": "common_neighbours"}
"""Other words for families."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a descriptor.

    Attributes:
        descriptor: gives it among others.
        place: which.
        names: its name, alone.
    """

    descriptor: AnyDescriptor
    place: int
    names: Sequence[str]

    def __call__(self, system: Structure, /) -> Field:
        """The column, [N, 1]."""
        return Field(self.descriptor(system).values[:, self.place : self.place + 1], "1x0e", "node")


@dataclass(eq=False)
class Named:
    """What names mean for some structures.

    Attributes:
        structures: whose first shell says how far descriptors look.
    """

    structures: Sequence[object]

    def __call__(self, name: str) -> Target:
        """A family with its customary options, one of its columns, or any q_l, w_l, q_bar_l, w_hat_l of Steinhardt.

        Raises:
            ProbeError: an unknown name, or structures without positions.
        """
        if not all(isinstance(one, Structure) for one in self.structures):
            raise ProbeError(
                f"The descriptor {name!r} needs positions, and what this model reads has none. Give arrays with one "
                "row per node instead: {'burial': array}; for proteins see "
                "equiviz.explain.proteins.environment_targets."
            )
        word = name.lower().replace("-", "_").replace(" ", "_")
        family = CALLED.get(word, word)
        if family in self._families:
            return self._families[family]
        return self._steinhardt(name) or self._column(name)

    @cached_property
    def reach(self) -> float:
        """A little farther than the twelfth neighbour, in the median over nodes; in the structures' length unit."""
        known = [one for one in self.structures if isinstance(one, Structure)][:LOOKED_AT]
        found = [_shell(structure) for structure in known if len(structure) > 1 or any(structure.pbc)]
        return BEYOND * float(torch.cat(found).median()) if found else 1.0

    @cached_property
    def _families(self) -> dict[str, AnyDescriptor]:
        return {family: standard(family, self.reach) for family in available()}

    def _steinhardt(self, name: str) -> AnyDescriptor | None:
        found = STEINHARDT.fullmatch(name)
        if found is None:
            return None
        return build(
            "steinhardt",
            degrees=(int(found["degree"]),),
            quantities=(found["quantity"],),
            window=Hard(self.reach),
            average=found["bar"] is not None,
            normalise_w=found["quantity"] == "q" or found["hat"] is not None,
        )

    def _column(self, name: str) -> Column:
        for descriptor in self._families.values():
            if name in descriptor.names:
                return Column(descriptor, descriptor.names.index(name), [name])
        raise ProbeError(
            f"There is no descriptor {name!r}. Known by name: {', '.join(self._families)}; q_4, w_6, q_bar_6, w_hat_6 "
            "and the like of Steinhardt; and columns of all these, such as "
            f"{', '.join(self._families['steinhardt'].names)}. Others are built, as "
            "equiviz.descriptors.build('steinhardt', degrees=(4,), nearest=12)."
        )


def _shell(structure: Structure) -> Tensor:
    """Distance to the twelfth neighbour, or to the last, of each node: [N]."""
    count = FIRST_SHELL if any(structure.pbc) else min(FIRST_SHELL, len(structure) - 1)
    around = Neighbourhood.nearest(structure, count)
    return around.distances.detach().cpu().double().view(len(structure), count).amax(1)
