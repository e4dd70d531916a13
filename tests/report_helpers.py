"""Runs on disk as an evaluation leaves them, made without an engine, and a reader of report pages."""

import html.parser
from pathlib import Path

import numpy as np

from jaxprior.data import images
from jaxprior.evaluation import Row, RunFolder


VOID = {"meta", "img", "input", "link", "br"}
HOSTILE = '<script>alert("x")</script>'
PLACE = {"prior": "tiny", "data": "cats", "task": "inpaint center:0.25", "method": "default"}
PICTURES = ("inputs", "raw", "images", "originals", "masks")


def record(title: str = "inpaint center:0.25", **changes) -> dict:
    """A run.json; `changes` are of its configuration."""
    configuration = {"prior": {"name": "tiny", "sha256": "00"}, "resolution": 8, "seed": 0, **changes}
    return {
        "configuration": configuration,
        "title": title,
        "versions": {"jax": "0"},
        "device": "cpu",
        "batch": 2,
        "images": 4,
        "command": "jaxprior inpaint <x>",
    }


def make_run(folder, *, title="inpaint center:0.25", masked=True, n=3) -> RunFolder:
    """A finished run of n pictures, whose hole PSNR falls with the number, and a failed one."""
    run = RunFolder(folder)
    with run.open_for_writing():
        run.write(record(title))
        for i in range(n):
            figures = {"psnr": 20.0 + i, "ssim": 0.5} | ({"psnr_hole": 15.0 - i, "ssim_hole": 0.25} if masked else {})
            row = Row(image=f"photos/p{i}.png", id=i, file=f"p{i}", figures=figures, loss=0.01)
            for number, kind in enumerate(PICTURES[: 5 if masked else 4]):
                images.save_png(run.file(kind, row.file), np.full((8, 8, 3), 10 * i + number, np.uint8))
            run.journal.append([row])
        run.journal.append([Row(image=f"photos/{HOSTILE}.png", status="failed", reason=f"bad {HOSTILE}")])
    return run


def make_photo_run(folder, *, height=300, width=400, originals=False, mask=None) -> RunFolder:
    """A run of one photograph that kept its size, with a hole of 40 x 60 pixels unless a mask is given."""
    run = RunFolder(folder)
    smooth = np.linspace(0, 255, height * width * 3).reshape(height, width, 3).astype(np.uint8)
    hole = np.zeros((height, width), bool)
    hole[100:140, 200:260] = True
    missing = hole if mask is None else mask
    pictures = {"inputs": np.where(missing[..., None], np.uint8(128), smooth), "images": smooth}
    pictures |= {"originals": smooth} if originals else {}
    pictures |= {"masks": np.repeat(missing[..., None] * np.uint8(255), 3, axis=2), "raw": smooth[:8, :8]}
    with run.open_for_writing():
        run.write({**record("inpaint m.png", size="native", resolution=64), "merges": True, "images": 1})
        for kind, picture in pictures.items():
            images.save_png(run.file(kind, "photo"), picture)
        run.journal.append([Row(image="photo.jpg", id=1, file="photo", figures={"psnr_known": 30.0}, fit="good")])
    return run


def make_cell(folder: Path, hole_psnr: list[float], *, images_wanted: int | None = None, **place: str) -> RunFolder:
    """A cell of an evaluation, without pictures: picture i has `hole_psnr[i]` in the hole and 6 dB more merged."""
    place = {**PLACE, **place}
    run = RunFolder(folder)
    with run.open_for_writing():
        mask = place["task"].partition(" ")[2] or None
        entry = record(" | ".join(place.values()), task=place["task"].split(" ")[0], mask=mask, mask_sha256=None)
        run.write({**entry, "cell": place, "images": len(hole_psnr) if images_wanted is None else images_wanted})
        run.journal.append(
            [
                Row(image=f"p{i}.png", id=i, figures=_figures(value), seconds=1.5, device="cpu", batch=2)
                for i, value in enumerate(hole_psnr)
            ]
        )
    return run


def _figures(hole: float) -> dict[str, float]:
    whole = {"psnr": hole + 3, "ssim": 0.5}
    return {**whole, "psnr_hole": hole, "ssim_hole": 0.25, "psnr_merged": hole + 6, "ssim_merged": 0.75}


class Page(html.parser.HTMLParser):
    """Checks that elements close in order; collects rows, addresses, and the captions of the pictures of rows."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.addresses, self.captions, self.in_caption = [], [], [], [], False
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr" and "data-status" in attributes:
            self.rows.append(attributes | {"pictures": 0})
        if tag == "img" and self.rows and attributes.get("src"):
            self.rows[-1]["pictures"] += 1
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]
        self.in_caption = tag == "figcaption" and bool(self.rows)

    def handle_data(self, data):
        if self.in_caption:
            self.captions.append(data)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()
        self.in_caption = False
