"""What the parts of the widget share: colours that read on any page, lines of words, and acts that may fail."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from equiviz.view.errors import MissingLibrary
from equiviz.view.escape import escape
from equiviz.view.template import Theme, template

if TYPE_CHECKING:
    from ipywidgets import HTML
    from plotly.basedatatypes import BaseFigure, BaseTraceType
    from plotly.graph_objects import Figure, FigureWidget

FACE = "equiviz-check"
"""The CSS class of the whole widget."""
GREY = "#7d8592"
"""Reads on white and on black (3.7 : 1 and 5.0 : 1); where the page names a colour of text, CSS puts that instead."""
NEUTRAL = Theme(
    paper="rgba(0,0,0,0)",
    text=GREY,
    muted=GREY,
    grid="rgba(128,128,128,0.22)",
    axis="rgba(128,128,128,0.55)",
    hover="#222835",
)
_HOVER_TEXT = "#e4e8f0"
_FIRST_DRAWN = "_js2py_traceDeltas"
"""What plotly's script sends back once it has drawn."""
_LONGEST = 26
"""Letters of a stage's name."""
# Numbers in the cells of a heat map keep the colour that plotly chose against that of the cell.
_DRAWN_TEXT = (".xtick text", ".ytick text", ".x2tick text", ".y2tick text", ".infolayer text", ".legendtext")
STYLE = f"""<style>
.{FACE} {{ --jp-widgets-horizontal-tab-width: 8em; --jp-widgets-container-padding: 6px; }}
.{FACE} .lm-TabBar-tab, .{FACE} .p-TabBar-tab {{ flex: 0 1 auto !important; min-width: 0 !important; }}
{", ".join(f".{FACE} .js-plotly-plot {part}" for part in _DRAWN_TEXT)} {{
  fill: var(--jp-ui-font-color1, var(--vscode-foreground, {GREY})) !important; }}
.{FACE} .widget-html-content {{ line-height: 1.45; color: var(--jp-ui-font-color1, inherit); }}
.{FACE} .equiviz-words {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
.{FACE} .equiviz-quiet {{ opacity: 0.78; }}
.{FACE} .equiviz-title {{ font-size: 1.2em; font-weight: 600; }}
.{FACE} .widget-tab > .widget-tab-contents {{ border-bottom: none !important; padding-bottom: 0; }}
.{FACE} .equiviz-below {{ border: 1px solid var(--jp-border-color1, {GREY}); border-top: none;
  margin: -4px 2px 2px; padding: 4px 8px 8px; background: var(--jp-layout-color1, transparent); }}
.{FACE} .equiviz-verdict {{ font-size: 1.08em; }}
.{FACE} .equiviz-problem {{ border-left: 4px solid #d64541; padding-left: 8px; overflow-wrap: anywhere; }}
</style>"""


def need_libraries() -> None:
    """Refuse in words where the widget cannot be made.

    Raises:
        MissingLibrary: ipywidgets or anywidget is absent.
    """
    absent: dict[str, ImportError] = {}
    for name in ("ipywidgets", "anywidget"):
        try:
            import_module(name)
        except ImportError as reason:
            absent[(reason.name or name).partition(".")[0]] = reason  # anywidget fails where ipywidgets is absent
    if absent:
        raise MissingLibrary(" and ".join(absent), "notebook") from next(iter(absent.values()))


def line(words: str = "", look: str = "") -> HTML:
    """Plain words, escaped; `look` is a CSS class."""
    from ipywidgets import HTML

    made = HTML()
    made.layout.width = "auto"
    say(made, words, look)
    return made


def say(place: HTML, words: str, look: str = "") -> None:
    """Put other words into a line."""
    place.value = f'<div class="equiviz-words {look}">{escape(words)}</div>' if words else ""


def attempt(place: HTML, act: Callable[[], None]) -> bool:
    """Do something that may fail; a failure is told in one line, for a callback has nobody else to tell."""
    try:
        act()
    except Exception as problem:
        told = " ".join(str(problem).split())
        say(place, f"{type(problem).__name__}: {told}", "equiviz-problem")
        return False
    return True


def blank_figure(height: int) -> Figure:
    """An empty figure without a background of its own. Draw on it first, and make it live then: that is one message."""
    from plotly.graph_objects import Figure

    made = Figure()
    hover = {"bgcolor": NEUTRAL.hover, "bordercolor": NEUTRAL.axis, "font": {"color": _HOVER_TEXT}}
    made.update_layout(template=template(NEUTRAL), height=height, autosize=True, hoverlabel=hover, showlegend=False)
    return made


def trace_of(figure: BaseFigure, name: str) -> BaseTraceType:
    """The trace of that name."""
    return next(trace for trace in cast("tuple[BaseTraceType, ...]", figure.data) if trace["name"] == name)


def live(figure: BaseFigure) -> FigureWidget:
    """A figure whose changes show in the notebook."""
    from plotly.graph_objects import FigureWidget

    made = FigureWidget(figure)

    def fit(_: object) -> None:
        """plotly first draws 700 pixels wide, before the page has room for it; asked once more, it fills the page."""
        made.unobserve(fit, _FIRST_DRAWN)
        for automatic in (False, True):
            made.update_layout(autosize=automatic)

    made.observe(fit, _FIRST_DRAWN)
    return made


def space(left: float, right: float, limits: tuple[list[float], list[float]] | None = None) -> dict[str, object]:
    """A 3D scene without axes, between two shares of the figure's width; `limits` are two corners that stay."""
    hidden: dict[str, object] = {"visible": False, "showspikes": False}
    axes = {name: dict(hidden) for name in ("xaxis", "yaxis", "zaxis")}
    if limits is not None:
        for axis, low, high in zip(axes.values(), *limits, strict=True):
            axis["range"] = [low, high]
    domain = {"x": [left, right], "y": [0, 1]}
    near = 1.0 if limits is None else 0.97
    camera = {"eye": {"x": 1.25 * near, "y": 0.95 * near, "z": 0.65 * near}}
    return {**axes, "aspectmode": "data", "domain": domain, "dragmode": "orbit", "camera": camera}


def stage_axis(stages: list[str]) -> dict[str, object]:
    """An axis of stages, the first on top; of long names the end is shown, which differs more than the beginning."""
    short = [name if len(name) <= _LONGEST else "…" + name[1 - _LONGEST :] for name in stages]
    names = {"tickvals": list(map(escape, stages)), "ticktext": list(map(escape, short))}
    return {"type": "category", "autorange": "reversed", **names}


def margins(stages: list[str], right: int) -> dict[str, object]:
    """Room for the names of stages. It stays as it is when colour bars come and go, so that nothing jumps."""
    longest = min(_LONGEST, max(map(len, stages), default=0))
    return {"l": 24 + round(7.4 * longest), "r": right, "t": 16, "b": 52, "autoexpand": False}


def bar(title: str, x: float, tickformat: str = "") -> dict[str, object]:
    """A colour bar at a share of the figure's width."""
    words = {"text": escape(title), "side": "right"}
    return {"title": words, "x": x, "thickness": 10, "len": 0.95, "tickformat": tickformat, "xpad": 4}
