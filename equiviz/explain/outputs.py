"""Which number of a prediction is meant: one rule for every verb that asks about an output.

- ``output=``: the name of an output, or of any other stage that was recorded. Where nothing is said: the first output
  that no rotation changes, in the order of the model; where all of them turn, the first. A module that returns plain
  tensors has one output, its last stage.
- ``at=``: number of the row (node, edge or structure), or "all" for the sum of the rows. Not needed where there is one.
- ``component=``: number of the component, or "norm". Where nothing is said: the only component, or the norm of an
  output that turns, for its single components depend on the axes. Of several invariants one has to be named.

Reports say which number it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from equiviz.explain.finite import refuse_not_finite
from equiviz.symmetry.errors import EquivizError
from equiviz.symmetry.field import Field, Support

if TYPE_CHECKING:
    from typing_extensions import Self

OUTPUT = "output."
"""What a capture puts before the names of typed outputs."""
At: TypeAlias = "int | str | None"
Component: TypeAlias = "int | Literal['norm'] | None"
LISTED = 12
"""Stages named in an error, at most."""


def is_output(name: str) -> bool:
    """Whether this is what a capture calls an output."""
    return name == "output" or name.startswith(OUTPUT)


def own_name(name: str) -> str:
    """An output's own name, without what a capture puts before it."""
    return name.removeprefix(OUTPUT)


def outputs_in(recorded: Mapping[str, Field], refusal: type[EquivizError]) -> dict[str, Field]:
    """The typed outputs, by their names in a capture; of a module that returns plain tensors, its last stage.

    Raises:
        refusal: there is neither.
    """
    typed = {name: field for name, field in recorded.items() if is_output(name)}
    last = list(recorded)[-1:]
    if not typed and not last:
        raise refusal("The model says nothing that is typed, so there is no output to ask about.")
    return typed or {name: recorded[name] for name in last}


def usual_output(outputs: Mapping[str, Field]) -> str:
    """The name of the one that is meant where nothing is said: the first invariant one, or the first."""
    invariant = [name for name, field in outputs.items() if _invariant(field)]
    return (invariant or list(outputs))[0]


def output_in(recorded: Mapping[str, Field], asked: str | None, refusal: type[EquivizError]) -> str:
    """The name in a capture of the output that is meant.

    Args:
        recorded: one pass.
        asked: an output, with or without its prefix, or another stage; None for the usual one.
        refusal: what is raised where there is none of this name; the message lists those that there are.
    """
    outputs = outputs_in(recorded, refusal)
    if asked is None:
        return usual_output(outputs)
    for name in (OUTPUT + asked, asked):
        if name in recorded:
            return name
    stages = [name for name in recorded if name not in outputs]
    told = ", ".join(stages[:LISTED]) + (f" and {len(stages) - LISTED} more" if len(stages) > LISTED else "")
    beside = f"; its stages may be named too: {told}" if stages else ""
    raise refusal(f"There is no output {asked!r}; this model gives {', '.join(map(own_name, outputs))}{beside}.")


def named_output(outputs: Mapping[str, Field], asked: str | None, refusal: type[EquivizError]) -> str:
    """As `output_in`, among outputs that go by their own names: in reports."""
    if asked is None:
        return usual_output(outputs)
    if asked not in outputs:
        raise refusal(f"There is no output {asked!r}; this report holds {', '.join(outputs)}.")
    return asked


@dataclass(frozen=True)
class AskedNumber:
    """One number out of the outputs.

    Attributes:
        output: name of the output, as `capture` names it.
        row: of which node, edge or structure; None for the sum over all.
        component: which component of the output's last axis, or "norm"; None for its only one.
        rows: how many rows the output has for one copy of the input.
        support: what these are.
        turns: whether the number depends on the axes: a component of what a rotation changes.
    """

    output: str
    row: int | None
    component: Component
    rows: int
    support: Support = "graph"
    turns: bool = False

    @classmethod
    def of(
        cls,
        recorded: Mapping[str, Field],
        output: str | None,
        at: At,
        component: Component,
        refusal: type[EquivizError],
    ) -> Self:
        """What is meant, of a model that said this; see the head of this file for what is taken where nothing is said.

        Args:
            recorded: one pass.
            output, at, component: as the user gave them.
            refusal: what is raised.

        Raises:
            refusal: no such output, row or component; or it takes one, and none was said; the message lists them. A
                number that is not finite.
        """
        name = output_in(recorded, output, refusal)
        found = recorded[name]
        row, which = _row(name, found, at, refusal), _component(name, found, component, refusal)
        turns = isinstance(which, int) and not _invariant(found)
        made = cls(name, row, which, len(found), found.support, turns)
        if len(found) and not bool(made.values(recorded).isfinite().all()):
            refuse_not_finite(recorded, refusal, [name])
        return made

    def values(self, recorded: Mapping[str, Field]) -> Tensor:
        """The number for each copy of the input, ``[K]``, on the autograd graph of the field."""
        rows = recorded[self.output].values  # [K x rows, dim]
        chosen = rows.unflatten(0, (-1, self.rows))  # [K, rows, dim]
        chosen = chosen.sum(1) if self.row is None else chosen[:, self.row]
        chosen = chosen.flatten(1)
        if self.component == "norm":
            return torch.linalg.vector_norm(chosen, dim=1)
        single = chosen[:, self.component or 0]
        # A complex component counts by its size, as a vector does: its real part would depend on a phase.
        return single.abs() if single.is_complex() else single

    def __str__(self) -> str:
        which = f"[{self.component}]" if isinstance(self.component, int) else ""
        named = f"{own_name(self.output)}{which}"
        size = "norm of " if self.component == "norm" else ""
        if self.rows == 1:
            return f"{size}{named}"
        if self.row is None:
            return f"{size}the sum of {named}"
        return f"{size}{named} at {self.support} {self.row}"


def _invariant(field: Field) -> bool:
    return all(block.invariant for block in field.blocks)


def _row(name: str, found: Field, at: At, refusal: type[EquivizError]) -> int | None:
    rows = len(found)
    if at is None and rows == 1:
        return 0
    if at == "all":
        return None
    if isinstance(at, str) or at is None:
        got = "nothing" if at is None else repr(at)
        raise refusal(
            f"{own_name(name)!r} has {rows} rows, one per {found.support}: say which, at=0 to at={rows - 1}, or "
            f"at='all' for their sum; got {got}."
        )
    if not isinstance(at, (int, np.integer)) or not 0 <= at < rows:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise refusal(f"Expected at= from 0 to {rows - 1} ({found.support}s), got {at!r}.")
    return int(at)


def _component(name: str, found: Field, asked: Component, refusal: type[EquivizError]) -> Component:
    count = found.values.flatten(1).shape[1]
    if asked == "norm":
        return asked
    if asked is None:
        if count > 1 and _invariant(found):
            raise refusal(
                f"{own_name(name)!r} has {count} components: say which, component=0 to component={count - 1}, or "
                "component='norm'."
            )
        return None if count == 1 else "norm"
    if not isinstance(asked, (int, np.integer)) or not 0 <= asked < count:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise refusal(f"Expected component= from 0 to {count - 1} of {own_name(name)!r}, or 'norm', got {asked!r}.")
    return int(asked)
