"""Trainings that are stopped a few times, beside one that never is."""

from pathlib import Path

import pytest

from jaxprior.training import session
from jaxprior.training.loop import Interrupted, Pace
from jaxprior.weights.storage import load_weights, weights_digest


def check_resumes(plan: session.Plan, folder: Path, *, stops: tuple[int, ...], pace: Pace) -> Path:
    """Train whole, and stopped after so many steps each time; both end with the same bytes. Returns the whole run."""
    session.run(plan, folder / "whole", source="noise", pace=pace)
    for stop_after in stops:
        calls = iter(range(10_000))
        with pytest.raises(Interrupted):
            session.run(
                plan, folder / "broken", source="noise", pace=pace,
                should_stop=lambda calls=calls, n=stop_after: next(calls) >= n,
            )  # fmt: skip
    session.run(plan, folder / "broken", source="noise", pace=pace)
    whole, resumed = (folder / name / "metrics.csv" for name in ("whole", "broken"))
    assert resumed.read_bytes() == whole.read_bytes()
    for a, b in zip(plan.models(folder / "whole"), plan.models(folder / "broken"), strict=True):
        assert weights_digest(load_weights(a)[0]) == weights_digest(load_weights(b)[0])
    assert (folder / "whole/samples.png").is_file() and (folder / "whole/curves.png").is_file()
    return folder / "whole"
