"""The page in headless Chromium, as a person uses it: painted with the mouse, filled, downloaded, compared."""

import contextlib
import importlib.util
import signal
import threading
import time
import urllib.parse
import urllib.request

import numpy as np
import pytest
from browser import CHROMIUM, needs_chromium
from program import Running
from tiny_prior import write_tiny_prior

from jaxprior.data import images


pytestmark = [
    needs_chromium,
    pytest.mark.skipif(importlib.util.find_spec("gradio") is None, reason="needs the extra `app`"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="needs playwright"),
]

QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
PATIENCE = 120_000
"""Milliseconds; a machine that does other things as well is slow."""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page, served from this process, with a tiny prior."""
    from jaxprior.app import serving
    from jaxprior.app.choices import find_choices
    from jaxprior.app.limits import Limits

    uvicorn = importlib.import_module("uvicorn")
    folder = tmp_path_factory.mktemp("page")
    choices = find_choices([str(write_tiny_prior(folder / "tiny.safetensors"))])
    with pytest.MonkeyPatch.context() as patch, contextlib.closing(serving.listen("127.0.0.1", 0)) as taken:
        for name, value in (serving.SILENT | {"GRADIO_TEMP_DIR": str(folder)}).items():
            patch.setenv(name, value)
        application = serving.make_application(choices, Limits(megapixels=1), folder, hosts=("127.0.0.1",))
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def browser():
    sync_api = importlib.import_module("playwright.sync_api")
    with sync_api.sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def opened(browser, address):
    """The page opened anew; and the hosts that it asked anything of."""
    context = browser.new_context(viewport={"width": 1300, "height": 1000}, accept_downloads=True)
    page, hosts = context.new_page(), set()
    page.set_default_timeout(PATIENCE)
    page.on("request", lambda request: hosts.add(urllib.parse.urlsplit(request.url).hostname))
    page.goto(address)
    page.wait_for_selector("#photo input[type=file]", state="attached")
    yield page, hosts
    context.close()


def paint(page):
    """Colour a square in the middle of the photograph with the mouse; a tiny prior would call a line thin."""
    canvas = page.locator("#editor canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] * 0.45, box["y"] + box["height"] * 0.5
    page.mouse.move(x, y)
    page.mouse.down()
    for row in range(7):
        page.mouse.move(x + 90 * (row % 2), y + 12 * row, steps=4)
        page.mouse.move(x + 90 * (1 - row % 2), y + 12 * row, steps=4)
    page.mouse.up()


@pytest.mark.slow
def test_a_hole_is_painted_filled_and_downloaded(opened, tmp_path):
    page, hosts = opened
    photo = np.random.default_rng(0).integers(0, 256, (1100, 800, 3), np.uint8)  # larger than what is painted on
    photo[:] = photo.mean(axis=1, keepdims=True).astype(np.uint8)
    images.save_png(tmp_path / "stripes.png", photo)
    page.set_input_files("#photo input[type=file]", tmp_path / "stripes.png")
    page.wait_for_function("document.querySelector('#status').innerText.includes('stripes.png, 800x1100 pixels')")
    page.wait_for_selector("#editor canvas")
    page.wait_for_timeout(2000)  # until the photograph lies on the canvas
    page.click("#fill")
    page.wait_for_selector("#status .wrong")
    assert "Nothing is painted yet" in page.inner_text("#status")
    paint(page)
    page.wait_for_timeout(500)
    page.click("#fill")
    page.wait_for_selector("#status .good")
    assert "800x1100 pixels" in page.inner_text("#status")
    page.wait_for_selector("#curve path", state="attached")
    page.wait_for_selector("#slider img")
    with page.expect_download() as waited:
        page.click("#download")
    assert waited.value.suggested_filename == "stripes-filled.png"
    waited.value.save_as(tmp_path / "down.png")
    found = images.load_image(tmp_path / "down.png")
    assert found.shape == photo.shape
    changed = (found != photo).any(axis=-1)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert 5000 < changed.sum() < 0.25 * changed.size  # the square, and nothing else
    assert 300 < rows[0] and rows[-1] < 1000 and 200 < columns[0] and columns[-1] < 750
    assert hosts <= {"127.0.0.1", None}


def test_a_broken_file_gets_a_sentence(opened, tmp_path):
    page, hosts = opened
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    page.set_input_files("#photo input[type=file]", tmp_path / "broken.png")
    page.wait_for_selector("#status .wrong")
    said = page.inner_text("#status")
    assert said.startswith("The file broken.png cannot be used: ") and "\n" not in said.strip()
    assert "Traceback" not in page.content()
    page.click("#fill")
    page.wait_for_function("document.querySelector('#status').innerText.includes('There is no photograph yet')")
    assert hosts <= {"127.0.0.1", None}


def test_nobody_else_can_be_asked_for_anything(address):
    import http.client

    place = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    connection.request("GET", "/")
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == 200 and "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "googleapis" not in text and "cdnjs" not in text
    connection.request("GET", "/", headers={"Host": "elsewhere.example"})
    assert connection.getresponse().status == 400


@pytest.mark.slow
def test_the_command_serves_the_page_until_it_is_asked_to_end():
    running = Running("app", "--port", "0")
    while "The page is ready: " not in running.said():
        assert running.running(time.time() - running.begun + 0.5) and time.time() - running.begun < 300
    address = running.said().partition("The page is ready: ")[2].split()[0]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    assert opener.open(address, timeout=30).status == 200
    ended, _ = running.signal(signal.SIGINT)
    assert ended.code == 0 and ended.out.endswith("The page has ended.\n") and not ended.traced
