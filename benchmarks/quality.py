"""Restoration quality on held-out pictures: the prior beside an untrained one and beside simple methods.

    python benchmarks/quality.py --data PICTURES.zip --prior cats64 --pictures 0:64 --out benchmarks/results/NAME.json

The six tasks: reconstruction (also cut short, "reconstruct@25" after 25 evaluations: with many, an untrained network
explains any picture too), inpainting at center:0.25 and block:0.25, colours for grey pictures, enlargement by 4, noise
of 0.2, and a blur of 1.5 pixels. It reports medians over the pictures of PSNR and SSIM of

    prior        the inversion, with the default settings of the prior's card, or with those of --settings
    untrained    the same inversion of the same architecture with random weights: what the structure alone explains
    simple ones  mean fill and biharmonic inpainting; the grey, noisy or blurred picture as it is; bicubic enlarging;
                 non-local means; Wiener's filter (`simple_methods.py`)

and what the prior gains over each, picture by picture: the median, a bootstrap interval of 95 %, and wins. The figures
are of what a user gets: merged with what is known where a task merges, and for inpainting in the hole. The settings of
--settings are those that `settings.py --write` chose on other pictures. Every picture's figures are kept beside --out
(.rows.jsonl), so that a long run can be ended (--minutes) and gone on with by the same command. Prints tables, writes
JSON; asserts nothing.
"""

import argparse
import dataclasses
import functools
import json
from pathlib import Path

import jax
import numpy as np
from answers import Answers, Method, add_options, direct, inverted
from measuring import plainly, save
from paired import compared, said
from restoring import make_task, pictures_of, tasks_of
from simple_methods import SIMPLE

import jaxprior as jp
from jaxprior.system import provenance
from jaxprior.weights.encoders import load_encoder
from jaxprior.weights.priors import Card


TASKS = ("reconstruct", "reconstruct@25", "center:0.25", "block:0.25", "colorize", "superres:4", "denoise:0.2",
         "deblur:1.5")  # fmt: skip
HEADLINES = ("psnr_hole_merged", "psnr_merged", "psnr")
"""Of a task the first that it has: the PSNR of what a user gets, in the hole where there is one."""

SAME_PART = {"psnr_hole_merged": "ssim_hole_merged", "psnr_merged": "ssim_merged", "psnr": "ssim"}
PRIOR, UNTRAINED = "prior", "untrained"


def headline(figures: dict) -> str:
    """The figure that the methods of a task are compared by."""
    return next(name for name in HEADLINES if name in figures)


def with_settings(prior: jp.Prior, path: Path | None) -> jp.Prior:
    """The prior with default settings of a file, {task: {"codes": ..., "objective": ..., "solve": ...}}."""
    if path is None:
        return prior
    stated = {**prior.card.get("defaults", {}), **json.loads(path.read_text())}
    return dataclasses.replace(prior, card=Card({**prior.card, "defaults": stated}))


def methods(prior: jp.Prior, control: jp.Prior, spec: str, steps: str) -> list[Method]:
    """All methods of a task."""
    task, _ = make_task(spec, prior.resolution, np.zeros(1, np.uint32))
    method = jp.preset("default", task, prior=prior)
    if steps:
        method = method._replace(solve=dataclasses.replace(method.solve, steps=int(steps)))
    begun = method
    if method.solve.init == "encoder":  # which knows nothing of a generator with random weights
        begun = method._replace(solve=dataclasses.replace(method.solve, init="bank"), start=None)
    found = [inverted(PRIOR, prior, method, spec), inverted(UNTRAINED, control, begun, spec)]
    return [*found, *(direct(name, function) for name, function in SIMPLE.get(task.name, {}).items())]


def summary(arms: dict[str, dict[str, np.ndarray]]) -> dict:
    """Medians of every method, and what the prior gains over it."""
    rows, figure = {}, headline(arms[PRIOR])
    for name, values in arms.items():
        rows[name] = {one: round(float(np.median(v)), 4) for one, v in values.items()}
        if name != PRIOR:
            rows[name]["gain_of_the_prior"] = compared(arms[PRIOR][figure], values[figure])
    return rows


