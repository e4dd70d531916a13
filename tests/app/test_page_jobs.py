"""The functions behind the page in the browser, without a browser and without Gradio."""

import contextlib
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from commands import call
from tiny_prior import write_tiny_prior
from tiny_restorer import installed, save
from tiny_singan import tiny_singan

from jaxprior.app import moving, painting, serving, tasks
from jaxprior.app.answering import Desk, sentence
from jaxprior.app.choices import find_choices, what_will_be_seen
from jaxprior.app.jobs import Ended, Job
from jaxprior.app.limits import Limits
from jaxprior.app.photos import Photo, example_photo, painted, read_photo, shown, uploaded_mask
from jaxprior.data import images
from jaxprior.errors import ImageError, JaxpriorError, MaskError
from jaxprior.models.singan import save_singan
from jaxprior.system.activity import doing


LIMITS = Limits(megabytes=1, megapixels=0.5, minutes=5)
PHOTO = Photo(name="waves.jpg", pixels=np.random.default_rng(0).integers(0, 256, (40, 56, 3), np.uint8))
HOLE = np.zeros((40, 56), bool)
HOLE[12:26, 20:36] = True


@pytest.fixture(scope="module")
def choices(tmp_path_factory):
    return find_choices([str(write_tiny_prior(tmp_path_factory.mktemp("prior") / "tiny.safetensors"))])


def views(desk, work, name="waves.jpg"):
    return list(desk.work("page", name, work))


@pytest.mark.parametrize("answers", [1, 3])
def test_a_hole_is_filled_and_watched(choices, tmp_path, answers):
    tiny = choices.fill[0]
    seen = views(
        Desk(LIMITS, tmp_path),
        lambda: tasks.fill(PHOTO, HOLE, tiny, thorough=True, answers=answers, seed=0),
    )
    last = seen[-1]
    assert "good" in last.line and "56x40 pixels" in last.line and not last.at_work
    assert all(view.at_work for view in seen[:-1])
    assert "<path" in last.curve and last.sheet.dtype == np.uint8 and last.sheet.ndim == 3
    assert len(last.files) == answers and len(last.gallery) == (answers if answers > 1 else 0)
    found = [images.load_image(file) for file in last.files]
    for picture in found:
        assert picture.shape == PHOTO.pixels.shape
        np.testing.assert_array_equal(picture[~HOLE], PHOTO.pixels[~HOLE])
        assert (picture[HOLE] != PHOTO.pixels[HOLE]).any()
    assert answers == 1 or (found[0] != found[1]).any()
    assert Path(last.files[0]).name == ("waves-filled.png" if answers == 1 else "waves-filled-1.png")
    chosen = last.choosing(2)
    assert chosen.file == last.files[-1]
    np.testing.assert_array_equal(chosen.compared[1][::4, ::4], found[-1])  # it is shown four times as large


def test_colours_are_given_to_the_brightness(choices):
    found = tasks.colour(PHOTO, choices.priors[0], thorough=False, seed=1)
    assert found.suffix == "coloured" and found.pictures[0].shape == PHOTO.pixels.shape
    assert (found.before == found.before[..., :1]).all()


def test_a_photograph_is_found_and_moved_along_a_direction(choices, tmp_path):
    tiny = choices.priors[0]
    found = moving.find(PHOTO, tiny, seed=0)
    assert found.before.shape == found.pictures[0].shape == (16, 16, 3)
    np.save(tmp_path / "up.npy", np.ones(8, np.float32))
    moved = [moving.move(found.found, tmp_path / "up.npy", amount) for amount in (0, 2)]
    np.testing.assert_array_equal(moved[0].pictures[0], found.pictures[0])
    assert (moved[1].pictures[0] != found.pictures[0]).any() and moved[1].suffix == "up+2"
    assert moved[1].found is found.found
    np.save(tmp_path / "long.npy", np.ones(9, np.float32))
    for given, words in ((None, "no direction yet"), (tmp_path / "long.npy", r"direction long\.npy: .* 8 numbers")):
        with pytest.raises(JaxpriorError, match=words):
            moving.move(found.found, given, 1)
    with pytest.raises(JaxpriorError, match="Find the photograph first"):
        moving.move(None, tmp_path / "up.npy", 1)


