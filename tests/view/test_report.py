"""Does every report have the same face: table, picture, words, one offline file, a folder?"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from equiviz.symmetry.errors import MissingLibrary
from equiviz.view import Page, Provenance, Report, Section, Series, ViewError, line_chart
from equiviz.view.fragments import MOST_ROWS, prose_fragment, table_fragment
from equiviz.view.notebook import mime_bundle


@dataclass
class Small(Report):
    title: str = "A <small> report"

    def to_frame(self) -> pd.DataFrame:
        return pd.DataFrame({"stage": ["a", "b"], "error": [1e-16, float("nan")]})

    def figure(self):
        return line_chart([Series("s", [1, 2], [3, 4])], "x", "y", "t")

    def describe(self) -> str:
        return "All is well."

    def provenance(self) -> Provenance:
        return Provenance("2026-01-01", "a machine", {"torch": "2.13"}, {"glass": "sha256:ab"})


def test_html_is_one_file_with_everything_inside(tmp_path: Path) -> None:
    path = Small().to_html(tmp_path / "deep" / "report.html")
    text = path.read_text(encoding="utf-8")
    assert text == Small().to_html()
    assert "<h1>A &lt;small&gt; report</h1>" in text
    assert "All is well." in text
    assert "sha256:ab" in text
    assert text.count("plotly.js v") >= 1
    outside = re.findall(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)=["'][^"'>]+""", text)
    assert outside == []
    assert "default-src &#39;none&#39;" in text
    assert "unsafe-eval" not in text.split("</title>")[0]


def test_page_without_figures_carries_no_script() -> None:
    text = Page("T", "lead", [Section("S", "words", pd.DataFrame({"a": [1]}))]).html()
    assert "<script" not in text
    assert "script-src &#39;none&#39;" in text


def test_save_writes_table_words_and_page(tmp_path: Path) -> None:
    folder = Small().save(tmp_path / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["numbers.csv", "numbers.json", "report.html", "words.txt"]
    pd.testing.assert_frame_equal(pd.read_csv(folder / "numbers.csv"), Small().to_frame(), check_dtype=False)
    assert json.loads((folder / "numbers.json").read_text())["data"][0] == {"stage": "a", "error": 1e-16}


def test_notebook_text_is_the_same_each_time() -> None:
    bundle = Small()._repr_mimebundle_()
    assert bundle["text/plain"] == "A <small> report\n\nAll is well."
    assert "A &lt;small&gt; report" in bundle["text/html"]
    assert bundle["application/vnd.plotly.v1+json"]["data"][0]["name"] == "s"


def test_notebook_markup_keeps_lines_and_escapes() -> None:
    """What GitHub and nbconvert show, which have no renderer for plotly's form."""
    markup = mime_bundle("<t>", "one <b>\n  two", Small().figure())["text/html"]
    assert markup == '<h4>&lt;t&gt;</h4><p style="white-space: pre-wrap">one &lt;b&gt;<br>  two</p>'


def test_widget_is_alive() -> None:
    widget = Small().widget()
    assert type(widget).__name__ == "FigureWidget"
    assert widget.data[0].name == "s"


def test_widget_without_its_library_gives_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "anywidget", None)
    with pytest.raises(MissingLibrary, match=re.escape("pip install 'equiviz[notebook]'")):
        Small().widget()


def test_a_report_in_a_page_shows_its_picture() -> None:
    assert '"name":"s"' in Page("T", "", [Section("S", "", [Small(), Small()])], Small().provenance()).html()


def test_content_that_cannot_be_shown_is_refused() -> None:
    with pytest.raises(ViewError, match=r"section .S.: expected a Report, .* or a DataFrame, got int"):
        Page("T", "", [Section("S", "", 3)]).html()


def test_tables_keep_a_meaningful_index_and_say_what_is_left_out() -> None:
    named = table_fragment(pd.DataFrame({"rho": [0.123456]}, index=pd.Index(["<A>"], name="type"))).html
    assert '<th scope="col">type</th>' in named
    assert "&lt;A&gt;" in named
    assert '<td class="number">0.1235</td>' in named
    assert "type" not in table_fragment(pd.DataFrame({"rho": [1]})).html
    long = table_fragment(pd.DataFrame({"k": range(MOST_ROWS + 1_500)})).html
    assert "and 1,500 more rows" in long
    assert long.count("<tr>") == MOST_ROWS + 1


def test_scores_of_one_column_have_equally_many_decimals() -> None:
    frame = pd.DataFrame({"rho": [0.9, 0.528, -0.1, float("nan")], "error": [1e-16, 0.5, 0.1, 0.1]})
    made = table_fragment(frame).html
    assert [cell in made for cell in (">0.900<", ">0.528<", ">-0.100<", ">1e-16<", ">0.5<")] == [True] * 5


def test_long_tables_scroll_and_say_so() -> None:
    assert 'class="table"' in table_fragment(pd.DataFrame({"k": range(16)})).html
    long = table_fragment(pd.DataFrame({"k": range(90)})).html
    assert 'class="table long"' in long
    assert "90 rows: scroll inside the table." in long


def test_prose_has_paragraphs_and_code() -> None:
    made = prose_fragment("One `a<b`.\n\nTwo.").html
    assert made == '<p class="prose">One <code>a&lt;b</code>.</p><p class="prose">Two.</p>'


def test_provenance_names_no_host() -> None:
    rows = dict(Provenance.collect({"glass": "sha256:12"}).rows())
    assert rows["glass"] == "sha256:12"
    assert "torch" in rows["with"]
    assert os.uname().nodename not in rows["on"].split()
