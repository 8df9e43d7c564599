"""What is shared out: one number that a model says of one input."""

from __future__ import annotations

from equiviz.explain.errors import AttributionError
from equiviz.explain.outputs import AskedNumber, own_name


class Question(AskedNumber):
    """One number out of the outputs; see `equiviz.explain.outputs` for what is taken where nothing is said."""

    def refuse_edges(self) -> None:
        """Raise AttributionError for an output on edges, whose rows go where edges are taken away."""
        if self.support == "edge":
            raise AttributionError(
                f"{own_name(self.output)!r} lives on edges: where edges are taken away, its rows go with "
                "them. Use method='integrated_gradients'."
            )
