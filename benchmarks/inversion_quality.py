"""Restoration quality against gradient evaluations: optimisers, starts and budgets side by side.

    python benchmarks/inversion_quality.py --data PICTURES.zip --out benchmarks/results/inversion-cats32
    python benchmarks/inversion_quality.py --data PICTURES.zip --out ... --arms baseline --limit 16 --budgets 3000

Every arm inverts the same held-out pictures. At checkpoints along its trace the iterate that a run of that length would
keep is compared with the truth: PSNR on what is known, PSNR and SSIM in the hole, and the share of pictures on which it
beats the mean of the known pixels. More steps always explain what is known better, and usually hurt the hole, so that
the stop matters more than the number of steps. Evaluations are counted over all starts of a picture.

`PREFIX.csv` has one line per arm, seed, budget and checkpoint and is appended to: arms that it has are not run again.
`PREFIX.npz` keeps the values of every picture for paired comparisons, `PREFIX.png` is the figure. `--arms` selects by
beginnings of names. With `--report` nothing is run: figure and conclusion are made of what is there.
"""

import argparse
import csv
import dataclasses
import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from restoring import load, make_task
from simple_methods import mean_fill

import jaxprior as jp
from jaxprior.inversion import engine
from jaxprior.inversion.starts import make_start
from jaxprior.operators import batched
from jaxprior.restoration.banks import sample_bank


