"""Do strings stay text, and do they stay the same text?"""

from __future__ import annotations

import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equiviz.view.escape import escape, escape_json
from tests.hostile_strings import HOSTILE


@given(st.text())
def test_escaped_text_has_no_markup_and_reads_as_before(text: str) -> None:
    escaped = escape(text)
    assert not set(escaped) & set("<>\"'")
    controls = {*map(chr, range(9)), "\x0b", "\x0c", *map(chr, range(14, 32)), *map(chr, range(127, 160))}
    assert html.unescape(escaped) == "".join(letter for letter in text if letter not in controls)


@given(st.text())
def test_json_in_a_script_parses_to_the_same_value(text: str) -> None:
    escaped = escape_json(json.dumps({text: [text]}, ensure_ascii=False))
    assert not set(escaped) & set("<>&\u2028\u2029")
    assert json.loads(escaped) == {text: [text]}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_hostile_string_survives(text: str) -> None:
    assert "<" not in escape(text)
    assert "</script" not in escape_json(json.dumps(text))


def test_other_things_than_text_are_escaped_as_their_text() -> None:
    assert escape(3.5) == "3.5"
    assert escape(["<b>"]) == "[&#39;&lt;b&gt;&#39;]"
