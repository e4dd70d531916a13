"""Choose a prior's default settings by measurement: a small grid of settings for each of the six tasks.

    python benchmarks/settings.py --data PICTURES.zip --prior cats64 --pictures 64:80 --out settings-cats64.json \
        --tasks colorize,superres:4,denoise:0.2,deblur:1.5 --write defaults.json
    python benchmarks/quality.py --data PICTURES.zip --prior cats64 --pictures 0:64 --settings defaults.json ...

The pictures must not be the ones on which quality is reported. Every candidate is a change of the settings that the
prior's card has for the task; the grid is `CANDIDATES`, and --candidate adds to it:

    --candidate 'gentle={"codes": {"layer": 4}, "solve": {"steps": 20}}'

What counts is the PSNR of what a user gets, in the hole for inpainting. Tasks of one kind, such as two masks, are
judged together. Chosen is the candidate that takes the least time of the processor among those whose median, picture by
picture, is at most --within dB behind that of the best; --write adds it to a file of settings, which `quality.py` and
`bundle_prior.py --defaults` read. Simple methods that have a strength are measured in several, for `simple_methods.py`.
What was computed is kept beside --out (.rows.jsonl): a long search can be ended at any time (--minutes) and gone on
with by the same command.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from answers import Answers, add_options, direct, inverted
from hybrid_arms import FEATURES, at_the_encoder, changed, lbfgs, with_encoder
from measuring import plainly, record, save
from quality import headline
from restoring import make_task, pictures_of, tasks_of
from simple_methods import strengths

import jaxprior as jp
from jaxprior.errors import JaxpriorError
from jaxprior.restoration.presets import make_method
from jaxprior.weights.encoders import load_encoder


TASKS = ("reconstruct", "center:0.25", "block:0.25", "colorize", "superres:4", "denoise:0.2", "deblur:1.5")

CANDIDATES: dict[str, dict[str, Any]] = {
    "the card's": {},
    **{f"layer {layer}": {"codes": {"layer": layer}} for layer in (2, 4, 6)},
    "free weights": {"codes": {"weights": "free"}},
    "softmax weights": {"codes": {"weights": "softmax"}},
    **{
        f"{starts} starts of {steps}": {"solve": {"starts": starts, "steps": steps}}
        for starts, steps in ((1, 25), (1, 50), (1, 100), (4, 25), (8, 10))
    },
    **{f"features, encoder + {steps}": changed(FEATURES, lbfgs(steps, "encoder")) for steps in (10, 25, 50)},
}
"""What is changed of the card's settings, by the names of the table."""


class Search:
    """The candidates on some pictures.

    Arguments:
        options: of the command.
    """

    def __init__(self, options: argparse.Namespace):
        prior = jp.load_prior(options.prior)
        self.prior = prior if options.encoder is None else with_encoder(prior, load_encoder(options.encoder))
        self.options = options
        self.answers = Answers(options, self.prior.resolution)

    def measured(self, spec: str, candidates: Mapping[str, Mapping]) -> dict[str, dict]:
        """Of every candidate that is possible and complete: {"table", "evaluations", "values", "processor_seconds"}."""
        task, _ = make_task(spec, self.prior.resolution, np.zeros(1, np.uint32))
        found = {}
        for name, table in candidates.items():
            try:
                method = make_method(at_the_encoder(table, self.prior), task, prior=self.prior)
            except (JaxpriorError, ValueError) as error:
                print(f"{spec}, {name}: left out: {error}", flush=True)
                continue
            made = inverted(name, self.prior, method, spec)
            figures = self.answers.figures(spec, made, self.options.pictures)
            if figures is not None:
                found[name] = {
                    "table": table, "evaluations": method.solve.steps * method.solve.starts,
                    "values": figures[headline(figures)],
                    "processor_seconds": float(np.median(figures["processor_seconds"])),
                }  # fmt: skip
        return found

    def simple(self, spec: str) -> dict[str, float]:
        """Medians of the task's simple method in several strengths."""
        task, _ = make_task(spec, self.prior.resolution, np.zeros(1, np.uint32))
        medians = {}
        for strength, function in strengths(task.name).items():
            made = direct(f"strength {strength}", function)
            figures = self.answers.figures(spec, made, self.options.pictures)
            if figures is not None:
                medians[strength] = round(float(np.median(figures[headline(figures)])), 3)
        return medians


