"""The parts of the page, tab by tab: what they are called and where they stand. page.py says what they do."""

import importlib
from typing import Any

from jaxprior.app import live, tasks
from jaxprior.app.choices import Choices, of_kind, what_will_be_seen
from jaxprior.app.painting import MELT, PAINT, Painter


gr: Any = importlib.import_module("gradio")

WELCOME = "Drop a photograph, or take the example; then choose what to do with it."
OWN, SEARCH = "own", "search"
COLOURS = ["#d8c9a3", "#ffffff", "#101010", "#3b6ea5", "#4c8c3f", "#a83c32", "#e0b13b", "#7a5b3a"]
COLUMNS = 4
"""Of the answers side by side."""

FARTHEST = 6
"""How far a photograph can be moved along a direction, in both ways, in units of the direction."""


def photo_parts() -> dict[str, Any]:
    """Where a photograph is dropped."""
    file = gr.File(label="Photograph", height=110, elem_id="photo")
    return {"file": file, "example": gr.Button("Take the example, a cat", size="sm", elem_id="example")}


def fill_parts(choices: Choices) -> dict[str, Any]:
    """The tab that fills holes."""
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


def enlarge_parts(choices: Choices) -> dict[str, Any]:
    """The tab that enlarges."""
    with gr.Tab("Enlarge", id="enlarge"):
        picture = _small_picture()
        button = gr.Button("Enlarge", variant="primary", elem_id="enlarge")
        source = _source("Enlarge it with", choices.enlarge)
    return {"shown": picture, "source": source, "button": button}


def colour_parts(choices: Choices) -> dict[str, Any]:
    """The tab that gives colours."""
    with gr.Tab("Colour", id="colour"):
        picture = _small_picture()
        button = gr.Button("Colour", variant="primary", elem_id="colour")
        source = _source("Colour it with", choices.priors)
        how, told = _how(), _told(choices, choices.priors, "colorize")
        with gr.Accordion("The seed of chance", open=False):
            seed = _seed()
    return {"shown": picture, "source": source, "how": how, "told": told, "seed": seed, "button": button}


def move_parts(choices: Choices) -> dict[str, Any]:
    """The tab that moves a photograph along a direction in latent space."""
    with gr.Tab("Move", id="move"):
        gr.Markdown(
            "Along a direction in latent space one thing changes, for example an attribute to its opposite; "
            "`jaxprior directions` finds directions. First a prior searches for the photograph's centre square, then "
            "the slider moves what it found."
        )
        picture = _small_picture()
        button = gr.Button("Find the photograph", variant="primary", elem_id="find")
        source = _source("With the prior", choices.priors)
        direction = gr.File(label="Direction (.npy)", height=100, elem_id="direction")
        amount = gr.Slider(-FARTHEST, FARTHEST, value=0, step=0.1, label="How far", elem_id="amount")
    return {"shown": picture, "source": source, "button": button, "direction": direction, "amount": amount}


def paint_parts(painter: Painter) -> dict[str, Any]:
    """The tab of a model of one picture, on which one paints in colours."""
    with gr.Tab(f"Paint on {painter.name}", id="paint"):
        editor = gr.ImageEditor(
            {"background": painter.picture, "layers": [], "composite": None}, type="numpy", sources=(), transforms=(),
            layers=False, format="png", label="Draw on the picture that the model knows", elem_id="painting",
            brush=gr.Brush(default_size=6, colors=COLOURS, default_color=COLOURS[0]), height=440,
        )  # fmt: skip
        button = gr.Button("Make pictures of it", variant="primary", elem_id="make")
        how = gr.Radio(
            [("my strokes melt into the picture", MELT), ("the whole painting becomes a picture", PAINT)], value=MELT,
            label="How",
        )  # fmt: skip
        with gr.Accordion("The seed of chance", open=False):
            seed = _seed()
    return {"editor": editor, "how": how, "seed": seed, "button": button}


def result_parts(choices: Choices) -> dict[str, Any]:
    """The other side of the page: status, progress and answers."""
    parts = {"line": gr.HTML(live.line(" ".join([WELCOME, *choices.left_out])), elem_id="status")}
    parts["slider"] = gr.ImageSlider(
        label="Before and after", visible=False, format="png", interactive=False, elem_id="slider", max_height=560,
        buttons=["fullscreen"],
    )  # fmt: skip
    parts["gallery"] = gr.Gallery(
        label="Answers: press one to look at it above", visible=False, columns=COLUMNS, format="png", height=220,
        allow_preview=False, interactive=False, elem_id="answers", buttons=["fullscreen"],
        object_fit="contain",
    )  # fmt: skip
    with gr.Row():
        parts["download"] = gr.DownloadButton(
            "Download in full size (PNG)", visible=False, variant="primary", elem_id="download"
        )
        parts["stop"] = gr.Button("Stop", visible=False, elem_id="stop")
    parts["curve"] = gr.HTML(visible=False, elem_classes="jaxprior-curve", elem_id="curve")
    parts["sheet"] = gr.Image(
        label="What the search shows at the moment", visible=False, format="png", interactive=False, elem_id="sheet",
        buttons=["fullscreen"],
    )  # fmt: skip
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
    return gr.Image(label="Photograph", interactive=False, format="png", height=360, buttons=["fullscreen"])
