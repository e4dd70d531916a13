"""Events of the page: what is pressed becomes a job, whose progress and answers become values of the page's parts.

Every event yields a `View`; how that is laid out, page.py says. Nothing here knows Gradio, so that all of it can be
tried without a browser.
"""

import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from jaxprior.app import live
from jaxprior.app.jobs import Job
from jaxprior.app.limits import Limits
from jaxprior.app.photos import shown
from jaxprior.app.tasks import Answers
from jaxprior.data import images


COMPARED = 1600
"""Pixels of the longer side of the copies that are compared by a slider."""

THUMBNAIL = 480
"""The same of the answers side by side."""


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """What the result side of the page shows.

    Fields:
        line: the status line, as HTML.
        curve: how the loss falls, as HTML, empty for none.
        sheet: pictures of the search, uint8 [h, w, 3], or None.
        answers: the finished answers, in copies of at most `COMPARED` pixels a side, or None.
        files: the PNG files of the answers in full size.
        closeups: of each answer what was changed and what lies around it, uint8 [h, w, 3]; empty if there is only one.
        chosen: which of them is looked at.
        at_work: whether the job goes on, so that it can be stopped.
    """

    line: str
    curve: str = ""
    sheet: np.ndarray | None = None
    answers: Answers | None = None
    files: tuple[str, ...] = ()
    closeups: tuple[np.ndarray, ...] = ()
    chosen: int = 0
    at_work: bool = False

    @property
    def compared(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The photograph and the chosen answer, in the size and the smaller copy that are compared by a slider."""
        if self.answers is None:
            return None
        after = self.answers.pictures[self.chosen]
        return _of_size(self.answers.before, after.shape[:2]), after

    @property
    def gallery(self) -> list[tuple[np.ndarray, str]]:
        """The answers side by side with their captions; empty where there is only one."""
        return [] if self.answers is None else list(zip(self.closeups, self.answers.captions, strict=False))

    @property
    def file(self) -> str | None:
        """The file of the chosen answer."""
        return self.files[self.chosen] if self.files else None

    def choosing(self, number: int) -> "View":
        """The same with another answer looked at."""
        return replace(self, chosen=min(max(int(number), 0), max(len(self.files) - 1, 0)))


@dataclass(eq=False)
class Desk:
    """The one place where jobs of all open pages are begun and stopped.

    Fields:
        limits: of photographs and jobs; folder: where the files of answers lie.
        jobs: at work or waiting, by the page that asked.
    """

    limits: Limits
    folder: Path
    jobs: dict[str, Job] = field(default_factory=dict)

    def work(self, page: str, name: str, work: Callable[[], Answers]) -> Iterator[View]:
        """Do a job, and tell how far it is.

        Arguments:
            page: which of the open pages asks.
            name: of the photograph, after which files are called.
            work: what is to be done; what it raises becomes a sentence.
        """
        job = self.jobs[page] = Job(work, seconds=self.limits.minutes * 60)
        view = View(line="", at_work=True)
        try:
            for state in job.states():
                if job.over:
                    break  # what is done at once shows no progress
                curve, sheet = live.curve(state), live.sheet(state.pictures)
                view = View(line=live.progress(state), curve=curve, sheet=sheet, at_work=True)
                yield view
            answers = job.result()
            view = replace(view, curve=live.curve(job.state), sheet=live.sheet(job.state.pictures))
            files = self._write(name, answers)
            line = _finished(answers, job.seconds)
            yield replace(
                view, line=line, answers=_small(answers), files=files, closeups=closeups(answers), at_work=False
            )
        except Exception as error:
            yield replace(view, line=live.line(sentence(error), kind="wrong"), at_work=False)
        finally:  # also when the page was closed: the next job begins when this one has ended
            job.stop()
            self.jobs.pop(page, None)

    def stop(self, page: str) -> None:
        """Ask the job of a page to stop."""
        if (job := self.jobs.get(page)) is not None:
            job.stop()

    def _write(self, name: str, answers: Answers) -> tuple[str, ...]:
        """Write the answers in full size; their files."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        files, several = [], len(answers.pictures) > 1
        for number, picture in enumerate(answers.pictures):
            files.append(folder / f"{Path(name).stem}-{answers.suffix}{f'-{number + 1}' if several else ''}.png")
            images.save_png(files[-1], picture)
        return tuple(map(str, files))


def sentence(error: Exception) -> str:
    """What people are told of an error: its own sentence if it is meant for them, never a traceback.

    Arguments:
        error: what was raised. A fault of the program itself is printed on the terminal as well.

    Example:
        >>> sentence(ValueError("the mask is empty"))
        'The mask is empty.'
    """
    if isinstance(error, MemoryError):
        return "There is not enough memory for this: take a smaller photograph."
    if isinstance(error, ValueError | OSError) and str(error):
        text = str(error).strip()
        return f"{text[0].upper()}{text[1:]}{'' if text[-1] in '.!?' else '.'}"
    traceback.print_exception(error, file=sys.stderr)
    return f"Something went wrong inside the program ({type(error).__name__}): the terminal has the details."


def _finished(answers: Answers, seconds: float) -> str:
    height, width = answers.pictures[0].shape[:2]
    notes = "".join(f"; {note}" for note in answers.notes)
    return live.line(f"Done in {seconds:.0f} s: {width}x{height} pixels{notes}.", kind="good")


def closeups(answers: Answers) -> tuple[np.ndarray, ...]:
    """Cut out of every answer what was changed and as much again around it, as a small picture.

    Arguments:
        answers: in full size.

    Returns:
        uint8 [h, w, 3] each, of one size; nothing where there is only one answer.

    Example:
        >>> photo, filled = np.zeros((2, 100, 200, 3), np.uint8)
        >>> filled[40:60, 80:120] = 9
        >>> made = Answers(before=photo, pictures=(filled, filled), captions=("a", "b"), suffix="filled")
        >>> [picture[::3, ::3].shape for picture in closeups(made)]  # shown three times as large
        [(40, 80, 3), (40, 80, 3)]
    """
    if len(answers.pictures) < 2:
        return ()
    height, width = answers.pictures[0].shape[:2]
    changed = np.zeros((height, width), bool)
    if answers.before.shape == answers.pictures[0].shape:
        for picture in answers.pictures:
            changed |= (picture != answers.before).any(axis=-1)
    rows, columns = (_stretch(np.asarray(changed.any(axis=axis))) for axis in (1, 0))
    return tuple(shown(picture[rows, columns], THUMBNAIL) for picture in answers.pictures)


def _stretch(changed: np.ndarray) -> slice:
    """What was changed along an axis and half as much on each side; all of it where nothing was changed."""
    places = np.flatnonzero(changed)
    if not len(places):
        return slice(None)
    first, end = int(places[0]), int(places[-1]) + 1
    margin = (end - first) // 2
    return slice(max(first - margin, 0), end + margin)


def _small(answers: Answers) -> Answers:
    """The same with smaller copies, as an open page keeps them; in full size they lie in files."""
    pictures = tuple(shown(picture, COMPARED) for picture in answers.pictures)
    return replace(answers, before=shown(answers.before, COMPARED), pictures=pictures)


def _of_size(picture: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A picture enlarged or reduced to a size, so that it can lie over another."""
    from PIL import Image

    if picture.shape[:2] == tuple(shape):
        return picture
    return np.asarray(Image.fromarray(picture).resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
