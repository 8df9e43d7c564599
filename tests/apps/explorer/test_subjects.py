"""What can be explored: graphs, plain modules, and names that are hostile?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from ipywidgets import HTML, Widget
from torch import nn

from equiviz.apps.explorer.explorer import explore
from equiviz.apps.explorer.face import COMPARE, TURN
from equiviz.features.errors import CaptureError
from equiviz.structures.graph import Graph
from equiviz.view.layers import Arrows
from tests.apps.explorer.turning import G
from tests.equivariance.hostile_network import hostile_network
from tests.hostile_strings import ALL, HOSTILE
from tests.toy_networks import Declared, molecule, toy


def test_a_graph_and_modules_of_e3nn_can_be_explored() -> None:
    graph = Graph.from_structures(molecule(), cutoff=3.0, dtype=torch.float64)
    made = explore(Declared(toy()), graph)
    assert made.describe().startswith("Explorer of Declared; 1. structure (9 atoms)")
    made.mode.value = TURN
    assert made.hand is not None
    made.hand.turn_to(G)
    assert "rounding" in made.hand.verdict.value
    with pytest.raises(CaptureError, match="Graph of one structure, got one of 2"):
        explore(Declared(toy()), Graph.from_structures([molecule(), molecule()], 3.0, dtype=torch.float64))


def test_a_model_that_declares_nothing_is_explored_with_inferred_types() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.arrows = nn.Identity()

        def forward(self, graph: Graph) -> torch.Tensor:
            arms = graph.edge_vectors
            return self.arrows(arms.new_zeros(len(graph), 3).index_add(0, graph.receivers, arms))

    made = explore(Plain(), Graph.from_structures(molecule(), 3.0, dtype=torch.float64))
    assert any(isinstance(layer, Arrows) for layer in made.view.scene.layers)


def everything(widget: Widget) -> Iterator[Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


def test_hostile_names_stay_text() -> None:
    structure = replace(molecule(), species_names=("?", *HOSTILE[:2]), name=ALL)
    made = explore(hostile_network(), structure, names=[HOSTILE[1]])
    for mode in (TURN, COMPARE):
        made.mode.value = mode
    shown = [widget.value for widget in everything(made) if isinstance(widget, HTML)]
    assert any("&lt;img src=x" in text for text in shown)  # the control: hostile names do come here
    for text in shown:
        assert "<script>" not in text
        assert "<img" not in text
        assert "<svg" not in text
    figure = str(made.side.charts.figure.to_json())
    assert "<img" not in figure
    assert "\\u003cimg" not in figure
