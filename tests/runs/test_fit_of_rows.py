"""Whether pictures fit their prior: in the journal and in the tables of a run."""

import csv
import io
import json

from jaxprior.evaluation import Journal, Row
from jaxprior.reporting.tables import results_csv, summary, summary_markdown
from jaxprior.runs.row import encode


POOR = Row(image="bed.png", fit="poor", notes=("a note",))
GOOD = Row(image="cat.png", fit="good")
UNKNOWN = Row(image="a.png", figures={"psnr": 20.0})
RECORD = {"title": "t", "configuration": {"prior": {"name": "p", "sha256": "0"}, "resolution": 16}}


def test_a_journal_keeps_the_fit_and_a_line_without_one_does_not_mention_it(tmp_path):
    journal = Journal(tmp_path / "results.jsonl")
    journal.append([POOR, UNKNOWN])
    assert [row.fit for row in journal] == ["poor", None]
    assert json.loads(encode(POOR))["fit"] == "poor"
    assert "fit" not in json.loads(encode(UNKNOWN))


def test_tables_have_a_column_of_the_fit_only_where_one_is_known():
    lines = list(csv.reader(io.StringIO(results_csv([POOR, GOOD, UNKNOWN]))))
    assert [line[-2:] for line in lines] == [["notes", "fit"], ["", ""], ["a note", "poor"], ["", "good"]]
    assert "fit" not in results_csv([UNKNOWN])


def test_summaries_count_pictures_that_fit_poorly_among_those_that_were_judged():
    assert summary([POOR, GOOD, UNKNOWN], RECORD)["pictures"]["poor fit"] == 1
    assert "1 of 2 pictures does not look like what the prior was trained on." in summary_markdown(
        [POOR, GOOD, UNKNOWN], RECORD
    )
    for rows in ([GOOD], [UNKNOWN]):
        assert "poor fit" not in summary(rows, RECORD)["pictures"]
        assert "look like" not in summary_markdown(rows, RECORD)
