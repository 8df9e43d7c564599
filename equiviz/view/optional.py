"""The optional libraries of the view, each asked for where it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equiviz.view.errors import MissingLibrary

if TYPE_CHECKING:
    from types import ModuleType


def plotly_graphs() -> ModuleType:
    """``plotly.graph_objects``; raises :class:`MissingLibrary` with the install line where plotly is absent."""
    try:
        import plotly.graph_objects as graphs
    except ImportError as reason:
        raise MissingLibrary("plotly", "view") from reason
    return graphs


def plotly_script() -> str:
    """The source of plotly.js as shipped in plotly's wheel (about 4.8 MB); nothing is fetched."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as reason:
        raise MissingLibrary("plotly", "view") from reason
    return str(get_plotlyjs())
