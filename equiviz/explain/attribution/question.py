"""What is shared out: one number that a model says of one input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from equiviz.explain.errors import AttributionError
from equiviz.explain.outputs import OUTPUT, named_output
from equiviz.features.capture import Capture
from equiviz.symmetry.field import Field, Support

At = int | str | None


@dataclass(frozen=True)
class Question:
    """One number out of the outputs.

    Attributes:
        output: name of the output, with its prefix, as `capture` names it.
        row: of which node, edge or graph; None for the sum over all.
        component: which component of the output's last axis; None for its norm (or its only component). The size of a
            complex one.
        rows: how many rows the output has for one copy of the input.
        support: what these are.
    """

    output: str
    row: int | None
    component: int | None
    rows: int
    support: Support = "graph"

    @classmethod
    def of(cls, recorded: Capture, output: str | None, at: At, component: int | None) -> Question:
        """What was asked, of a model that said this.

        Args:
            recorded: one run of the model.
            output: name of an output; by default the only invariant one, or the first.
            at: number of the node (or edge, or graph), or "all" for the sum; None where there is one row.
            component: which of several invariants, or component of a vector; None for the norm of what turns.

        Raises:
            AttributionError: no such output, row or component; or it takes one and none was said.
        """
        fields = outputs_of(recorded)
        name = _output(fields, output)
        found = fields[name]
        return cls(name, _row(name, found, at), _component(name, found, component), len(found), found.support)

    def refuse_edges(self) -> None:
        """Raise AttributionError for an output on edges, whose rows go where edges are taken away."""
        if self.support == "edge":
            raise AttributionError(
                f"{self.output.removeprefix(OUTPUT)!r} lives on edges: where edges are taken away, its rows go with "
                "them. Use method='integrated_gradients'."
            )

    def values(self, recorded: Mapping[str, Field]) -> Tensor:
        """The number for each copy of the input, ``[K]``."""
        rows = recorded[self.output].values  # [K x rows, dim]
        chosen = rows.unflatten(0, (-1, self.rows))  # [K, rows, dim]
        chosen = chosen.sum(1) if self.row is None else chosen[:, self.row]
        chosen = chosen.flatten(1)
        if self.component is not None:
            chosen = chosen[:, self.component : self.component + 1]
        # A complex component counts by its size, as a vector does: its real part would depend on a phase.
        single = chosen.shape[1] == 1 and not chosen.is_complex()
        return chosen[:, 0] if single else torch.linalg.vector_norm(chosen, dim=1)

    def __str__(self) -> str:
        named = self.output.removeprefix(OUTPUT)
        which = "" if self.component is None else f"[{self.component}]"
        if self.rows == 1:
            return f"{named}{which}"
        return f"the sum of {named}{which}" if self.row is None else f"{named}{which} at {self.row}"


def outputs_of(recorded: Capture) -> dict[str, Field]:
    """The typed outputs; of a module that returns plain tensors, its last stage.

    Raises:
        AttributionError: there is neither.
    """
    typed = {name: field for name, field in recorded.items() if name.startswith(OUTPUT)}
    last = list(recorded)[-1:]
    if not typed and not last:
        raise AttributionError(f"{recorded.model} says nothing that is typed, so there is nothing to share out.")
    return typed or {name: recorded[name] for name in last}


def _output(fields: Mapping[str, Field], asked: str | None) -> str:
    if asked is None:
        invariant = [name for name, field in fields.items() if all(block.invariant for block in field.blocks)]
        return (invariant or list(fields))[0]
    return named_output(fields, asked, AttributionError)


def _row(name: str, found: Field, at: At) -> int | None:
    rows = len(found)
    if at is None and rows == 1:
        return 0
    if at == "all":
        return None
    if isinstance(at, str) or at is None:
        got = "nothing" if at is None else repr(at)
        raise AttributionError(
            f"{name.removeprefix(OUTPUT)!r} has {rows} rows, one per {found.support}: say which, at=0 to "
            f"at={rows - 1}, or at='all' for their sum; got {got}."
        )
    if not isinstance(at, (int, np.integer)) or not 0 <= at < rows:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise AttributionError(f"Expected at= from 0 to {rows - 1} ({found.support}s), got {at!r}.")
    return int(at)


def _component(name: str, found: Field, asked: int | None) -> int | None:
    count = found.values.flatten(1).shape[1]
    if asked is None:
        several = count > 1 and all(block.invariant for block in found.blocks)
        if several:
            raise AttributionError(
                f"{name.removeprefix(OUTPUT)!r} has {count} components: say which, component=0 to "
                f"component={count - 1}."
            )
        return None
    if not 0 <= asked < count:
        raise AttributionError(f"Expected component= from 0 to {count - 1}, got {asked}.")
    return int(asked)
