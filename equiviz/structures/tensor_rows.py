"""How many nodes and edges a set of plain tensors has, and which of them each tensor's rows are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from torch import Tensor

from equiviz.structures.declared_types import DeclaredType
from equiviz.structures.errors import StructureError
from equiviz.symmetry.field import Field, Support
from equiviz.symmetry.representations import Position


@dataclass(frozen=True)
class TensorRows:
    """How many nodes and edges there are.

    Attributes:
        nodes: number of nodes.
        edges: number of edges, where known.
    """

    nodes: int
    edges: int | None

    @classmethod
    def of(
        cls, typed: Mapping[str, Field], values: Mapping[str, object], told: Mapping[str, DeclaredType]
    ) -> TensorRows:
        """Count: rows of positions, labels, and what is stated are sure; else all that is no edge should agree.

        Args:
            typed: fields, their supports still unknown.
            values: all inputs.
            told: their declared types.

        Raises:
            StructureError: rows disagree.
        """
        stated = {name: told[name].support for name in typed}
        indices = [v for n, v in values.items() if told[n].carried == "index" and isinstance(v, Tensor)]
        edges = edge_count(indices, [len(f) for n, f in typed.items() if stated[n] == "edge"])
        sure = [len(f) for n, f in typed.items() if isinstance(f.representation, Position) or stated[n] == "node"]
        sure += [len(cast(Tensor, v)) for n, v in values.items() if told[n].carried == "label" and _has_rows(v)]
        if sure:
            return cls(sure[0], edges)
        open_ = {len(f) for n, f in typed.items() if stated[n] is None} - {1, edges}
        if len(open_) > 1:
            raise refusal(
                f"Tensors came with {', '.join(map(str, sorted(open_)))} rows: which of them are nodes? Say it, as in "
                "'1o per node' and '1o per edge'."
            )
        highest = max((int(index.max()) + 1 for index in indices if index.numel()), default=1)
        return cls(open_.pop() if open_ else highest, edges)

    def placed(self, name: str, item: Field, stated: Support | None) -> Field:
        """The field on its support."""
        stated = "node" if isinstance(item.representation, Position) else stated
        support = stated or self._told_by_number(name, len(item))
        expected = {"node": self.nodes, "edge": self.edges, "graph": 1}.get(support)
        if expected is not None and len(item) != expected:
            raise refusal(f"Input {name!r}: expected {expected} rows per {support}, got {len(item)}.")
        return Field(item.values, item.representation, support)

    def lists(self, name: str, value: object, stated: Support | None) -> bool:
        """Whether an index has a row for each node."""
        if stated is not None or not _has_rows(value):
            return stated == "node"
        shape = cast(Tensor, value).shape
        if shape[0] != self.nodes or (len(shape) == 2 and shape[0] == 2):
            return False
        if len(shape) == 1 and shape[0] == self.edges:
            raise refusal(_ambiguous(name, shape[0], "index"))
        return self.nodes > 1

    def _told_by_number(self, name: str, rows: int) -> Support:
        if rows == self.nodes == self.edges and rows > 1:
            raise refusal(_ambiguous(name, rows, "1o"))
        if rows == self.nodes:
            return "node"
        if rows == self.edges:
            return "edge"
        if rows == 1:
            return "graph"
        hint = " A cell is '3x1o per graph'." if rows == 3 else ""
        raise refusal(
            f"Input {name!r}: {rows} rows, where there are {self.nodes} nodes"
            f"{'' if self.edges is None else f' and {self.edges} edges'}. Say what they are, as in '1o per edge'.{hint}"
        )


def _ambiguous(name: str, rows: int, kind: str) -> str:
    return (
        f"Input {name!r}: {rows} rows, and there are as many nodes as edges. Say what they are: '{kind} per node' or "
        f"'{kind} per edge'."
    )


def refusal(why: str) -> StructureError:
    """An error of the declaration, which is in no file."""
    return StructureError(None, None, why)


def edge_count(indices: Sequence[Tensor], fields: Sequence[int]) -> int | None:
    """Number of edges: columns of an index [2, E], entries of an index [E], rows of a field on edges."""
    pairs = [index.shape[1] for index in indices if index.ndim == 2 and index.shape[0] == 2]
    singles = [len(index) for index in indices if index.ndim == 1]
    return next(iter([*pairs, *fields, *singles]), None)


def _has_rows(value: object) -> bool:
    return isinstance(value, Tensor) and value.ndim > 0