CHECKPOINTS = (10, 25, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 3000)
LAYERS = {"reconstruct": 4, "hole": 2}
VALUES = ("known", "hole", "ssim_hole", "psnr", "ssim")
COLUMNS = (
    "task", "arm", "seed", "budget", "checkpoint", "evaluations", "pictures", "seconds",
    *VALUES, "gain_over_mean_fill", "wins_over_mean_fill",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to invert; budgets None: every budget asked for is a run of its own, else one run serves all."""

    solve: dict
    weights: str = "softmax"
    features: bool = False
    one_run: bool = False


ARMS = {
    "baseline sgd 1.0": Arm(solve={"optimizer": "sgd", "learning_rate": 1.0}, weights="free", features=True),
    **{
        f"baseline adam {rate}": Arm(solve={"learning_rate": rate}, weights="free", features=True)
        for rate in (0.01, 0.05, 0.1)
    },
    **{
        f"{name} {init} {weights}": Arm(solve={**solve, "init": init}, weights=weights, one_run=name == "lbfgs")
        for name, solve in {"adam-cosine": {"schedule": "cosine"}, "lbfgs": {"optimizer": "lbfgs"}}.items()
        for init in ("random", "bank")
        for weights in ("free", "softmax")
    },
    **{
        f"starts4 {name} {init}": Arm(solve={**solve, "init": init, "starts": 4}, one_run=name == "lbfgs")
        for name, solve in {"adam-cosine": {"schedule": "cosine"}, "lbfgs": {"optimizer": "lbfgs"}}.items()
        for init in ("random", "bank")
    },
    **{
        f"starts{n} lbfgs bank free": Arm(
            solve={"optimizer": "lbfgs", "init": "bank", "starts": n}, weights="free", one_run=True
        )
        for n in (4, 8)
    },
    "held-out lbfgs bank": Arm(solve={"optimizer": "lbfgs", "init": "bank", "keep": "held_out"}, one_run=True),
    "held-out-4 lbfgs bank": Arm(
        solve={"optimizer": "lbfgs", "init": "bank", "keep": "held_out", "starts": 4}, one_run=True
    ),
}


class Problem:
    """Pictures and holes, and how results are compared with them."""

    def __init__(self, task: str, photos: np.ndarray, ids: np.ndarray):
        self.task, self.photos, self.ids = task, photos, ids
        self.operator, self.masks = make_task(task, photos.shape[1], ids)
        if self.masks is not None:
            filled = mean_fill(photos, self.masks)
            self.fill = np.asarray(jp.metrics.psnr(filled, photos, mask=self.masks))

    def judge(self, images) -> dict[str, np.ndarray]:
        """Values of every picture; those in the hole are not numbers where there is none."""
        nothing = np.full(len(images), np.nan)
        values = {"psnr": jp.metrics.psnr(images, self.photos), "ssim": jp.metrics.ssim(images, self.photos)}
        if self.masks is None:
            values |= {"known": values["psnr"], "hole": nothing, "ssim_hole": nothing}
        else:
            values["known"] = jp.metrics.psnr(images, self.photos, mask=1 - self.masks)
            values["hole"] = jp.metrics.psnr(images, self.photos, mask=self.masks)
            values["ssim_hole"] = jp.metrics.ssim(images, self.photos, mask=self.masks)
        return {name: np.asarray(value) for name, value in values.items()}


def run(prior: jp.Prior, problem: Problem, arm: Arm, budget: int, seed: int):
    """Yield (checkpoint, seconds so far, values) along one run; several starts are entries of one batch."""
    solve = jp.Solve(steps=budget, **arm.solve)
    hole = problem.masks is not None
    codes = jp.MultiCode(num_codes=20, layer=LAYERS["hole" if hole else "reconstruct"], weights=arm.weights)
    objective = jp.Objective(features=prior.critic if arm.features else None, feature_weight=0.01)
    b, starts = len(problem.photos), solve.starts
    generator = prior.split(codes.layer)
    operator = jax.tree.map(lambda x: jnp.repeat(x, starts, axis=0), batched(problem.operator, b))
    observed = jnp.repeat(problem.operator.observe(problem.photos), starts, axis=0)
    ids = np.repeat(problem.ids, starts) + np.tile(np.arange(starts, dtype=np.uint32), b)
    keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(seed), jnp.asarray(ids))
    start = make_start(solve.init, bank_size=solve.bank_size).ready(prior, samples=partial(sample_bank, prior))
    began, static = time.perf_counter(), {"codes": codes, "solve": solve}
    platform = jax.default_backend()
    with jax.default_matmul_precision("highest"):
        nth = jnp.tile(jnp.arange(starts), b)
        state, target = engine.begin(generator, objective, operator, observed, keys, start=start, nth=nth, **static)
        arguments, done = (generator, objective, operator, target), 0
        for checkpoint in [c for c in CHECKPOINTS if c < budget] + [budget]:
            state, _ = engine.advance(state, *arguments, steps=checkpoint - done, platform=platform, **static)
            found = engine.finish(state, *arguments, **static)
            done = checkpoint
            images = found["images"].reshape(b, starts, *found["images"].shape[1:]).mean(axis=1)
            images.block_until_ready()
            yield checkpoint, time.perf_counter() - began, problem.judge(images)


class Record:
    """The CSV of medians and the archive of every picture's values; both grow."""

    def __init__(self, prefix: Path):
        prefix.parent.mkdir(parents=True, exist_ok=True)
        self.table, self.archive = prefix.with_suffix(".csv"), prefix.with_suffix(".npz")
        self.read()

    def read(self) -> None:
        """Take what the files hold; several processes may add to them by turns."""
        self.rows = list(csv.DictReader(self.table.open())) if self.table.is_file() else []
        self.values = dict(np.load(self.archive)) if self.archive.is_file() else {}

    def has(self, task: str, arm: str, seed: int, budget: int, pictures: int) -> bool:
        """Whether a run is there."""
        wanted = (task, arm, str(seed), str(budget), str(pictures))
        return any((r["task"], r["arm"], r["seed"], r["budget"], r["pictures"]) == wanted for r in self.rows)

    def add(self, problem: Problem, arm: str, seed: int, budget: int, starts: int, points: list) -> None:
        """Keep one finished run."""
        self.read()
        for checkpoint, seconds, values in points:
            medians = {n: round(float(np.nanmedian(v)), 4) if not np.isnan(v).all() else "" for n, v in values.items()}
            gain, wins = "", ""
            if problem.masks is not None:
                gain = round(float(np.median(values["hole"] - problem.fill)), 4)
                wins = round(float(np.mean(values["hole"] > problem.fill)), 4)
            row = {
                "task": problem.task, "arm": arm, "seed": seed, "budget": budget, "checkpoint": checkpoint,
                "evaluations": checkpoint * starts, "pictures": len(problem.photos), "seconds": round(seconds, 1),
                **medians, "gain_over_mean_fill": gain, "wins_over_mean_fill": wins,
            }  # fmt: skip
            self.rows.append({name: str(row[name]) for name in COLUMNS})
            for name in ("hole", "ssim_hole", "psnr"):
                key = f"{problem.task}|{arm}|{seed}|{budget}|{checkpoint}|{len(problem.photos)}|{name}"
                self.values[key] = values[name].astype(np.float32)
        with self.table.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)
        np.savez_compressed(self.archive, **self.values)


def plot(record: Record, path: Path) -> None:
    """Known and hole PSNR against evaluations, one line an arm (mean over seeds, most pictures, longest budget)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    tasks = sorted({row["task"] for row in record.rows})
    figure, axes = plt.subplots(len(tasks), 2, figsize=(13, 4.6 * len(tasks)), squeeze=False)
    for line, task in zip(axes, tasks, strict=True):
        columns = ("known", "gain_over_mean_fill") if task != "reconstruct" else ("known", "ssim")
        labels = {"known": "PSNR on what is known, dB", "ssim": "SSIM",
                  "gain_over_mean_fill": "hole: paired gain over mean fill, dB"}  # fmt: skip
        for axis, column in zip(line, columns, strict=True):
            axis.set_prop_cycle(color=plt.get_cmap("tab20").colors)
            for arm in dict.fromkeys(row["arm"] for row in record.rows if row["task"] == task):
                mine = [r for r in record.rows if r["task"] == task and r["arm"] == arm]
                ends = [r for r in mine if r["checkpoint"] == r["budget"]] if not one_run(arm) else mine
                most = max(int(r["pictures"]) for r in ends)
                points = {}
                for r in ends:
                    if int(r["pictures"]) == most:
                        points.setdefault(int(r["evaluations"]), []).append(float(r[column]))
                xs = sorted(points)
                style = ":" if arm.startswith("baseline") else "--" if "free" in arm else "-"
                axis.plot(xs, [np.mean(points[x]) for x in xs], style, marker=".", label=f"{arm} ({most})")
            axis.set(xscale="log", xlabel="gradient evaluations a picture", ylabel=labels[column], title=task)
            axis.grid(alpha=0.3)
        line[1].legend(fontsize=6, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def one_run(name: str) -> bool:
    """Whether an arm's checkpoints are what shorter budgets would give."""
    return ARMS[name].one_run or ARMS[name].solve.get("schedule", "constant") == "constant"


