"""What the parts of the explorer share: its style sheet, menus with labels, and lines of plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from equiviz.equivariance.check_widget.look import GREY

if TYPE_CHECKING:
    from ipywidgets import BoundedIntText, Dropdown, HBox

FACE = "equiviz-explorer"
"""The CSS class of the whole widget."""
_DRAWN_TEXT = (".xtick text", ".ytick text", ".x2tick text", ".y2tick text", ".infolayer text", ".annotation-text")
INK = f"var(--jp-ui-font-color1, var(--vscode-foreground, {GREY}))"
STYLE = f"""<style>
{", ".join(f".{FACE} .js-plotly-plot {part}" for part in _DRAWN_TEXT)} {{ fill: {INK} !important; }}
.{FACE} {{ --jp-widgets-container-padding: 4px; container-type: inline-size; }}
.{FACE} .widget-html-content {{ line-height: 1.45; color: var(--jp-ui-font-color1, inherit); }}
.{FACE} .equiviz-words {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
.{FACE} .equiviz-quiet {{ opacity: 0.78; }}
.{FACE} .equiviz-title {{ font-size: 1.2em; font-weight: 600; }}
.{FACE} .equiviz-head {{ font-weight: 600; }}
.{FACE} .equiviz-verdict {{ font-size: 1.08em; font-variant-numeric: tabular-nums; }}
.{FACE} .equiviz-problem {{ border-left: 4px solid #d64541; padding-left: 8px; overflow-wrap: anywhere; }}
.{FACE} .equiviz-row {{ flex-flow: row wrap; gap: 2px 14px; align-items: center; }}
.{FACE} .equiviz-views {{ flex-flow: row wrap; gap: 10px; align-items: flex-start; }}
.{FACE} .equiviz-row > * {{ margin: 2px 0; align-items: center; }}
.{FACE} .equiviz-row .widget-checkbox label {{ display: flex; align-items: center; gap: 4px; }}
.{FACE} .equiviz-row .widget-checkbox input {{ margin: 0; }}
.{FACE} .equiviz-views > * {{ overflow: hidden; }}
.{FACE} .equiviz-row select, .{FACE} .equiviz-row input[type="number"] {{ min-width: 0; }}
.{FACE} .equiviz-bar {{ display: flex; align-items: center; gap: 8px; font-variant-numeric: tabular-nums; }}
.{FACE} .equiviz-bar > div {{ position: relative; flex: 1 1 auto; min-width: 60px; height: 14px; }}
.{FACE} .equiviz-bar span {{ position: absolute; top: 1px; bottom: 1px; border-radius: 2px; }}
.{FACE} .equiviz-bar i {{ position: absolute; top: -3px; bottom: -3px; border-left: 1px solid {GREY}; }}
.{FACE} .equiviz-bar b {{ font-weight: normal; flex: 0 0 5.5em; }}
.{FACE} .equiviz-known {{ border-spacing: 12px 2px; margin-left: -12px; width: 100%; }}
.{FACE} .equiviz-known th {{ text-align: left; font-weight: 600; white-space: nowrap; }}
.{FACE} .equiviz-known td:nth-child(2) {{ width: 60%; }}
.{FACE} :focus-visible {{ outline: 2px solid var(--jp-brand-color1, #4477AA); outline-offset: 1px; }}
</style>"""


def menu(description: str, tooltip: str, width: str) -> Dropdown:
    """A menu whose label is as wide as its word."""
    from ipywidgets import Dropdown

    return Dropdown(**_told(description, tooltip, width))


def number_field(description: str, tooltip: str) -> BoundedIntText:
    """A whole number that the arrow keys change."""
    from ipywidgets import BoundedIntText

    return BoundedIntText(min=0, max=0, **_told(description, tooltip, "9.5em"))


def row(*children: Any) -> HBox:
    """Controls beside each other, in several lines where the page is narrow."""
    from ipywidgets import HBox

    made = HBox(list(children))
    made.add_class("equiviz-row")
    return made


def _told(description: str, tooltip: str, width: str) -> dict[str, Any]:
    look = {"style": {"description_width": "initial"}, "layout": {"width": width, "max_width": "100%"}}
    return {"description": description, "tooltip": tooltip, **look}
