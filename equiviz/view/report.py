"""Report, the common face of all results: a table, a picture, plain words, and one offline file that holds them."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from equiviz.structures.atomic_file import write_atomically
from equiviz.view.errors import MissingLibrary
from equiviz.view.fragments import is_row_numbers
from equiviz.view.notebook import mime_bundle
from equiviz.view.page import Page, Section
from equiviz.view.provenance import Provenance

if TYPE_CHECKING:
    from ipywidgets import DOMWidget
    from pandas import DataFrame
    from plotly.graph_objects import Figure


class Report(ABC):
    """What every verb returns. A subclass gives ``title``, :meth:`to_frame`, :meth:`figure` and :meth:`describe`.

    The rest follows from these. A subclass with several pictures overrides :meth:`sections`.
    """

    title: str

    @abstractmethod
    def to_frame(self) -> DataFrame:
        """The numbers as a tidy table: one observation per row, units in the column names."""

    @abstractmethod
    def figure(self) -> Figure:
        """The picture that answers the report's question at first sight."""

    @abstractmethod
    def describe(self) -> str:
        """The result in a few plain sentences, the same text for the same numbers."""

    def sections(self) -> list[Section]:
        """What :meth:`to_html` shows under the words: by default the picture, then the table."""
        return [Section("Picture", "", self.figure()), Section("Numbers", "", self.to_frame())]

    def provenance(self) -> Provenance:
        """The footer of the page; a subclass that knows its data adds their checksums."""
        return Provenance.collect()

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str | Path:
        """One self-contained page that opens offline: its text, or, given a ``path``, the file (written atomically)."""
        page = Page(self.title, self.describe(), self.sections(), self.provenance())
        return page.html() if path is None else page.save(path)

    def widget(self) -> DOMWidget:
        """A live widget: the picture, whose traces and selections Python can read, or more; works offline.

        It sends plotly's script with each instance (5 MB): where no selection is read, display the report itself.
        Raises :class:`MissingLibrary` where ipywidgets or anywidget is absent.
        """
        try:
            import_module("anywidget")  # plotly's own message for its absence does not name our extra
            from plotly.graph_objects import FigureWidget
        except ImportError as reason:
            raise MissingLibrary("anywidget", "notebook") from reason
        return FigureWidget(self.figure())

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write ``numbers.csv``, ``numbers.json``, ``words.txt`` and ``report.html`` into ``folder``; returns it."""
        place, frame = Path(folder), self.to_frame()
        write_atomically(place / "numbers.csv", frame.to_csv(index=not is_row_numbers(frame)))
        numbers = frame.to_json(orient="table", index=not is_row_numbers(frame), indent=1)
        write_atomically(place / "numbers.json", cast("str", numbers))  # None only where a path is given
        write_atomically(place / "words.txt", f"{self.title}\n\n{self.describe()}\n")
        self.to_html(place / "report.html")
        return place

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        """The picture where plotly can draw, else the words, which are the same for the same result."""
        return mime_bundle(self.title, self.describe(), self.figure())

    def __repr__(self) -> str:
        """The title and the words."""
        return f"{type(self).__name__}({self.title!r})\n{self.describe()}"
