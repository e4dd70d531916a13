"""Fetching a file: whatever the server and the line do, there is the right file or none, and what came is not lost."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from file_server import Answer, FileServer, file_server
from small_disk import NoDisk, small_disk

from jaxprior.errors import WeightsError
from jaxprior.runs.display import Display
from jaxprior.system.activity import Activity, heard_by
from jaxprior.weights.fetching import address, download
from jaxprior.weights.fetching.answers import NotFetched, Redirects
from jaxprior.weights.fetching.download import fetch_file
from jaxprior.weights.known.files import RemoteFile


CONTENT = np.random.default_rng(0).bytes(300_000)
HALF = 150_000


@pytest.fixture(autouse=True)
def no_proxies_and_no_pauses(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", address.MIRROR):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(download, "PAUSE", 0.0)


@pytest.fixture
def server():
    with file_server(CONTENT) as server:
        yield server


@pytest.fixture
def place(tmp_path) -> Path:
    return tmp_path / "downloads"


def left(folder: Path) -> list[str]:
    """Names in a folder, without the locks."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".lock"))


def begun(server: FileServer, place: Path, file: RemoteFile) -> None:
    """Let a download end half way, for good."""
    server.answers = [Answer(cut=HALF), *[Answer(status=503)] * download.TRIES]
    with pytest.raises(NotFetched, match="the server answers 503"):
        fetch_file(file, place)
    assert (place / f"{file.name}.part").stat().st_size == HALF
    server.answers, server.asked, server.sent = [], [], []


def test_the_right_file_comes_once(server, place):
    file = server.file("net-1.pth")
    assert fetch_file(file, place).read_bytes() == CONTENT
    assert left(place) == ["net-1.pth"]
    fetch_file(file, place)
    assert server.asked == [("/net-1.pth", None)]


def test_another_content_is_thrown_away_and_both_prefixes_are_named(server, place):
    file = RemoteFile(f"{server.address}/net.pth", "net.pth", "0" * 8, len(CONTENT))
    digits = server.file("net.pth").sha256
    with pytest.raises(WeightsError, match=f"begins with {digits}, expected 00000000") as caught:
        fetch_file(file, place)
    assert "nothing was installed" in str(caught.value) and left(place) == []


def test_a_connection_that_ends_early_is_continued(server, place):
    server.answers = [Answer(cut=HALF), Answer(cut=50_000)]
    assert fetch_file(server.file("net.pth"), place).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == [None, f"bytes={HALF}-", "bytes=200000-"]
    assert sum(server.sent) == len(CONTENT)


def test_a_server_that_sends_no_parts_begins_again(server, place):
    server.usual = Answer(ranges=False)
    server.answers = [Answer(cut=HALF, ranges=False)]
    assert fetch_file(server.file("net.pth"), place).read_bytes() == CONTENT
    assert server.sent == [HALF, len(CONTENT)]


def test_the_next_call_continues(server, place):
    file = server.file("net.pth")
    begun(server, place, file)
    assert fetch_file(file, place).read_bytes() == CONTENT
    assert server.sent == [len(CONTENT) - HALF]


@pytest.mark.parametrize("etag", [True, False])
@pytest.mark.parametrize("length", [300_000, 280_000])
def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(etag, length, server, place):
    server.usual = Answer(etag=etag)
    begun(server, place, server.file("net.pth"))
    (place / "net.pth.part.json").write_text("{}") if not etag and length == 300_000 else None
    server.content = np.random.default_rng(1).bytes(length)
    assert fetch_file(server.file("net.pth"), place).read_bytes() == server.content
    assert left(place) == ["net.pth"] and server.sent[-1] == length


def test_a_part_that_the_server_cannot_continue_is_thrown_away(server, place):
    file = server.file("net.pth")
    begun(server, place, file)
    server.answers = [Answer(status=416)]
    assert fetch_file(file, place).read_bytes() == CONTENT and server.sent[-1] == len(CONTENT)


def test_a_redirection_to_another_path_is_followed(server, place):
    file = server.file("net.pth")
    server.answers = [Answer(status=302, location=f"{server.address}/moved/elsewhere.bin")]
    assert fetch_file(file, place).read_bytes() == CONTENT
    assert [path for path, _ in server.asked] == ["/net.pth", "/moved/elsewhere.bin"] and left(place) == ["net.pth"]


@pytest.mark.parametrize("location", ["file:///etc/hostname", "ftp://127.0.0.1/net.pth"])
def test_a_redirection_off_the_web_is_not_followed(location, server, place):
    server.answers = [Answer(status=302, location=location)]
    with pytest.raises(NotFetched, match=f"it sends on to {location}, which is not followed"):
        fetch_file(server.file("net.pth"), place)


def test_a_redirection_from_https_to_http_is_not_followed():
    import email.message
    import urllib.request

    request = urllib.request.Request("https://example.org/net.pth")
    arguments = (request, None, 302, "Found", email.message.Message())
    followed = Redirects().redirect_request(*arguments, "https://example.org/x")
    assert followed is not None and followed.full_url == "https://example.org/x"
    with pytest.raises(urllib.error.HTTPError):
        Redirects().redirect_request(*arguments, "http://example.org/x")


@pytest.mark.parametrize("status, tries", [(403, 1), (404, 1), (500, download.TRIES)])
def test_a_server_that_refuses_is_one_sentence(status, tries, server, place):
    server.usual = Answer(status=status)
    with pytest.raises(NotFetched, match=f"net.pth cannot be fetched \\(the server answers {status}") as caught:
        fetch_file(server.file("net.pth"), place)
    assert "\n" not in str(caught.value) and len(server.asked) == tries