@pytest.mark.parametrize("how", [painting.MELT, painting.PAINT])
def test_strokes_on_the_picture_of_a_singan(how, tmp_path):
    save_singan(tmp_path / "dots.safetensors", tiny_singan())
    painter = painting.Painter(tmp_path / "dots.safetensors")
    assert painter.name == "dots" and painter.picture.shape == (20, 28, 3)
    layer = np.zeros((20, 28, 4), np.uint8)
    with pytest.raises(MaskError, match="Nothing is painted"):
        painter.make({"layers": [layer], "composite": layer}, how=how, seed=0)
    layer[8:10, 12:15] = (255, 0, 0, 255)
    composite = np.where(layer[..., 3:] > 0, layer[..., :3], painter.picture)
    made = painter.make({"layers": [layer], "composite": composite}, how=how, seed=0)
    assert len(made.pictures) == len(made.captions) == 2 and made.captions[0] == "from scale 1"
    for picture in made.pictures:
        assert picture.shape == (20, 28, 3) and (picture != composite).any()
        if how == painting.MELT:
            np.testing.assert_array_equal(picture[-3:, -6:], composite[-3:, -6:])  # far away nothing changes
    with pytest.raises(JaxpriorError, match="nothing"):
        painting.Painter(tmp_path / "nothing")


def test_restorers_enlarge_and_fill(tmp_path, monkeypatch):
    with installed(tmp_path, monkeypatch):
        large = save(tmp_path / "large.safetensors", factor=2, name="large")
        filler = save(tmp_path / "filler.safetensors", task="inpaint", name="filler")
        found = find_choices(restorers=[str(large), str(filler)])
        assert found.enlarge[0].source == str(large) and found.fill[0].source == str(filler)
        made = tasks.enlarge(PHOTO, found.enlarge[0], LIMITS)
        assert made.pictures[0].shape == (80, 112, 3)
        with pytest.raises(ImageError, match="enlarged picture would have"):
            tasks.enlarge(PHOTO, found.enlarge[0], Limits(megapixels=0.002))
        filled = tasks.fill(PHOTO, HOLE, found.fill[0], thorough=False, answers=1, seed=0).pictures[0]
        np.testing.assert_array_equal(filled[~HOLE], PHOTO.pixels[~HOLE])
        with pytest.raises(JaxpriorError, match="one answer only"):
            tasks.fill(PHOTO, HOLE, found.fill[0], thorough=False, answers=2, seed=0)
        assert "nothing to watch" in what_will_be_seen(found.fill[0], "inpaint", True)


def test_what_there_is_to_watch_is_said(choices):
    cats = choices.find("prior:cats64")
    assert "answers at once" in what_will_be_seen(cats, "inpaint", False)
    assert "searches" in what_will_be_seen(cats, "inpaint", True)
    assert "searches" in what_will_be_seen(cats, "colorize", False)  # its encoder's answer is improved by some steps
    assert "searches" in what_will_be_seen(choices.fill[0], "inpaint", False)
    at_hand = find_choices().fill  # nobody named any: the default prior first, and the restorer that comes along
    assert at_hand[0].source == "cats64" and at_hand[-1].source == "patch_photos"
    with pytest.raises(JaxpriorError, match="Choose"):
        choices.find("prior:nothing")


