"""What a plain tensor is said to be: a type, and what its rows are."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

from equiviz.structures.errors import StructureError
from equiviz.symmetry.field import Support
from equiviz.symmetry.representation_text import representation
from equiviz.symmetry.representations import Representation

Untyped: TypeAlias = Literal["index", "label", "constant"]
"""Kinds of input on which no rotation acts."""
TYPES = (
    "irreps such as '8x0e+4x1o', 'position', 'index' (numbers of nodes), 'label' (one per node, such as species) or "
    "'constant' (passed on as it is); rows are told by '1o per node', '1o per edge', '9x0e per graph'"
)


@dataclass(frozen=True)
class DeclaredType:
    """A type, and its support where that was said.

    Attributes:
        carried: the representation; or "index", "label", "constant".
        support: what the rows are; None where they should tell by their number.
    """

    carried: Representation | Untyped
    support: Support | None = None

    @classmethod
    def parse(cls, name: str, told: object) -> DeclaredType:
        """A type as users write it: ``"1o"``, ``"1o per edge"``, ``"index per node"``, or a `Representation`.

        Args:
            name: of the tensor, for the message.
            told: what the user wrote.

        Raises:
            StructureError: it is no type.
        """
        if isinstance(told, Representation):
            return cls(told)
        if not isinstance(told, str):
            raise StructureError(
                None, None, f"{name!r}: expected a type, got {type(told).__name__}. Types are {TYPES}."
            )
        kind, _, rows = (part.strip() for part in told.partition(" per "))
        if rows and rows not in ("node", "edge", "graph"):
            raise StructureError(None, None, f"{name!r}: expected rows per node, edge or graph, got per {rows!r}.")
        support = cast(Support, rows) if rows else None
        if kind in get_args(Untyped):
            return cls(cast(Untyped, kind), support)
        try:
            return cls(representation(kind), support)
        except ValueError as cause:
            near = difflib.get_close_matches(kind.lower(), ("position", *get_args(Untyped)), 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            why = f"{name!r}: {kind!r} is no type ({cause}).{hint} Types are {TYPES}."
            raise StructureError(None, None, why) from cause
