"""The page: what it looks like, and which part asks for what. Only this file and panels.py know Gradio."""

import importlib
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from jaxprior.app import live, moving, panels, tasks
from jaxprior.app.answering import Desk, View, sentence
from jaxprior.app.choices import Choices, what_will_be_seen
from jaxprior.app.painting import Painter
from jaxprior.app.panels import SEARCH, WELCOME
from jaxprior.app.photos import Photo, example_photo, painted, read_photo, shown, uploaded_mask


gr: Any = importlib.import_module("gradio")

TITLE = "jaxprior"
STYLE = Path(__file__).with_name("style.css")
QUIET = {"api_visibility": "private", "show_progress": "hidden"}
KEPT = (600, 7200)
"""Seconds from one look for old uploads to the next, and after which they are deleted."""

NEXT = "Choose what to do with it: paint over a hole and press Fill, or take another tab."


def make_page(choices: Choices, desk: Desk, painter: Painter | None = None) -> Any:
    """Make the page, a `gradio.Blocks`.

    Arguments:
        choices: the priors and restorers that it offers.
        desk: where its jobs are done.
        painter: a model of one picture, for a tab of its own; None leaves that out.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=KEPT) as page:
        who, photo, view = gr.State(lambda: uuid.uuid4().hex), gr.State(None), gr.State(None)
        gr.HTML("<h1>jaxprior</h1><p>Restores photographs with a trained generator as its knowledge. "
                "Everything is computed on this machine.</p>")  # fmt: skip
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=360):
                given = panels.photo_parts()
                with gr.Tabs():
                    filling = panels.fill_parts(choices)
                    enlarging = panels.enlarge_parts(choices)
                    colouring = panels.colour_parts(choices)
                    travelling = panels.move_parts(choices)
                    painting = None if painter is None else panels.paint_parts(painter)
            with gr.Column(scale=1, min_width=360, elem_classes="jaxprior-result"):
                result = panels.result_parts(choices)
        copies = [parts["shown"] for parts in (enlarging, colouring, travelling)]
        outputs = [view, *(result[name] for name in SHOWN)]
        _connect_photo(desk, given, [photo, filling["editor"], *copies, *outputs])

        def fill(who: str, photo: Photo | None, editor: Any, mask: Any, source: str, how: str, count: float,
                 seed: float) -> Iterator[list[Any]]:  # fmt: skip
            def work(photo: Photo) -> tasks.Answers:
                shape = photo.shape
                missing = painted(editor, shape) if mask is None else uploaded_mask(mask, shape, desk.limits)
                return tasks.fill(
                    photo, missing, choices.find(source), thorough=how == SEARCH, answers=int(count), seed=int(seed)
                )

            yield from _answered(desk, who, photo, work)

        def enlarge(who: str, photo: Photo | None, source: str) -> Iterator[list[Any]]:
            def work(photo: Photo) -> tasks.Answers:
                return tasks.enlarge(photo, choices.find(source), desk.limits)

            yield from _answered(desk, who, photo, work)

        def colour(who: str, photo: Photo | None, source: str, how: str, seed: float) -> Iterator[list[Any]]:
            def work(photo: Photo) -> tasks.Answers:
                return tasks.colour(photo, choices.find(source), thorough=how == SEARCH, seed=int(seed))

            yield from _answered(desk, who, photo, work)

        def find(who: str, photo: Photo | None, source: str) -> Iterator[list[Any]]:
            def work(photo: Photo) -> tasks.Answers:
                return moving.find(photo, choices.find(source), seed=0)

            yield from _answered(desk, who, photo, work)

        def move(who: str, photo: Photo | None, view: View | None, direction: str | None,
                 amount: float) -> Iterator[list[Any]]:  # fmt: skip
            found = None if view is None or view.answers is None else view.answers.found
            yield from _answered(desk, who, photo, lambda _: moving.move(found, direction, amount))

        for parts, function, names in (
            (filling, fill, ("editor", "mask", "source", "how", "count", "seed")),
            (enlarging, enlarge, ("source",)),
            (colouring, colour, ("source", "how", "seed")),
            (travelling, find, ("source",)),
        ):
            inputs = [who, photo, *(parts[name] for name in names)]
            parts["button"].click(function, inputs, outputs, **QUIET)
        inputs = [who, photo, view, travelling["direction"], travelling["amount"]]
        travelling["amount"].change(move, inputs, outputs, trigger_mode="always_last", **QUIET)
        if painting is not None and painter is not None:
            inputs = [who, *(painting[name] for name in ("editor", "how", "seed"))]
            painting["button"].click(_painting(desk, painter), inputs, outputs, **QUIET)
        for parts, task in ((filling, "inpaint"), (colouring, "colorize")):
            for part in (parts["source"], parts["how"]):
                told = _telling(choices, task)
                part.change(told, [parts["source"], parts["how"]], parts["told"], queue=False, **QUIET)
        result["stop"].click(desk.stop, [who], None, queue=False, **QUIET)
        result["gallery"].select(_choose, [view], [view, result["slider"], result["download"]], queue=False, **QUIET)
    return page


SHOWN = ("line", "curve", "sheet", "slider", "gallery", "download", "stop")
"""Parts of the result side in the order of `_shown`."""


def _answered(
    desk: Desk, who: str, photo: Photo | None, work: Callable[[Photo], tasks.Answers]
) -> Iterator[list[Any]]:
    """Values of the result side while a job goes on."""
    if photo is None:
        yield _shown(View(line=live.line("There is no photograph yet: drop one first.", kind="wrong")))
        return
    for view in desk.work(who, photo.name, partial(work, photo)):
        yield _shown(view)


def _painting(desk: Desk, painter: Painter) -> Any:
    """A function that makes pictures of what was painted on a model's own."""

    def make(who: str, editor: Any, how: str, seed: float) -> Iterator[list[Any]]:
        for view in desk.work(who, painter.name, lambda: painter.make(editor, how=how, seed=int(seed))):
            yield _shown(view)

    return make


