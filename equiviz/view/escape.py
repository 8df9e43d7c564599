"""The only door from strings to HTML, to plotly's pseudo-HTML, and to a ``<script>`` block.

Strings come from files (titles, species, atom names, property names), and a file may be hostile. Three rules keep them
text:

- everything that becomes HTML goes through :func:`escape`;
- everything that plotly draws as text (it reads ``<b>``, ``<a href>``, ``<br>`` inside titles, labels and hovers, and
  decodes a few entities, and all that are numbers) goes through :func:`escape` too: the same five characters matter;
- JSON inside a ``<script>`` element goes through :func:`escape_json`.
"""

from __future__ import annotations

_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"}
# Inside <script>, only "<" can end the element or open a comment; U+2028 and U+2029 end a line in old JavaScript.
_JSON = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_HTML_TABLE = str.maketrans(_HTML)
_JSON_TABLE = str.maketrans(_JSON)
# C0 and C1 control characters draw nothing and confuse parsers; tab and newline stay.
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(127, 160)])


def escape(text: object) -> str:
    """Any object's text, made safe as HTML text, as a quoted HTML attribute, and as plotly text."""
    return str(text).translate(_CONTROLS).translate(_HTML_TABLE)


def escape_json(document: str) -> str:
    """A JSON document, made safe inside a ``<script>`` element; it parses to the same value.

    The replaced characters occur in JSON only inside strings, where the ``\\u`` form means the same.
    """
    return document.translate(_JSON_TABLE)
