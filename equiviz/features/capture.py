"""`capture(model, x)`: every typed tensor of one forward pass, by stage."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from torch import nn

from equiviz.features.model_input import Given, ModelInput, own_copy, prepared, sizes
from equiviz.features.model_state import untouched
from equiviz.features.precision import wide
from equiviz.features.recorder import Recorder, Replacement
from equiviz.nn.equivariant_model import title_of
from equiviz.nn.stage import Support
from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field
from equiviz.symmetry.invariants import copies_of
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure


@dataclass(eq=False, repr=False)
class Capture(Report, Mapping[str, Field]):
    """The fields of one forward pass, in the order in which they passed; outputs last, as ``"output.<name>"``.

    A mapping from stage name to `Field`, and a report.

    Attributes:
        fields: the record itself.
        model: class name of the model.
        graph: what the model's forward took, where that was a Graph.
        skipped: modules that declare `irreps_out` but whose output could not be typed, and stages through which no
            tensor passed, and why.
    """

    fields: dict[str, Field]
    model: str
    graph: Graph | None
    skipped: dict[str, str]

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"What flows through {self.model}"

    def __getitem__(self, name: str) -> Field:
        try:
            return self.fields[name]
        except KeyError:
            raise KeyError(f"no stage {name!r}; this capture holds {', '.join(self.fields)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def to_frame(self) -> DataFrame:
        """One row per stage and irrep: stage, support, irreps, shape, irrep, multiplicity, rms_norm, share.

        `rms_norm` is the root mean square, over rows and copies, of the norm of one copy of the irrep, in whatever unit
        the stage has; `share` is the irrep's part of the stage's summed squares.
        """
        import pandas as pd

        rows = [row for name, field in self.fields.items() for row in _rows(name, field)]
        return pd.DataFrame(rows, columns=list(_Row._fields))

    def figure(self) -> Figure:
        """Share of each irrep in each stage, as a heat map; the root mean square norm on hover."""
        from equiviz.view.maps import heat_map

        frame = self.to_frame()
        order = list(self.fields)
        share = frame.pivot(index="stage", columns="irrep", values="share").loc[order]
        norms = frame.pivot(index="stage", columns="irrep", values="rms_norm").loc[order]
        notes = norms.map(lambda value: "" if math.isnan(value) else f"rms norm of one copy: {value:.3g}")
        return heat_map(share, "share", self.title, x_title="irrep", y_title="stage", value_range=(0, 1), notes=notes)

    def describe(self) -> str:
        """How many stages, which irreps dominate where, and what could not be recorded."""
        lines = [f"{self.model} passes {len(self.fields)} typed tensors."]
        lines += [_sentence(name, field) for name, field in self.fields.items()]
        lines += [f"{name} was left out: {why}." for name, why in self.skipped.items()]
        return "\n".join(lines)


def capture(
    model: nn.Module, x: Given, *, detach: bool = True, supports: Mapping[str, Support] | None = None
) -> Capture:
    """Run the model once and record every typed tensor.

    Where the model holds `Stage` modules, those are recorded; else every module that declares `irreps_out`, as in e3nn.
    An e3nn module's support (node, edge, graph) is inferred from its number of rows. The model is left as it was found:
    hooks, mode, buffers, gradients, default dtype; also when its forward raises.

    Args:
        model: an `EquivariantModel`, or a torch module made of e3nn modules whose forward takes `x` itself.
        x: a Structure, `ase.Atoms`, a PyG `Data`, the path of a file, a list of those, or a Graph; structures go
            through `model.prepare` where there is one.
        detach: True records detached copies; False records the tensors of the autograd graph themselves, so that
            ``torch.autograd.grad(capture["output.energy"].values.sum(), capture["layers.0"].values)`` works.
        supports: support by stage name, for e3nn modules where the number of rows is ambiguous.

    Raises:
        CaptureError: nothing in the model is typed; a support is ambiguous; a stage carries another number of
            components than it declares; `x` is not an input.
    """
    return record(model, prepared(model, x), supports, keep_graph=not detach)


def record(
    model: nn.Module,
    taken: ModelInput,
    supports: Mapping[str, Support] | None = None,
    *,
    keep_graph: bool = False,
    replace: Replacement | None = None,
    followed: bool = False,
) -> Capture:
    """As `capture`, of what the model's forward takes; tools may put other values in place of a stage's.

    Args:
        model: as `capture`.
        taken: from `equiviz.features.model_input.prepared`.
        supports: as `capture`.
        keep_graph: record the tensors of the autograd graph themselves.
        replace: called with each stage's name and field as it passes; what it returns flows on instead.
        followed: whether forces, and whatever else the model differentiates itself, are those of the model with other
            values in it; else they pass through a stage as if nothing had been put there.

    Raises:
        CaptureError: as `capture`.
    """
    recorder = Recorder(sizes(taken), supports or {}, keep_graph, replace, followed)
    with untouched(model), recorder.listening(model):
        outputs: object = model(own_copy(taken, linked=keep_graph))
    recorder.replace = None
    for name, value in _named(outputs):
        recorder.record(name if name == "output" else f"output.{name}", value)
    graph = taken if isinstance(taken, Graph) else None
    title = title_of(model)
    return Capture(recorder.fields, title, graph, recorder.skipped)


def _named(outputs: object) -> list[tuple[str, Field]]:
    """The typed outputs; foreign models return plain tensors, which only their modules' declarations type."""
    if not isinstance(outputs, Mapping):
        return []
    return [(str(name), value) for name, value in outputs.items() if isinstance(value, Field)]


class _Row(NamedTuple):
    """One irrep of one stage: a row of the table."""

    stage: str
    support: str
    irreps: str
    shape: tuple[int, ...]
    irrep: str
    multiplicity: int
    rms_norm: float
    share: float


def _rows(name: str, field: Field) -> list[_Row]:
    values = wide(field.values).abs()
    total = float(values.square().sum())
    rows: list[_Row] = []
    for label in field.representation.labels():
        copies = copies_of(values, field.representation, label)  # [rows, ..., mul, size]
        squares = float(copies.square().sum())
        sizes_of_block = (math.sqrt(squares / max(1, copies[..., 0].numel())), squares / total if total else 0.0)
        described = (name, field.support, str(field.representation), tuple(values.shape))
        rows.append(_Row(*described, label, copies.shape[-2], *sizes_of_block))
    return rows


def _sentence(name: str, field: Field) -> str:
    where = f"{name}: {field.representation} on {len(field.values)} {field.support}{'s' * (len(field.values) != 1)}"
    rows = _rows(name, field)
    if not rows or field.values.numel() == 0:
        return f"{where}, empty."
    strongest = max(rows, key=lambda row: row.share)
    rms = math.sqrt(float(wide(field.values).abs().square().sum()) / len(field.values))
    if rms == 0:
        return f"{where}, zero everywhere."
    return f"{where}, rms norm {rms:.3g}, mostly {strongest.irrep} ({strongest.share:.0%} of the squares)."
