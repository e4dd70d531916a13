"""Evaluation: a cell (prior, task, method) over many pictures, or a recipe of many cells; journal, tables and report.

    recipe = load_recipe("quick")
    run_recipe(recipe, "runs/quick")
    means = [summarise(run.rows()) for run in runs_in("runs/quick")]
"""

from jaxprior.data.arrays import load_direction as load_direction
from jaxprior.data.arrays import load_kernel as load_kernel
from jaxprior.evaluation.cells import Cell as Cell
from jaxprior.evaluation.edits import edit_run as edit_run
from jaxprior.evaluation.edits import interpolate_run as interpolate_run
from jaxprior.evaluation.forecast import Forecast as Forecast
from jaxprior.evaluation.forecast import forecast_cells as forecast_cells
from jaxprior.evaluation.plan import PlannedCell as PlannedCell
from jaxprior.evaluation.plan import make_plan as make_plan
from jaxprior.evaluation.plan import run_recipe as run_recipe
from jaxprior.evaluation.plan import short_titles as short_titles
from jaxprior.evaluation.recipes import Recipe as Recipe
from jaxprior.evaluation.recipes import adapt as adapt
from jaxprior.evaluation.recipes import list_recipes as list_recipes
from jaxprior.evaluation.recipes import load_recipe as load_recipe
from jaxprior.evaluation.recipes import parse_recipe as parse_recipe
from jaxprior.evaluation.runner import run_cell as run_cell
from jaxprior.evaluation.tasks import make_task as make_task
from jaxprior.reporting.comparison import compare as compare
from jaxprior.reporting.comparison_report import write_comparison as write_comparison
from jaxprior.reporting.report import write_report as write_report
from jaxprior.reporting.snapshot import snapshots as snapshots
from jaxprior.reporting.tables import results_csv as results_csv
from jaxprior.reporting.tables import summarise as summarise
from jaxprior.reporting.training_report import is_training as is_training
from jaxprior.reporting.training_report import trainings_in as trainings_in
from jaxprior.reporting.training_report import write_training_report as write_training_report
from jaxprior.reporting.versus import compare_runs as compare_runs
from jaxprior.runs.journal import Journal as Journal
from jaxprior.runs.journal import Row as Row
from jaxprior.runs.observer import Observer as Observer
from jaxprior.runs.runfolder import RunFolder as RunFolder
from jaxprior.runs.runfolder import runs_in as runs_in
from jaxprior.runs.shares import Share as Share
from jaxprior.runs.stopping import Stopped as Stopped