def conclude(record: Record) -> str:
    """The best baseline beside the arms with a tenth of its evaluations or fewer, on the same pictures."""
    lines = []
    for task in sorted({row["task"] for row in record.rows if row["arm"].startswith("baseline")}):
        if task == "reconstruct":
            continue
        bases = [r for r in record.rows if r["task"] == task and r["arm"].startswith("baseline")]
        final = [r for r in bases if r["checkpoint"] == r["budget"]]
        best = max(final, key=lambda r: float(r["hole"]))
        peak = max(bases, key=lambda r: float(r["hole"]))
        n = int(best["pictures"])
        lines += [
            f"{task}: best baseline at its end: {best['arm']}, {best['evaluations']} evaluations, hole {best['hole']} "
            f"dB, SSIM {best['ssim_hole']} ({n} pictures); its own best stop: {peak['arm']} at {peak['checkpoint']}: "
            f"{peak['hole']} dB",
            "| arm | seed | evaluations | hole PSNR | paired difference to the baseline [95 %] | hole SSIM difference "
            "| beats mean fill (all pictures) |",
            "|---|---|---|---|---|---|---|",
        ]
        base = {name: record.values[_key(best, name)] for name in ("hole", "ssim_hole")}
        for row in record.rows:
            ends = one_run(row["arm"]) or row["checkpoint"] == row["budget"]
            cheap = int(row["evaluations"]) * 10 <= int(best["evaluations"])
            if row["task"] != task or row["arm"].startswith("baseline") or not ends or not cheap:
                continue
            found = {name: record.values[_key(row, name)][:n] for name in base}
            difference = found["hole"] - base["hole"]
            low, high = _interval(difference)
            lines.append(
                f"| {row['arm']} | {row['seed']} | {row['evaluations']} | {np.median(found['hole']):.2f} | "
                f"{np.median(difference):+.2f} [{low:+.2f}, {high:+.2f}] | "
                f"{np.median(found['ssim_hole'] - base['ssim_hole']):+.3f} | {float(row['wins_over_mean_fill']):.0%} |"
            )
    return "\n".join(lines)


def _key(row: dict, name: str) -> str:
    parts = ("task", "arm", "seed", "budget", "checkpoint", "pictures")
    return "|".join([*(row[part] for part in parts), name])


def _interval(values: np.ndarray) -> tuple[float, float]:
    draws = np.random.default_rng(0).choice(values, (2000, len(values)))
    return tuple(np.percentile(np.median(draws, axis=1), (2.5, 97.5)))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="held-out pictures: folder or zip")
    parser.add_argument("--prior", help="name, file or run (default: the best bundled)")
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--tasks", default="center:0.25", help="reconstruct and masks, with commas")
    parser.add_argument("--arms", default="adam-cosine,lbfgs", help="beginnings of names of arms, with commas")
    parser.add_argument("--budgets", default="50,100,300")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--out", type=Path, required=True, metavar="PREFIX")
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    record = Record(arguments.out)
    if not arguments.report:
        prior = jp.load_prior(arguments.prior)
        photos, ids = load(arguments.data, prior.resolution, arguments.limit)
        chosen = [n for n in ARMS if n.startswith(tuple(arguments.arms.split(",")))]
        budgets = sorted(map(int, arguments.budgets.split(",")))
        for task in arguments.tasks.split(","):
            problem = Problem(task, photos, ids)
            for seed in map(int, arguments.seeds.split(",")):
                for name in chosen:
                    arm = ARMS[name]
                    for budget in budgets[-1:] if one_run(name) else budgets:
                        if record.has(task, name, seed, budget, len(photos)):
                            continue
                        points = list(run(prior, problem, arm, budget, seed))
                        record.add(problem, name, seed, budget, arm.solve.get("starts", 1), points)
                        row = record.rows[-1]
                        print(
                            f"{task} {name} seed {seed} budget {budget}: known {row['known']} hole {row['hole']} gain "
                            f"{row['gain_over_mean_fill']} wins {row['wins_over_mean_fill']} {row['seconds']} s",
                            flush=True,
                        )
    plot(record, arguments.out.with_suffix(".png"))
    print(conclude(record))


if __name__ == "__main__":
    main()
