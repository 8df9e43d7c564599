"""What `AblationReport.prune` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equiviz.view.charts import Series, bars
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure
    from torch import nn

    from equiviz.explain.interventions.parts import By

# Of the outputs' rms: above it the pruned model is not the ablated one.
ROUNDING = 1e-4
MOST = 8


@dataclass(eq=False, repr=False)
class PruneReport(Report):
    """What was taken away for good, and what that saves.

    Attributes:
        model: what it is called.
        output: by which the parts were judged.
        by: kind of the parts.
        threshold: of the joint effect.
        removed: stage (or module) and name of each part that is gone.
        candidates: how many were unused one at a time.
        joint: effect of all that is gone together on the output, with its 95 % interval (share of the variance).
        rebuilt: products that are smaller now: paths before and after.
        masked: stages and blocks in which the part is set to zero by a hook; they are as large as they were.
        products: how many paths all products of the model had.
        disagreement: largest difference of any output from the model with the parts set to zero, over the rms.
        other_outputs: root mean square change of the other outputs, over their rms.
        parameters: before and after.
        idle_parameters: how many of them reach no output, before and after; None where that is not known.
        seconds: of a forward pass of the first structure, before and after, medians of runs in turns.
        pruned: the model without them.
    """

    model: str
    output: str
    by: By
    threshold: float
    removed: list[tuple[str, str]]
    candidates: int
    joint: tuple[float, float, float]
    rebuilt: dict[str, tuple[int, int]]
    masked: list[str]
    products: int
    disagreement: float
    other_outputs: dict[str, float]
    parameters: tuple[int, int]
    idle_parameters: tuple[int, int] | None
    seconds: tuple[float, float]
    pruned: nn.Module

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"{self.model} without what {self.output} does not use"

    @property
    def agrees(self) -> bool:
        """Whether the pruned model gives what the ablated one gives."""
        return self.disagreement < ROUNDING

    def to_frame(self) -> DataFrame:
        """One row per quantity: before, after, saved (a share). Times in milliseconds."""
        import pandas as pd

        rows = [("parameters", *self.parameters), ("forward_ms", *(1e3 * s for s in self.seconds))]
        if self.idle_parameters is not None:
            used = [count - lost for count, lost in zip(self.parameters, self.idle_parameters, strict=True)]
            rows.append(("parameters_that_reach_an_output", used[0], used[1]))
        if self.products:
            gone = sum(before - after for before, after in self.rebuilt.values())
            rows.append(("paths_of_products", self.products, self.products - gone))
        frame = pd.DataFrame(rows, columns=["quantity", "before", "after"])
        frame["saved_share"] = 1 - frame["after"] / frame["before"].where(frame["before"] > 0)
        return frame

    def figure(self) -> Figure:
        """What is left of each quantity, as shares."""
        frame = self.to_frame()
        left = (100 * (1 - frame["saved_share"])).fillna(100.0)
        names = {"parameters": "parameters held", "forward_ms": "time of a forward pass",
                 "parameters_that_reach_an_output": "parameters that reach an output",
                 "paths_of_products": "Clebsch-Gordan paths"}  # fmt: skip
        return bars(
            [names[name] for name in frame["quantity"]],
            [Series("left", range(len(frame)), left.to_numpy())],
            "left after pruning (%)",
            self.title,
            horizontal=True,
            ceiling=100.0,
        )

    def describe(self) -> str:
        """What is gone, what it costs, what it saves, and what of it is only masked."""
        if not self.removed:
            return (
                f"Nothing is pruned: of {self.candidates} parts that are unused one at a time, none stays below an "
                f"effect of {self.threshold:g} on {self.output}."
            )
        return "\n\n".join([self._gone(), self._agreement(), *self._others(), self._saved(), *self._honest()])

    def _gone(self) -> str:
        names = [f"{part} of {stage}" for stage, part in self.removed]
        shown = ", ".join(names[:MOST]) + (f" and {len(names) - MOST} more" if len(names) > MOST else "")
        interval = f" [{self.joint[1]:.4f}, {self.joint[2]:.4f}]" if self.joint[1] == self.joint[1] else ""
        kept = self.candidates - len(self.removed)
        redundant = (
            f" {kept} more are unused one at a time, but not all together: they stand in for each other."
            if kept > 0
            else ""
        )
        return (
            f"Gone: {shown}. Together they cost {self.joint[0]:.4f}{interval} of the variance of {self.output}, below "
            f"the threshold of {self.threshold:g}.{redundant}"
        )

    def _agreement(self) -> str:
        if self.agrees:
            rest = f" (to {self.disagreement:.0e} of the rms)" if self.disagreement else ""
            return f"Control: the pruned model gives what the model gives with these parts set to zero{rest}."
        return (
            f"The control FAILS: the pruned model differs from the model with these parts set to zero by "
            f"{self.disagreement:.1e} of the rms. Do not use it."
        )

    def _others(self) -> list[str]:
        told = ", ".join(f"{name} by {change:.0%}" for name, change in self.other_outputs.items() if change > 1e-6)
        return [f"Only {self.output} was asked for; other outputs change: {told} (rms)."] if told else []

    def _saved(self) -> str:
        before, after = self.parameters
        share = 1 - after / before if before else 0.0
        slow, fast = (1e3 * s for s in self.seconds)
        words = [f"Parameters: {before:,} before, {after:,} after ({share:.0%} less)."]
        if self.idle_parameters is not None:
            words.append(
                f"{self.idle_parameters[1]:,} of these no longer reach any output ({self.idle_parameters[0]:,} did not "
                "before): a network built for what is left would not have them."
            )
        words.append(f"A forward pass takes {slow:.2f} ms before, {fast:.2f} ms after (medians of runs in turns).")
        return " ".join(words)

    def _honest(self) -> list[str]:
        said: list[str] = []
        if self.rebuilt:
            smaller = ", ".join(f"{name} ({a} of {b} paths)" for name, (b, a) in list(self.rebuilt.items())[:MOST])
            said.append(f"Built again without the paths that are gone: {smaller}.")
        if self.masked:
            said.append(
                f"Masked, not smaller: {', '.join(self.masked[:MOST])}. How such a block is built is known to its "
                "family only; there a hook sets the part to zero, which saves no time."
            )
        return said
