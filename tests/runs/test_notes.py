"""Notes on how pictures were read: in the journal, in the tables, and below the closing table of a command."""

import csv
import io
import json

from jaxprior.cli.console import print_summary
from jaxprior.data.notes import collect_notes
from jaxprior.evaluation import Journal, Row
from jaxprior.reporting.tables import results_csv, summary_markdown
from jaxprior.runs.record import read_record
from jaxprior.runs.row import encode


NOTED = Row(image="b.png", notes=("converted from the colour profile P3 to sRGB", "32.0 % missing"))
OTHER = Row(image="c.png", notes=("32.0 % missing",))
PLAIN = Row(image="a.png", figures={"psnr": 20.0})
RECORD = {"title": "t", "configuration": {"prior": {"name": "p", "sha256": "0"}, "resolution": 16}}


def test_a_journal_keeps_notes_and_a_line_without_them_does_not_mention_them(tmp_path):
    journal = Journal(tmp_path / "results.jsonl")
    journal.append([PLAIN, NOTED])
    assert list(journal) == [PLAIN, NOTED]
    assert list(json.loads(encode(NOTED)))[-2:] == ["notes", "crc"]
    assert list(json.loads(encode(PLAIN)))[-2:] == ["key", "crc"]


def test_tables_have_a_column_of_notes_only_where_there_are_some():
    lines = list(csv.reader(io.StringIO(results_csv([NOTED, PLAIN]))))
    assert [line[-1] for line in lines] == ["notes", "", "; ".join(NOTED.notes)]
    assert "note" not in results_csv([PLAIN]) and "note" not in summary_markdown([PLAIN], RECORD)
    assert "| 32.0 % missing | 2 | b.png |" in summary_markdown([OTHER, NOTED], RECORD)


def test_a_command_names_every_note_once(capsys):
    print_summary(["one", "two"], [[NOTED, OTHER], [NOTED]])
    said = capsys.readouterr().out
    assert said.count("note: converted from the colour profile P3 to sRGB: b.png\n") == 1
    assert said.count("note: 32.0 % missing: b.png and 1 more\n") == 1
    assert collect_notes(2 * [(NOTED.image, NOTED.notes)])["32.0 % missing"] == ["b.png"]


def test_many_kinds_of_notes_are_counted(capsys):
    print_summary(["one"], [[Row(image=f"{i}.png", notes=(f"note {i}",)) for i in range(30)]])
    assert "note: 22 more kinds of notes stand in results.csv." in capsys.readouterr().out


def test_a_journal_and_a_record_that_an_editor_saved_with_a_byte_order_mark_are_read_whole(tmp_path):
    journal = Journal(tmp_path / "results.jsonl")
    journal.append([PLAIN, NOTED])
    journal.path.write_bytes(b"\xef\xbb\xbf" + journal.path.read_bytes())
    assert list(journal) == [PLAIN, NOTED]
    (tmp_path / "run.json").write_bytes(b'\xef\xbb\xbf{"kind": "run"}')
    assert read_record(tmp_path) == {"kind": "run"}