def test_a_named_network_that_is_none_is_refused(tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    with pytest.raises(JaxpriorError, match="broken"):
        find_choices([str(tmp_path / "broken.safetensors")])


def test_what_was_painted_is_laid_over_the_whole_photograph():
    layer = np.zeros((20, 28, 4), np.uint8)
    layer[6:13, 10:18, 3] = 255
    layer[0, 0, 3] = 5  # the faint rim of a stroke
    np.testing.assert_array_equal(painted({"layers": [layer]}, (40, 56)), HOLE)
    assert painted({"layers": [layer]}, (1000, 1400)).sum() == 50 * 50 * 56
    for nothing in (None, {}, {"layers": []}, {"layers": [np.zeros((20, 28, 4), np.uint8)]}):
        with pytest.raises(MaskError, match="Nothing is painted"):
            painted(nothing, (40, 56))
    with pytest.raises(MaskError, match="Everything"):
        painted({"layers": [np.full((20, 28, 4), 255, np.uint8)]}, (40, 56))


def test_a_mask_from_a_file(tmp_path):
    images.save_png(tmp_path / "mask.png", np.uint8(HOLE[..., None].repeat(3, -1)) * 255)
    np.testing.assert_array_equal(uploaded_mask(tmp_path / "mask.png", (40, 56), LIMITS), HOLE)
    with pytest.raises(MaskError, match=r"mask\.png"):
        uploaded_mask(tmp_path / "mask.png", (56, 56), LIMITS)


def test_photographs_are_read_and_refused_in_a_sentence(tmp_path):
    images.save_png(tmp_path / "fine.png", PHOTO.pixels)
    assert read_photo(tmp_path / "fine.png", LIMITS).words == "fine.png, 56x40 pixels"
    assert example_photo().shape == (300, 451)
    (tmp_path / "broken.png").write_bytes((tmp_path / "fine.png").read_bytes()[:300])
    (tmp_path / "text.jpg").write_text("this is no picture")
    (tmp_path / "large.png").write_bytes(bytes(1_100_000))
    images.save_png(tmp_path / "many.png", np.zeros((800, 700, 3), np.uint8))
    images.save_png(tmp_path / "thin.png", np.zeros((4, 70, 3), np.uint8))
    said = {"broken.png": "truncated", "text.jpg": "cannot be used", "large.png": r"1\.1 MB", "many.png": "pixels",
            "thin.png": "70x4"}  # fmt: skip
    for name, words in said.items():
        with pytest.raises(ImageError, match=words) as error:
            read_photo(tmp_path / name, LIMITS)
        assert sentence(error.value).count("\n") == 0
    assert max(shown(np.zeros((3000, 20, 3), np.uint8)).shape) == 900


def test_an_error_is_a_sentence_and_never_a_traceback(tmp_path, capsys):
    def fails(error):
        def work():
            raise error

        return views(Desk(LIMITS, tmp_path), work)[-1]

    assert "The file is &lt;b&gt;bad&lt;/b&gt;." in fails(ValueError("the file is <b>bad</b>")).line
    assert capsys.readouterr().err == ""
    assert "not enough memory" in fails(MemoryError()).line
    view = fails(KeyError("inner"))
    assert "inside the program (KeyError)" in view.line and "Traceback" not in view.line and not view.at_work
    assert "Traceback" in capsys.readouterr().err  # a fault of the program is for its makers, on the terminal


def waiting(event):
    with doing("waiting", total=10, unit="seconds") as work:
        for second in range(1000):
            event.set()
            time.sleep(0.01)
            work.moved(second % 10)


def test_a_job_is_stopped_by_its_user_or_when_its_time_is_over(tmp_path):
    begun = threading.Event()
    job = Job(lambda: waiting(begun), seconds=60)
    begun.wait(10)
    job.stop()
    with pytest.raises(Ended, match="Stopped"):
        job.result()
    with pytest.raises(Ended, match="limit"):
        Job(lambda: waiting(begun), seconds=0.05).result()


def test_a_page_that_is_closed_stops_its_job_and_jobs_come_one_by_one(tmp_path):
    desk, begun = Desk(LIMITS, tmp_path), threading.Event()
    going = desk.work("page", "a.png", lambda: waiting(begun))
    assert next(going).at_work
    first = desk.jobs["page"]
    begun.wait(10)
    ended = []
    second, third, fourth = (Job(lambda number=number: ended.append(number), seconds=60) for number in (2, 3, 4))
    while "1 job that" not in next(iter(second.states(0.05))).text:
        assert not second.over
    third.stop()
    with pytest.raises(Ended):
        third.result()  # it does not wait for its turn to be stopped
    assert ended == [] and not first.over
    going.close()
    second.result(), fourth.result()
    assert ended == [2, 4] and desk.jobs == {}
    with contextlib.suppress(Ended):
        first.result()
    desk.stop("page")  # has no job: nothing to stop


def test_ports_hosts_and_limits_are_checked():
    with contextlib.closing(serving.listen("127.0.0.1", 0)) as taken:
        taken.listen()
        with pytest.raises(JaxpriorError, match="--port"):
            serving.listen("127.0.0.1", taken.getsockname()[1])
    assert serving.warning_of("localhost") is None
    assert "everybody" in serving.warning_of("0.0.0.0")
    with pytest.raises(JaxpriorError, match="--minutes"):
        Limits(minutes=0)


def test_other_commands_do_not_import_gradio():
    code = "import sys, jaxprior.cli, jaxprior.app.serving; print('gradio' in sys.modules, 'jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False False\n"


def test_without_gradio_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    said = call("app", code=2).stderr
    assert said.startswith("jaxprior: ") and 'pip install "jaxprior[app]"' in said and said.count("\n") == 1