def together(parts: list[dict[str, dict]]) -> dict[str, dict]:
    """The candidates that all tasks of a kind have, with the values of all of them."""
    return {
        name: {**first, "values": np.concatenate([part[name]["values"] for part in parts])}
        for name, first in parts[0].items()
        if all(name in part for part in parts)
    }


def choice(found: dict[str, dict], within: float) -> tuple[str, dict[str, dict]]:
    """The name of the candidate that is chosen, and the figures of all."""
    best = max(found, key=lambda name: float(np.median(found[name]["values"])))
    behind = {name: float(np.median(one["values"] - found[best]["values"])) for name, one in found.items()}
    good = [name for name in found if behind[name] >= -within]
    chosen = min(good, key=lambda name: found[name]["processor_seconds"])
    figures = {
        name: {
            "median": round(float(np.median(one["values"])), 3), "to_the_best": round(behind[name], 3),
            "evaluations": one["evaluations"], "processor_seconds": round(one["processor_seconds"], 3),
        }
        for name, one in found.items()
    }  # fmt: skip
    return chosen, figures


def card_table(prior: jp.Prior, task: str, table: Mapping) -> dict:
    """The settings of a candidate as a card states them."""
    stated = {"codes": {}, "objective": {}, "solve": {}, **prior.card.get("defaults", {}).get(task, {})}
    if "kind" in table.get("codes", {}):  # what the card says is about codes of another kind
        stated["codes"] = {}
    return changed(stated, table)


def chosen_candidates(names: str | None, further: list[str]) -> dict[str, dict]:
    """The candidates that were asked for.

    Arguments:
        names: beginnings of names, with semicolons; "none", or None for all.
        further: "NAME=JSON", more candidates.
    """
    begun = ("",) if names is None else tuple(name.strip() for name in names.split(";"))
    unknown = [name for name in begun if name != "none" and not any(one.startswith(name) for one in CANDIDATES)]
    if unknown:
        raise SystemExit(f"no candidate begins with {', '.join(unknown)}; there are {'; '.join(CANDIDATES)}.")
    found = {name: table for name, table in CANDIDATES.items() if name.startswith(begun)}
    return found | {name: json.loads(table) for name, _, table in (text.partition("=") for text in further)}


def main() -> None:
    """Search."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--encoder", metavar="RUN|FILE", help="the prior's encoder, if it is not the bundled one")
    parser.add_argument("--pictures", type=pictures_of, default=range(64, 80), metavar="FIRST:END")
    parser.add_argument("--tasks", type=tasks_of, default=",".join(TASKS), metavar="TASK,TASK")
    parser.add_argument("--candidates", help="beginnings of names, with semicolons, or none; all by default")
    parser.add_argument("--candidate", action="append", default=[], metavar="NAME=JSON", help="one more candidate")
    parser.add_argument("--within", type=float, default=0.1, metavar="DB", help="what a cheaper candidate may lack")
    parser.add_argument("--write", type=Path, help="JSON file of settings to write or add to")
    options = parser.parse_args()
    candidates = chosen_candidates(options.candidates, options.candidate)
    search, by_task, results = Search(options), {}, {}
    for spec in options.tasks:
        name = make_task(spec, search.prior.resolution, np.zeros(1, np.uint32))[0].name
        by_task.setdefault(name, []).append(search.measured(spec, candidates))
        if simple := search.simple(spec):
            results.setdefault(name, {})["simple method, medians by strength"] = simple
    written = json.loads(options.write.read_text()) if options.write is not None and options.write.is_file() else {}
    for task, parts in by_task.items():
        found = together(parts)
        if not found:
            continue
        chosen, figures = choice(found, options.within)
        results[task] = {"chosen": chosen, "candidates": figures, **results.get(task, {})}
        table = at_the_encoder(candidates[chosen], search.prior)
        written[task] = card_table(search.prior, task, table)
        print(f"\n{task}: {chosen}\n" + "\n".join(f"  {name:28s} {row}" for name, row in figures.items()))
    for task, found in results.items():
        for strength, median in found.get("simple method, medians by strength", {}).items():
            print(f"{task}, simple method, strength {strength}: {median} dB")
    card, pictures = search.prior.card, f"{options.pictures.start}:{options.pictures.stop}"
    found = {"prior": card["name"], "sha256": card["sha256"], "data": options.data.name, "pictures": pictures}
    save(options.out, {**record("settings"), **found, "within": options.within, "results": results})
    save(options.write, written)


if __name__ == "__main__":
    plainly(main)
