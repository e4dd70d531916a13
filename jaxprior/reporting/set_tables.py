"""Tables of what `jaxprior.evaluation.sets` has measured: the restored pictures of runs against their originals."""

from collections.abc import Iterable

from jaxprior.reporting.tables import markdown


TITLE = "Sets of pictures"
COLUMNS = ("run", "pictures", "Frechet distance", "KID", "precision", "recall")
_SHOWN = {"frechet": "#.4g", "kid": "#.4g", "precision": ".3f", "recall": ".3f"}
"""Figure and how it is written; the scale of the first two is that of the features."""


def set_lines(runs: Iterable[tuple[str, dict]]) -> list[tuple[str, ...]]:
    """Return the lines of the table under `COLUMNS`; none for runs that were not measured.

    Arguments:
        runs: title and run.json of each.
    """
    return [
        (title, str(found["fake"]), *(_text(found, *one) for one in _SHOWN.items()))
        for title, record in runs
        if (found := record.get("sets")) is not None
    ]


def set_note(runs: Iterable[tuple[str, dict]]) -> str:
    """Return how the sets were compared, and in which network; empty where none was.

    Arguments:
        runs: see `set_lines`.
    """
    found = [record["sets"] for _, record in runs if "sets" in record]
    if not found:
        return ""
    titles = "; ".join(dict.fromkeys(one["title"] for one in found))
    return (
        f"Sets: the restored pictures, in 8 bits, against their originals: {titles}; KID with the polynomial kernel of "
        "degree 3, precision and recall with 3 neighbours, in the same features, averaged over each picture. ± is the "
        "standard deviation over bootstrap samples, or over halves of the sets (precision, recall). The Frechet "
        "distance depends on the number of pictures. Lower is better, and for precision and recall higher. Only with "
        "the Inception of pytorch-fid these are FID and KID as published."
    )


def set_markdown(runs: Iterable[tuple[str, dict]]) -> str:
    """Return a section with the table and its note as Markdown; empty where there is nothing.

    Arguments:
        runs: see `set_lines`.
    """
    runs = list(runs)
    if not (lines := set_lines(runs)):
        return ""
    head = [f"| {' | '.join(COLUMNS)} |", "|---|" + "---:|" * (len(COLUMNS) - 1)]
    body = [f"| {markdown(title)} | {' | '.join(figures)} |" for title, *figures in lines]
    return "\n".join(["", f"## {TITLE}", "", *head, *body, "", set_note(runs), ""])


def _text(found: dict, name: str, form: str) -> str:
    deviation = found.get(f"{name}_sd")
    return f"{found[name]:{form}}".rstrip(".") + ("" if deviation is None else f" ± {deviation:{form}}".rstrip("."))
