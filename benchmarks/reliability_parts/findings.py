"""What a part found: figures beside their targets, printed when they are known."""

from typing import Any


class Findings:
    """Checks and figures of one part."""

    def __init__(self):
        self.checks, self.figures = [], {}

    def check(self, what: str, measured: Any, target: str, met: bool) -> None:
        """Note a promise, what was measured, and whether that keeps it."""
        self.checks.append({"what": what, "measured": measured, "target": target, "met": bool(met)})
        print(f"  {'met   ' if met else 'MISSED'}  {what}: {measured} (target: {target})", flush=True)

    def figure(self, name: str, value: Any) -> None:
        """Note a figure without a target."""
        self.figures[name] = value
        print(f"          {name}: {value}", flush=True)

    def record(self) -> dict:
        """All of it, for JSON."""
        return {"checks": self.checks, "figures": self.figures}


def rounded(values: list[float]) -> list[float]:
    """Values with two decimals, for printing and JSON."""
    return [round(value, 2) for value in values]
