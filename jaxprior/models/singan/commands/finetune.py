"""The command `jaxprior singan finetune`."""

from pathlib import Path
from typing import Annotated

import typer

from jaxprior import discovery
from jaxprior.cli.console import mistakes
from jaxprior.cli.signature import spelled_out
from jaxprior.cli.training import TrainingRunOptions, say_report, train
from jaxprior.errors import ImageError, JaxpriorError
from jaxprior.models.singan.commands import shared
from jaxprior.protocols import Trainer
from jaxprior.reporting.uses import command_of_use
from jaxprior.runs.trainings import check_training_folder
from jaxprior.weights.storage import read_card


@spelled_out
def finetune(
    run: shared.Run,
    reference: Annotated[
        Path, typer.Argument(help="The picture with something pasted in or moved, of any size.", metavar="REFERENCE")
    ],
    *,
    steps: Annotated[
        int | None, typer.Option(help="By default as many as a scale of RUN was trained.", metavar="K", min=1)
    ] = None,
    seed: shared.Seed = 0,
    training: TrainingRunOptions,
) -> None:
    """Train a ConSinGAN that harmonizes or edits further, on the one picture that it shall do this with.

    RUN is a training with `--preset consingan-harmonize` or `consingan-edit`; it stays as it is. The new run holds a
    whole model, which harmonizes or edits this picture better than RUN does, and others worse. Its samples are made of
    it. The same command resumes: killed and resumed equals never killed.

    ```
    jaxprior singan finetune runs/starry pasted.png -o runs/starry-pasted --steps 500
    jaxprior singan harmonize runs/starry-pasted pasted.png --mask pasted_mask.png -o harmonized
    ```

    Read more in docs/singan.md.
    """
    from jaxprior.data import images

    trainer = _trainer(run, training.out)
    assert trainer.finetuned is not None  # `_trainer` has looked
    pixels = images.load_telling(reference)
    model = shared.load_model(run, own_statistics=False)
    with mistakes():
        try:
            plan = discovery.imported(trainer.finetuned)(model, pixels, steps=steps, seed=seed)
        except ImageError as error:
            raise ImageError(f"{reference}: {error}") from None
    if not training.dry_run:
        training.out.parent.mkdir(parents=True, exist_ok=True)
    train(plan, training, str(reference), use=command_of_use(trainer, plan.settings), after=say_report)


def _trainer(run: str, out: Path) -> Trainer:
    """The trainer of a model that is trained further, before the model is loaded.

    Raises:
        JaxpriorError: such models are not trained further, or the new run would lie in the folder of the old one.
    """
    path = shared.check_model(run)
    family = discovery.family_of(read_card(path).get("architecture"))
    trainer = family.single_image if family is not None else None
    if family is None or trainer is None or trainer.finetuned is None:
        title = "model of this kind" if family is None else family.title.partition(":")[0]
        raise JaxpriorError(
            f"{run}: a {title} is not trained further; take a run of `--preset consingan-harmonize` or "
            "`consingan-edit`"
        )
    if path.parent.resolve() == out.resolve():
        raise JaxpriorError(
            f"{out} holds the model that is trained further, which stays as it is: give another folder with -o."
        )
    check_training_folder(out)
    return trainer