def test_a_web_page_is_not_taken_for_the_file(server, place):
    server.usual = Answer(kind="text/html; charset=utf-8")
    with pytest.raises(NotFetched, match="a web page comes in its place"):
        fetch_file(server.file("net.pth", digits=None), place)


def test_no_connection_is_one_sentence_at_once(place):
    with pytest.raises(NotFetched, match="http://127.0.0.1:9/net.pth cannot be fetched .no connection: ") as caught:
        fetch_file(RemoteFile("http://127.0.0.1:9/net.pth", "net.pth", None, None), place)
    assert "\n" not in str(caught.value)


def test_proxies_of_the_environment_are_used(server, place, monkeypatch):
    monkeypatch.setenv("http_proxy", server.address)
    monkeypatch.setenv("no_proxy", "localhost")
    file = RemoteFile("http://models.invalid/a/net.pth", "net.pth", server.file("net.pth").sha256, None)
    assert fetch_file(file, place).read_bytes() == CONTENT
    assert server.asked == [("http://models.invalid/a/net.pth", None)]


def test_a_mirror_takes_the_place_of_the_publisher(server, place, monkeypatch):
    monkeypatch.setenv(address.MIRROR, f"{server.address}/mirror/")
    file = RemoteFile("http://models.invalid/a/net.pth", "net.pth", server.file("net.pth").sha256, None)
    assert fetch_file(file, place).read_bytes() == CONTENT
    assert server.asked == [("/mirror/net.pth", None)]
    monkeypatch.setenv(address.MIRROR, "/mnt/models")
    with pytest.raises(WeightsError, match="JAXPRIOR_MIRROR=/mnt/models: expected an address"):
        fetch_file(file, place)


def test_progress_is_told_in_megabytes_and_what_was_there_is_skipped(server, place):
    class Told:
        def __init__(self):
            self.moves = []

        def begun(self, work: Activity) -> None:
            pass

        def moved(self, work: Activity) -> None:
            self.moves.append((work.done, work.total, work.skipped))

        ended = begun

    file, told = server.file("net.pth"), Told()
    begun(server, place, file)
    with heard_by(told):
        fetch_file(file, place)
    assert told.moves[0] == (0.15, None, 0.15) and told.moves[-1] == (pytest.approx(0.3), 0.3, 0.15)


def test_a_slow_server_is_shown_by_lines_that_say_how_far_it_is(server, place, capsys):
    server.usual, server.content = Answer(pause=0.01), bytes(3_000_000)
    server.answers = [Answer(cut=2_900_000)]
    with Display(interval=0.0):
        fetch_file(server.file("net.pth"), place)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("fetching net.pth: 2 of 3 MB") for line in lines) and len(lines) > 4


def test_too_little_room_is_told_before_anything_is_fetched(server, place, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: SimpleNamespace(free=100_000))
    with pytest.raises(WeightsError, match="0.3 MB are to be fetched and 0.1 MB are free there: make room"):
        fetch_file(server.file("net.pth"), place)
    assert left(place) == ["net.pth.part", "net.pth.part.json"] and not (place / "net.pth.part").stat().st_size


def test_what_came_before_the_disk_was_full_is_continued(server, tmp_path):
    try:
        with small_disk(tmp_path / "disk", kib=100) as disk:
            server.answers = [Answer(length=False)]
            with pytest.raises(OSError, match="No space left on device") as caught:
                fetch_file(server.file("net.pth"), disk.path)
            assert caught.value.filename == str(disk.path / "net.pth.part")
            came = (disk.path / "net.pth.part").stat().st_size
            assert came > 50_000
            disk.remount("size=2m")
            assert fetch_file(server.file("net.pth"), disk.path).read_bytes() == CONTENT
            assert server.asked[-1] == ("/net.pth", f"bytes={came}-")
    except NoDisk as reason:
        pytest.skip(str(reason))


FETCH = textwrap.dedent("""
    import signal, sys
    from pathlib import Path
    from jaxprior.weights.fetching.download import fetch_file
    from jaxprior.weights.known.files import RemoteFile
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it otherwise
    fetch_file(RemoteFile(sys.argv[1], "net.pth", sys.argv[2], None), Path(sys.argv[3]))
""")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_was_killed_is_continued_by_the_next(number, server, place):
    file, waits = server.file("net.pth"), threading.Event()
    server.answers = [Answer(cut=HALF, waits=waits)]
    arguments = [sys.executable, "-c", FETCH, file.url, str(file.sha256), str(place)]
    with subprocess.Popen(arguments, env={**os.environ, "no_proxy": "127.0.0.1"}, stderr=subprocess.DEVNULL) as process:
        part = place / "net.pth.part"
        while not part.exists() or part.stat().st_size < HALF // 2:
            assert process.poll() is None
            waits.wait(0.01)
        process.send_signal(number)
    waits.set()
    came = part.stat().st_size
    assert subprocess.run(arguments, check=False).returncode == 0
    assert (place / "net.pth").read_bytes() == CONTENT and server.asked[-1][1] == f"bytes={came}-"


def test_two_processes_do_not_fetch_the_same_file_at_once(server, place):
    with download.only_fetching(server.file("net.pth"), place):
        with pytest.raises(WeightsError, match="is being fetched into .* by another process"):
            fetch_file(server.file("net.pth"), place)
        assert fetch_file(server.file("other.pth"), place).is_file()
