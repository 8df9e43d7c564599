"""The pieces of a page: prose, tables and figures. All text passes :func:`~equiviz.view.escape.escape` here."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, SupportsFloat, cast

from equiviz.view.escape import escape

if TYPE_CHECKING:
    from pandas import DataFrame, Series
    from plotly.graph_objects import Figure

LONG = 40  # rows from which on a table scrolls within its own box, and says so
MOST_ROWS = 200  # a page is for reading: longer tables belong in the file that Report.save writes


@dataclass(frozen=True)
class Fragment:
    """A piece of a page: ready HTML, or a figure's JSON with its height in pixels and its name for screen readers.

    ``scripts``: which of the package's own scripts (view/static) it needs, in their order.
    """

    html: str = ""
    figure: str = ""
    height: int = 0
    label: str = ""
    least: int = 0  # pixels in width; a narrower page scrolls the figure sideways
    scripts: tuple[str, ...] = ()


def prose_fragment(text: str, kind: str = "prose") -> Fragment:
    """Plain text as paragraphs; text between backticks is set as code."""
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    return Fragment("".join(f'<p class="{kind}">{_inline(paragraph)}</p>' for paragraph in paragraphs))


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def table_fragment(frame: DataFrame) -> Fragment:
    """A table; numbers are right-aligned with four significant digits, the index is a column where it has a meaning."""
    shown = frame.head(MOST_ROWS)
    named = shown if is_row_numbers(frame) else shown.reset_index(names=_index_names(shown))
    head = "".join(map(_head, named.columns, [named[column] for column in named.columns]))
    decimals = [_decimals(named.iloc[:, place]) for place in range(named.shape[1])]
    rows = "".join(f"<tr>{''.join(map(_cell, row, decimals))}</tr>" for row in named.itertuples(index=False, name=None))
    more = len(frame) - len(shown)
    note = f'<p class="caption">and {more:,} more rows; save the report for all of them</p>' if more else ""
    long = len(shown) > LONG
    note = f'<p class="caption">{len(shown):,} rows: scroll inside the table.</p>{note}' if long else note
    kind = "table long" if long else "table"
    table = f'<div class="{kind}" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return Fragment(table + note)


def is_row_numbers(frame: DataFrame) -> bool:
    """True where the index only counts the rows, so that nobody misses it."""
    from pandas import RangeIndex

    return frame.index.name is None and isinstance(frame.index, RangeIndex)


def _index_names(frame: DataFrame) -> list[str]:
    return [" " * (level + 1) if name is None else str(name) for level, name in enumerate(frame.index.names)]


def _head(name: object, column: Series) -> str:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    kind = ' class="number"' if is_numeric_dtype(column) and not is_bool_dtype(column) else ""
    return f'<th scope="col"{kind}>{escape(name)}</th>'


def _decimals(column: Series) -> int | None:
    """Decimals that all numbers of a column are printed with, where they are correlations, shares: within -1 to 1.

    None where each number is best printed by itself, with four significant digits.
    """
    from pandas.api.types import is_float_dtype

    if not is_float_dtype(column):
        return None
    known = column.dropna().abs()
    if known.empty or known.max() > 1 or known[known > 0].min() < 1e-3 or known.isin([0, 1]).all():
        return None
    return max(len(f"{value:.4g}".partition(".")[2]) for value in known)


def _cell(value: object, decimals: int | None = None) -> str:
    if isinstance(value, bool) or not isinstance(value, SupportsFloat):
        return f"<td>{escape(value)}</td>"
    number = float(value)
    if math.isnan(number):
        return '<td class="number">\N{EN DASH}</td>'
    if decimals is not None:
        return f'<td class="number">{number:.{decimals}f}</td>'
    text = f"{int(number):,}" if number.is_integer() and abs(number) < 1e9 else f"{number:.4g}"
    return f'<td class="number">{escape(text)}</td>'


def figure_fragment(figure: Figure, label: str) -> Fragment:
    """A figure as JSON (arrays as base64 bytes), without its template: the page holds one for light, one for dark."""
    import plotly.graph_objects as graphs

    bare = graphs.Figure(figure)
    layout = cast(Any, bare.layout)
    layout.template = graphs.layout.Template()
    height = int(layout.height or 420)
    layout.width = None
    least = int((layout.meta or {}).get("least", 0))
    return Fragment(figure=str(bare.to_json()), height=height, label=label, least=least)
