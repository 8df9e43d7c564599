"""What a notebook receives: a picture where plotly's renderer is at hand, words everywhere else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from equiviz.view.escape import escape

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PLOTLY_MIME = "application/vnd.plotly.v1+json"  # drawn offline by the extension that plotly's wheel installs


def mime_bundle(title: str, words: str, figure: Figure) -> dict[str, object]:
    """The three forms of one result; the plain text is the same for the same numbers, so that tests can compare it."""
    lines = escape(words).replace("\n", "<br>")
    markup = f'<h4>{escape(title)}</h4><p style="white-space: pre-wrap">{lines}</p>'
    return {PLOTLY_MIME: json.loads(str(figure.to_json())), "text/html": markup, "text/plain": f"{title}\n\n{words}"}
