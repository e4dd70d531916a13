"""The page: what it looks like, and which part asks for what. Only this file knows Gradio."""

import importlib
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from jaxprior.app import live, tasks
from jaxprior.app.answering import Desk, View, sentence
from jaxprior.app.choices import Choices, of_kind, what_will_be_seen
from jaxprior.app.photos import Photo, example_photo, painted, read_photo, shown, uploaded_mask


gr: Any = importlib.import_module("gradio")

TITLE = "jaxprior"
STYLE = Path(__file__).with_name("style.css")
ONE_AT_A_TIME = {"concurrency_limit": 1, "concurrency_id": "jobs"}
"""All jobs of all open pages stand in this one queue."""

QUIET = {"api_visibility": "private", "show_progress": "hidden"}
WELCOME = "Drop a photograph, or take the example; then choose what to do with it."
NEXT = "Choose what to do with it: paint over a hole and press Fill, or take another tab."
OWN, SEARCH = "own", "search"


def make_page(choices: Choices, desk: Desk) -> Any:
    """Make the page, a `gradio.Blocks`.

    Arguments:
        choices: the priors and restorers that it offers.
        desk: where its jobs are done.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        who, photo, view = gr.State(lambda: uuid.uuid4().hex), gr.State(None), gr.State(None)
        gr.HTML("<h1>jaxprior</h1><p>Restores photographs with a trained generator as its knowledge. "
                "Everything is computed on this machine.</p>")  # fmt: skip
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=360):
                given = _photo_parts()
                with gr.Tabs():
                    filling = _fill_parts(choices)
                    enlarging = _enlarge_parts(choices)
                    colouring = _colour_parts(choices)
            with gr.Column(scale=1, min_width=360, elem_classes="jaxprior-result"):
                result = _result_parts(choices)
        _connect_photo(desk, given, [photo, filling["editor"], enlarging["shown"], colouring["shown"], result["line"]])
        outputs = [view, *(result[name] for name in SHOWN)]

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

        for parts, function, names in (
            (filling, fill, ("editor", "mask", "source", "how", "count", "seed")),
            (enlarging, enlarge, ("source",)),
            (colouring, colour, ("source", "how", "seed")),
        ):
            inputs = [who, photo, *(parts[name] for name in names)]
            parts["button"].click(function, inputs, outputs, **ONE_AT_A_TIME, **QUIET)
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


def _shown(view: View) -> list[Any]:
    """A view as values of the page's parts: first the view itself, which the page keeps, and then `SHOWN`."""
    gallery, busy = view.gallery, view.answers is None
    return [
        view if not busy else None,
        view.line,
        gr.HTML(view.curve, visible=bool(view.curve)),
        gr.Image(view.sheet, visible=view.sheet is not None),
        gr.ImageSlider(view.compared, visible=not busy),
        gr.Gallery(gallery or None, visible=bool(gallery), selected_index=view.chosen if gallery else None),
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

    def taken(photo: Photo) -> list[Any]:
        small = shown(photo.pixels)
        editor = {"background": small, "layers": [], "composite": None}
        return [photo, editor, small, small, live.line(f"{photo.words}. {NEXT}")]

    def read(path: str | None) -> list[Any]:
        if path is None:
            return [None, None, None, None, live.line(WELCOME)]
        try:
            return taken(read_photo(path, desk.limits))
        except Exception as error:
            return [None, None, None, None, live.line(sentence(error), kind="wrong")]

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


def _photo_parts() -> dict[str, Any]:
    file = gr.File(label="Photograph", height=110, elem_id="photo")
    return {"file": file, "example": gr.Button("Take the example, a cat", size="sm", elem_id="example")}


def _fill_parts(choices: Choices) -> dict[str, Any]:
    with gr.Tab("Fill a hole", id="fill"):
        editor = gr.ImageEditor(
            label="Paint over what should be filled in", type="numpy", sources=(), transforms=(), layers=False,
            format="png", brush=gr.Brush(default_size=20, colors=["#ff2d55"], color_mode="fixed"), elem_id="editor",
            height=440,
        )  # fmt: skip
        button = gr.Button("Fill", variant="primary", elem_id="fill")
        source = _source("Fill it with", choices.fill)
        how, told = _how(), _told(choices, choices.fill, "inpaint")
        count = gr.Slider(1, tasks.MOST_ANSWERS, value=1, step=1, label="Different answers, side by side")
        with gr.Accordion("A mask from a file, and the seed of chance", open=False):
            mask = gr.File(
                label="A mask in place of a painted one: white on black, white is filled in", height=100, elem_id="mask"
            )
            seed = _seed()
    return {
        "editor": editor, "mask": mask, "source": source, "how": how, "told": told, "count": count, "seed": seed,
        "button": button,
    }  # fmt: skip


def _enlarge_parts(choices: Choices) -> dict[str, Any]:
    with gr.Tab("Enlarge", id="enlarge"):
        picture = _small_picture()
        button = gr.Button("Enlarge", variant="primary", elem_id="enlarge")
        source = _source("Enlarge it with", choices.enlarge)
    return {"shown": picture, "source": source, "button": button}


def _colour_parts(choices: Choices) -> dict[str, Any]:
    with gr.Tab("Colour", id="colour"):
        picture = _small_picture()
        button = gr.Button("Colour", variant="primary", elem_id="colour")
        source = _source("Colour it with", choices.priors)
        how, told = _how(), _told(choices, choices.priors, "colorize")
        with gr.Accordion("The seed of chance", open=False):
            seed = _seed()
    return {"shown": picture, "source": source, "how": how, "told": told, "seed": seed, "button": button}


def _result_parts(choices: Choices) -> dict[str, Any]:
    parts = {"line": gr.HTML(live.line(" ".join([WELCOME, *choices.left_out])), elem_id="status")}
    parts["slider"] = gr.ImageSlider(
        label="Before and after", visible=False, format="png", interactive=False, elem_id="slider", max_height=560
    )
    parts["gallery"] = gr.Gallery(
        label="Answers: press one to look at it above", visible=False, columns=4, format="png", height="auto",
        allow_preview=False, interactive=False, elem_id="answers",
    )  # fmt: skip
    with gr.Row():
        parts["download"] = gr.DownloadButton(
            "Download in full size (PNG)", visible=False, variant="primary", elem_id="download"
        )
        parts["stop"] = gr.Button("Stop", visible=False, elem_id="stop")
    parts["curve"] = gr.HTML(visible=False, elem_classes="jaxprior-curve", elem_id="curve")
    parts["sheet"] = gr.Image(
        label="What the search shows", visible=False, format="png", interactive=False, elem_id="sheet"
    )
    return parts


def _source(label: str, some: list[Any]) -> Any:
    return gr.Dropdown(of_kind(some), value=some[0].value if some else None, label=label)


def _how() -> Any:
    return gr.Radio(
        [("its own settings", OWN), ("a search, which can be watched", SEARCH)], value=OWN, label="How"
    )


def _told(choices: Choices, some: list[Any], task: str) -> Any:
    return gr.Markdown(what_will_be_seen(some[0], task, False) if some else "")


def _seed() -> Any:
    return gr.Number(0, precision=0, minimum=0, label="Seed of chance")


def _small_picture() -> Any:
    return gr.Image(label="Photograph", interactive=False, format="png", height=360)
