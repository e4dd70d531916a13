"""What long work prints where there is no terminal, with a clock that the tests set."""

import io
import threading

import pytest
from rich.console import Console

from jaxprior.runs.display import Display
from jaxprior.runs.progress import RunProgress, StepRate
from jaxprior.system.activity import current_listener, doing, steps_of


class Clock:
    """A clock that stands still until it is set forward."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def display(clock, out):
    """A display that prints into `out`; its own thread waits for an hour, so that only the test's moves are seen."""
    shown = Display("jaxprior", clock=clock, console=Console(file=out))
    shown._watch = lambda: None
    with shown:
        yield shown


def test_a_line_is_printed_when_nothing_was_printed_for_ten_seconds(display, clock, out):
    with doing("drawing", total=8, unit="pictures") as work:
        for second in range(1, 41):
            clock.now = float(second)
            work.moved(second / 10)
    assert out.getvalue().splitlines() == [
        "drawing: 1 of 8 pictures, 1.2 min left, 0.1 pictures/s",
        "drawing: 2 of 8 pictures, 1 min left, 0.1 pictures/s",
        "drawing: 3 of 8 pictures, 50 s left, 0.1 pictures/s",
        "drawing: 4 of 8 pictures, 40 s left, 0.1 pictures/s",
    ]


def test_work_that_does_not_move_is_told_of_by_the_thread(display, clock, out):
    with doing("training, 8x8", total=100, unit="pictures"), doing("compiling the step", last=52.0, announced=True):
        for clock.now in (4.0, 12.0, 45.0):
            display.tick()
    assert out.getvalue().splitlines() == [
        "training, 8x8: compiling the step (last time on this machine it took 52 s)",
        "training, 8x8: still compiling the step (12 s so far; last time on this machine it took 52 s)",
        "training, 8x8: still compiling the step (45 s so far; last time on this machine it took 52 s)",
    ]


def test_lines_about_a_part_say_how_far_the_whole_is(display, clock, out):
    with doing("training, 8x8", total=2000, unit="pictures") as work:
        work.moved(500)
        with doing("drawing samples"):
            clock.now = 12.0
            display.tick()
    assert out.getvalue() == "training, 8x8, 500 of 2,000 pictures (25%): still drawing samples (12 s so far)\n"


def test_a_command_that_says_nothing_of_itself_is_still_told_of(display, clock, out):
    clock.now = 11.0
    display.tick()
    assert out.getvalue() == "jaxprior: still at work (11 s so far)\n"


def test_every_line_that_is_said_puts_off_the_next_one(display, clock, out):
    with doing("reading"):
        clock.now = 9.0
        display.say("a note")
        clock.now = 18.0
        display.tick()
    assert out.getvalue() == "a note\n"


def test_compiling_and_what_was_there_already_do_not_count_for_the_rate(display, clock, out):
    with doing("cats", total=100, unit="pictures") as work:
        work.skip(50)
        for clock.now, done in ((5.0, 51), (6.0, 52)):
            work.moved(done)
        with doing("compiling another step", announced=True):
            clock.now = 66.0
        clock.now = 77.0
        work.moved(63)
    assert out.getvalue().splitlines()[-1] == "cats: 63 of 100 pictures, 37 s left, 1 pictures/s"


def test_a_finished_run_says_how_long_it_took(display, clock, out):
    with doing("cats", total=2, unit="pictures") as work:
        for clock.now, done in ((11.0, 1), (13.0, 2)):
            work.moved(done)
    assert out.getvalue().splitlines() == ["cats: 1 of 2 pictures, 11 s so far", "cats: 2 of 2 pictures in 13 s"]


def test_quick_work_is_not_spoken_of(display, clock, out):
    with doing("writing the report", total=2, unit="runs") as work:
        clock.now = 3.0
        work.moved(2)
    assert out.getvalue() == ""


@pytest.mark.parametrize("kept", [0, 2], ids=["unfinished", "all there before"])
def test_a_run_that_did_nothing_to_the_end_has_no_closing_line(display, out, kept):
    with doing("cats", total=2, unit="pictures") as work:
        work.skip(kept)
    assert out.getvalue() == ""


def test_nothing_is_printed_after_the_block(clock, out):
    with Display("jaxprior", clock=clock, console=Console(file=out)) as display:
        pass
    clock.now = 1000.0
    display.tick()
    assert out.getvalue() == "" and current_listener() is None


def test_the_thread_ends_with_the_block_also_after_an_error():
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt), Display(console=Console(file=io.StringIO())):
        (thread,) = set(threading.enumerate()) - before
        raise KeyboardInterrupt
    assert not thread.is_alive()


def test_a_reader_that_has_gone_away_does_not_disturb_the_thread():
    class Closed(io.StringIO):
        def write(self, _text):
            raise BrokenPipeError

    clock = Clock()
    with Display("jaxprior", clock=clock, console=Console(file=Closed())) as display:
        clock.now = 100.0
        display._thread.join(timeout=30)
        assert not display._thread.is_alive()


def test_a_display_inside_another_one_shows_nothing_of_its_own(display, clock, out):
    with Display("inner", interval=0, clock=clock), doing("drawing", total=3, unit="pictures") as work:
        work.moved(1)
    assert out.getvalue() == ""


def test_a_sentence_is_said_once(display, out):
    for _ in range(3):
        display.say("2 pictures were enlarged", once=True)
    assert out.getvalue() == "2 pictures were enlarged\n"


def test_environment_variables_do_not_make_a_terminal_of_a_file(monkeypatch, clock, out):
    """Continuous integration sets them, and logs with control characters are hard to read."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with Display(interval=0, clock=clock, console=Console(file=out)), doing("cats", total=2, unit="pictures") as work:
        work.moved(1)
    assert "\x1b" not in out.getvalue() and "\r" not in out.getvalue()
    assert out.getvalue() == "cats: 1 of 2 pictures, 0 s so far\n"


def test_a_run_tells_how_far_the_steps_of_its_pictures_are(clock, out):
    with Display(interval=0, clock=clock, console=Console(file=out)) as display:
        with RunProgress("inpaint", say=display.say, say_once=display.say) as progress:
            progress._steps = StepRate(clock)
            progress.begin(4)
            for clock.now, steps in ((50.0, 25), (60.0, 50), (70.0, 75)):
                progress.step(2, steps, 100, 0.25)
            progress.read((100, 200), 64)
    assert out.getvalue().splitlines() == [
        "inpaint: 0 of 4 pictures, step 25 of 100, loss 0.25, 50 s so far",
        "inpaint: 0 of 4 pictures, 1 min left, step 50 of 100 (2.5 steps/s), loss 0.25, 0.05 pictures/s",
        "inpaint: 0 of 4 pictures, 50 s left, step 75 of 100 (2.5 steps/s), loss 0.25, 0.05 pictures/s",
        "1 picture was cut to the centre square and shrunk to 64x64 (from 200x100)",
    ]


def test_a_run_of_volumes_counts_volumes(clock, out):
    with Display(interval=0, clock=clock, console=Console(file=out)) as display:
        with RunProgress("inpaint", say=display.say, say_once=display.say, noun="volume") as progress:
            progress.begin(4)
            progress.step(2, 0, 100, 0.25)
    assert "inpaint: 0 of 4 volumes" in out.getvalue() and "picture" not in out.getvalue()


def test_things_are_gone_through_a_few_at_a_time():
    assert list(steps_of("drawing", 5, 2, unit="pictures")) == [0, 2, 4]