def table(results: dict) -> str:
    """All methods of all tasks as markdown."""
    lines = ["| task | method | PSNR, dB | SSIM | perceptual distance | gain of the prior [95 %], wins |",
             "|---" * 6 + "|"]  # fmt: skip
    for task, found in results.items():
        figure = headline(found["methods"][PRIOR])
        seen = "perceptual_hole" if figure == "psnr_hole_merged" else "perceptual"
        where = f"{task}, in the hole" if seen == "perceptual_hole" else task
        for name, row in found["methods"].items():
            gain = said(row["gain_of_the_prior"]) if "gain_of_the_prior" in row else ""
            distance = f"{row[seen]:.3f}" if seen in row else ""
            cells = (where, name, f"{row[figure]:.2f}", f"{row[SAME_PART[figure]]:.3f}", distance, gain)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def short_table(results: dict) -> str:
    """A line a task as markdown: PSNR of the best simple method, of the untrained generator and of the prior."""
    lines = ["| task | best simple method | untrained generator | **jaxprior** | gain over the better [95 %], wins |",
             "|---" * 5 + "|"]  # fmt: skip
    for task, found in results.items():
        rows, figure = found["methods"], headline(found["methods"][PRIOR])
        simple = [name for name in rows if name not in (PRIOR, UNTRAINED)]
        best = max(simple, key=lambda name: rows[name][figure], default=None)
        better = max((name for name in (best, UNTRAINED) if name), key=lambda name: rows[name][figure])
        cells = (
            task, "" if best is None else f"{rows[best][figure]:.2f} ({best})", f"{rows[UNTRAINED][figure]:.2f}",
            f"**{rows[PRIOR][figure]:.2f}**", said(rows[better]["gain_of_the_prior"]),
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def earlier(path: Path | None, record: dict) -> dict:
    """Results of other tasks that the file already holds, if everything else about them is the same."""
    if path is None or not path.is_file():
        return {}
    held = json.loads(path.read_text())
    return held["results"] if all(held.get(name) == value for name, value in record.items()) else {}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--pictures", type=pictures_of, default=range(64), metavar="FIRST:END")
    several = functools.partial(tasks_of, steps=True)
    kept = "results of the others are kept in --out"
    parser.add_argument("--tasks", type=several, default=",".join(TASKS), metavar="TASK,TASK", help=kept)
    parser.add_argument("--encoder", metavar="RUN|FILE", help="the prior's encoder, if it is not the bundled one")
    parser.add_argument("--settings", type=Path, help="JSON file of settings in place of the card's")
    options = parser.parse_args()
    prior = with_settings(jp.load_prior(options.prior), options.settings)
    if options.encoder is not None:
        prior = dataclasses.replace(prior, encoder=load_encoder(options.encoder))
    control, answers = jp.untrained(prior, key=jax.random.key(2)), Answers(options, prior.resolution)
    record = {
        "schema": 2, "benchmark": "quality", "prior": prior.card["name"], "sha256": prior.card["sha256"],
        "pictures": f"{options.pictures.start}:{options.pictures.stop}", "data": options.data.name,
        "device": provenance.device_name(), "versions": provenance.versions(),
        "perceptual": answers.compared_in,
    }  # fmt: skip
    results = earlier(options.out, record)
    for word in options.tasks:
        spec, _, steps = word.partition("@")
        arms = {
            method.name: answers.figures(spec, method, options.pictures)
            for method in methods(prior, control, spec, steps)
        }
        if None in arms.values():
            print(f"{word}: not complete after {options.minutes:g} minutes; the same command goes on", flush=True)
            continue
        task = make_task(spec, prior.resolution, np.zeros(1, np.uint32))[0].name
        settings = prior.card.get("defaults", {}).get(task)
        results[word] = {"settings": settings, "methods": summary(arms)}
    print(f"{table(results)}\n\n{short_table(results)}")
    save(options.out, {**record, "results": results})


if __name__ == "__main__":
    plainly(main)
