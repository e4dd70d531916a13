"""Evaluation: a cell (prior, task, method) over many pictures, its journal, tables and report."""

from jaxprior.evaluation.arrays import load_direction as load_direction
from jaxprior.evaluation.arrays import load_kernel as load_kernel
from jaxprior.evaluation.cells import Cell as Cell
from jaxprior.evaluation.edits import edit_run as edit_run
from jaxprior.evaluation.edits import interpolate_run as interpolate_run
from jaxprior.evaluation.journal import Journal as Journal
from jaxprior.evaluation.journal import Row as Row
from jaxprior.evaluation.report import write_report as write_report
from jaxprior.evaluation.runfolder import RunFolder as RunFolder
from jaxprior.evaluation.runfolder import runs_in as runs_in
from jaxprior.evaluation.runner import Observer as Observer
from jaxprior.evaluation.runner import run_cell as run_cell
from jaxprior.evaluation.stopping import Stopped as Stopped
from jaxprior.evaluation.tables import results_csv as results_csv
from jaxprior.evaluation.tables import summarise as summarise
from jaxprior.evaluation.tasks import make_task as make_task
