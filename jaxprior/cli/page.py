"""`jaxprior app`: the page in the browser."""

from typing import Annotated

import typer

from jaxprior.cli.completing import prior_names, restorer_names, singan_names
from jaxprior.cli.console import load_jax, say, say_error


def page(
    prior: Annotated[
        list[str] | None,
        typer.Option(
            help="Offer this prior as well; may be given several times.",
            metavar="NAME|FILE|RUN",
            autocompletion=prior_names,
        ),
    ] = None,
    restorer: Annotated[
        list[str] | None,
        typer.Option(
            help="Offer this restorer as well; may be given several times.",
            metavar="NAME|FILE|RUN",
            autocompletion=restorer_names,
        ),
    ] = None,
    singan: Annotated[
        str | None,
        typer.Option(
            help="Paint on the picture of this SinGAN; its strokes become part of it.",
            metavar="RUN|FILE|NAME",
            autocompletion=singan_names,
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen; by default nobody else reaches it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Its port; 0 takes any that is free.", min=0, max=65535)] = 7860,
    megabytes: Annotated[float, typer.Option(help="The largest file that may be uploaded.")] = 50,
    megapixels: Annotated[float, typer.Option(help="The largest photograph, in millions of pixels.")] = 24,
    minutes: Annotated[float, typer.Option(help="The longest job; then it is stopped.")] = 10,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Restore photographs on a page in the browser: paint over a hole with the mouse, and watch it being filled.

    Everything is computed on this machine, and nothing is sent elsewhere. Needs `pip install "jaxprior[app]"`. Ctrl-C
    ends it.

    ```
    jaxprior app
    jaxprior app --open --prior runs/faces --restorer runs/patchgan
    jaxprior app --singan runs/balloons
    jaxprior app --port 0 --minutes 30
    ```

    Read more in docs/app.md.
    """
    from jaxprior.app import serving
    from jaxprior.app.limits import Limits
    from jaxprior.runs.display import Display
    from jaxprior.runs.stopping import Stopped
    from jaxprior.system.activity import current_listener

    serving.check_installed()
    limits = Limits(megabytes=megabytes, megapixels=megapixels, minutes=minutes)
    if (warning := serving.warning_of(host)) is not None:
        say_error(f"note: {warning}")
    load_jax()

    def tell(address: str) -> None:
        say(f"The page is ready: {address} (Ctrl-C ends it)")
        if isinstance(display := current_listener(), Display):
            display.close()  # what a server does is no work whose end one waits for
        if open_it:
            import webbrowser

            webbrowser.open(address)

    try:
        serving.serve(
            host=host, port=port, limits=limits, priors=prior or (), restorers=restorer or (), singan=singan, tell=tell
        )
    except Stopped:
        say("The page has ended.")
