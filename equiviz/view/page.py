"""A page: one HTML file with everything inside, which opens from a disk without a network.

plotly.js is inlined once, figures travel as JSON, tables as escaped HTML. A Content-Security-Policy admits the page's
own scripts by their hash and nothing else: no request can leave, and a string that slipped through escaping could still
not run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from equiviz.structures.atomic_file import write_atomically
from equiviz.view.document import Fragment, document
from equiviz.view.errors import ViewError
from equiviz.view.fragments import figure_fragment, prose_fragment, table_fragment
from equiviz.view.provenance import Provenance

if TYPE_CHECKING:
    from pathlib import Path

    from pandas import DataFrame
    from plotly.graph_objects import Figure


@runtime_checkable
class Drawable(Protocol):
    """Anything that makes its own plotly figure: a Report, a Scene."""

    def figure(self) -> Figure:
        """The picture."""
        ...


@dataclass(frozen=True, eq=False)
class Section:
    """A heading, prose (plain text: a blank line starts a paragraph, backticks set code), and one or several contents.

    A content is a Report or a Scene (its figure is drawn), a plotly figure, a DataFrame (a table), or a ready Fragment.
    ``caption`` stands under it.
    """

    heading: str
    prose: str = ""
    content: Drawable | Figure | DataFrame | Fragment | Sequence[Drawable | Figure | DataFrame | Fragment] | None = None
    caption: str = ""

    def fragments(self) -> list[Fragment]:
        """The pieces of HTML and figures, in order."""
        pieces = [prose_fragment(self.prose)] if self.prose.strip() else []
        contents = self.content if isinstance(self.content, (list, tuple)) else [self.content]
        pieces += [_fragment(content, self.heading) for content in contents if content is not None]
        return pieces + ([prose_fragment(self.caption, kind="caption")] if self.caption.strip() else [])


@dataclass(frozen=True, eq=False)
class Page:
    """A title, a lead (what the reader should take away), sections, and where it all comes from."""

    title: str
    lead: str = ""
    sections: Sequence[Section] = ()
    provenance: Provenance = field(default_factory=Provenance.collect)

    def html(self) -> str:
        """The whole document as text."""
        parts = [(section.heading, section.fragments()) for section in self.sections]
        return document(self.title, self.lead, parts, self.provenance.rows())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the document to ``path``, atomically; returns the path."""
        return write_atomically(path, self.html())


def _fragment(content: object, heading: str) -> Fragment:
    from pandas import DataFrame

    if isinstance(content, Fragment):
        return content
    if isinstance(content, DataFrame):
        return table_fragment(content)
    if hasattr(content, "to_plotly_json"):
        return figure_fragment(cast("Figure", content), heading)
    if isinstance(content, Drawable):
        return figure_fragment(content.figure(), getattr(content, "title", "") or heading)
    raise ViewError(
        f"section {heading!r}: expected a Report, a Scene, a plotly figure or a DataFrame, "
        f"got {type(content).__name__}. Put text into the section's prose."
    )