def _shown(view: View) -> list[Any]:
    """A view as values of the page's parts: first the view itself, which the page keeps, and then `SHOWN`."""
    gallery, busy = view.gallery, view.answers is None
    return [
        gr.skip() if busy else view,
        view.line,
        gr.HTML(view.curve, visible=bool(view.curve)),
        gr.Image(view.sheet, visible=view.sheet is not None),
        gr.ImageSlider(view.compared, visible=not busy),
        gr.Gallery(
            gallery or None, visible=bool(gallery), selected_index=view.chosen if gallery else None,
            height=50 + 170 * -(-len(gallery) // panels.COLUMNS),
        ),  # fmt: skip
        gr.DownloadButton(value=view.file, visible=not busy),
        gr.Button(visible=view.at_work),
    ]


def _choose(view: View | None, event: Any) -> list[Any]:
    """Look at another answer."""
    if view is None:
        return [None, gr.skip(), gr.skip()]
    view = view.choosing(event.index)
    return [view, view.compared, view.file]


_choose.__annotations__["event"] = gr.SelectData  # this is how Gradio learns that the function wants it


def _connect_photo(desk: Desk, given: dict[str, Any], outputs: list[Any]) -> None:
    """What happens when a photograph is dropped."""

    def values(line: str, photo: Photo | None = None) -> list[Any]:
        small = None if photo is None else shown(photo.pixels)
        editor = None if small is None else {"background": small, "layers": [], "composite": None}
        return [photo, editor, small, small, small, None, *_shown(View(line=line))[1:]]  # earlier answers disappear

    def taken(photo: Photo) -> list[Any]:
        return values(live.line(f"{photo.words}. {NEXT}"), photo)

    def read(path: str | None) -> list[Any]:
        if path is None:
            return values(live.line(WELCOME))
        try:
            return taken(read_photo(path, desk.limits))
        except Exception as error:
            return values(live.line(sentence(error), kind="wrong"))

    given["file"].change(read, [given["file"]], outputs, **QUIET)
    given["example"].click(lambda: taken(example_photo()), None, outputs, **QUIET)


def _telling(choices: Choices, task: str) -> Any:
    """A function that says what there is to watch with what was chosen."""

    def tell(source: str, how: str) -> str:
        try:
            return what_will_be_seen(choices.find(source), task, how == SEARCH)
        except Exception as error:
            return sentence(error)

    return tell
