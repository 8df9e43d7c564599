"""Runs of a model over many turned copies of one input: as many copies in one batch as keep the cores busy.

Memory: the record of one batch, which holds at most about 2,048 nodes (or one copy, where that is larger); nothing of
it is kept once the next batch runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor, nn

from equiviz.equivariance.edge_order import edge_orders
from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.natural_scale import NaturalScales
from equiviz.equivariance.orbit import Orbit
from equiviz.equivariance.round_off import base_tolerance
from equiviz.equivariance.transformed_input import disturbed, listed, node_counts, transformed
from equiviz.features.capture import Capture, record
from equiviz.features.model_input import ModelInput, prepared
from equiviz.features.precision import coarsest, wide
from equiviz.nn.stage import Support
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.groups import O3
from equiviz.symmetry.representations import O3Irreps
from equiviz.symmetry.wigner import foresee

BATCH = 2048
"""Nodes of one batch."""
_COMPANION = O3.from_euler(0.3, 1.1, -0.7)


@dataclass(eq=False)
class OrbitRuns:
    """A model, an input, and the record of the input as it came.

    Attributes:
        model: the module.
        x: what it is shown, measured.
        supports: as in `equiviz.capture`.
        reference: the record of `x` itself.
        together: how many copies of `x` run in one batch.
        alone: why they run one by one, where they must; else "".
        left_out: stages that could not be compared, and why.
    """

    model: nn.Module
    x: ModelInput
    supports: Mapping[str, Support] | None
    reference: Capture
    together: int = 1
    alone: str = ""
    left_out: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, model: nn.Module, x: ModelInput, supports: Mapping[str, Support] | None) -> OrbitRuns:
        """Run the model on the input as it came, and find out whether copies may share a batch.

        Raises:
            CaptureError: as `equiviz.capture`.
        """
        runs = cls(model, x, supports, record(model, prepared(model, x), supports))
        if not hasattr(model, "prepare") or isinstance(x, (Graph, TypedTensors)):
            runs.alone = "its input cannot be batched"
        else:
            runs.alone = runs._trouble_in_company()
        if not runs.alone:
            runs.together = max(1, BATCH // max(1, sum(node_counts(x))))
        return runs

    @cached_property
    def scales(self) -> NaturalScales:
        """How large each block is where nothing cancels; one run more."""
        return NaturalScales.of(self.model, self.x, self.reference, self.supports, seed=0)

    @property
    def dtype(self) -> torch.dtype:
        """The coarsest floating type among parameters and stages."""
        return coarsest(self.model, self.reference.values())

    @property
    def outputs(self) -> list[str]:
        """The stages that are outputs; the last stage, where the outputs are not typed."""
        names = [name for name in self.reference if name == "output" or name.startswith("output.")]
        return names or list(self.reference)[-1:]

    def over(self, orbit: Orbit) -> Iterator[tuple[Orbit, dict[str, Tensor]]]:
        """Batch by batch: the elements, and what each stage gave for them.

        Values are ``[q, rows, ..., dim]`` in double precision, as the model gave them, edges in the reference's order.
        Stages whose rows do not correspond are left out.

        Raises:
            CheckError: the model raises on a turned input.
        """
        foresee(orbit.elements, _highest_degree(self.x))
        for part in orbit.parts(self.together):
            yield part, self._turned(part)

    def disturbed(self, seed: int) -> dict[str, Tensor]:
        """What each stage gives, ``[1, rows, ..., dim]``, for an input changed by one unit in the last place."""
        near = disturbed(self.x, torch.finfo(self.dtype).eps, torch.Generator().manual_seed(seed))
        return self._split(prepared(self.model, near), 1)

    def _turned(self, part: Orbit) -> dict[str, Tensor]:
        copies = [transformed(self.x, g) for g in part.elements]
        try:
            return self._split(prepared(self.model, _joined(copies)), len(part))
        except Exception as problem:
            raise CheckError(
                f"{self.reference.model} takes the input as it came, but raises when it is turned by "
                f"{part.elements[0]!r}{' and others' * (len(part) > 1)}: {type(problem).__name__}: {problem}"
            ) from problem

    def _split(self, taken: ModelInput, parts: int) -> dict[str, Tensor]:
        """The record of several copies in one batch, as ``[parts, rows, ..., dim]`` by stage."""
        whole = record(self.model, taken, self.supports)
        orders = self._edge_orders(taken, parts)
        values: dict[str, Tensor] = {}
        for name, expected in self.reference.items():
            found = whole[name].values if name in whole else None
            if found is None or found.shape != (parts * len(expected), *expected.values.shape[1:]):
                self.left_out[name] = "it does not give the same rows in every orientation"
            elif expected.support == "edge" and orders is None:
                self.left_out[name] = "neighbours came or went when the input was turned"
            else:
                values[name] = wide(found).reshape(parts, *expected.values.shape)
            if name in values and expected.support == "edge" and orders is not None:
                values[name] = torch.stack(
                    [v[o] for v, o in zip(values[name], orders.to(values[name].device), strict=True)]
                )
        return values

    def _edge_orders(self, taken: ModelInput, parts: int) -> Tensor | None:
        before = self.reference.graph
        if before is None or not isinstance(taken, Graph):
            edges = [item for item in self.reference.values() if item.support == "edge"]
            return torch.arange(len(edges[0])).expand(parts, -1) if edges else None
        return edge_orders(before, taken, parts)

    def _trouble_in_company(self) -> str:
        """Why copies must not share a batch; "" where the input gives the same beside a turned copy of itself."""
        try:
            found = self._split(prepared(self.model, _joined([self.x, transformed(self.x, _COMPANION)])), 2)
        except Exception as problem:
            return f"two copies in one batch raise {type(problem).__name__}: {problem}"
        bound = base_tolerance(self.dtype)
        same = all(_is_close(values[0], wide(self.reference[name].values), bound) for name, values in found.items())
        if same and not self.left_out:
            return ""
        self.left_out.clear()
        return "what it gives for a structure depends on what else is in the batch"


def _joined(copies: list[ModelInput]) -> ModelInput:
    if len(copies) == 1:
        return copies[0]
    every: list[Structure] = [structure for item in copies for structure in listed(item)]  # type: ignore[arg-type]
    return every


def _is_close(found: Tensor, expected: Tensor, relative: float) -> bool:
    """Non-finite numbers count as close: what they do is told elsewhere."""
    known = found.isfinite() & expected.isfinite()
    difference, scale = (found - expected)[known], expected[known]
    return bool(torch.linalg.vector_norm(difference) <= relative * torch.linalg.vector_norm(scale))


def _highest_degree(x: ModelInput) -> int:
    """The largest degree among the typed attributes of an input; 1, the cell's, at least."""
    if isinstance(x, TypedTensors):
        fields = list(x.fields.values())
    else:
        items = [x] if isinstance(x, (Graph, Structure)) else list(x)
        fields = [item for one in items for item in (*one.node.values(), *one.graph.values())]
    return max([1, *(f.representation.irreps.lmax for f in fields if isinstance(f.representation, O3Irreps))])
