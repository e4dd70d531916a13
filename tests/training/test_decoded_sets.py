"""Training pictures in a file: the same pixels, batches and sentences as in memory, decoded once, and never wrong."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import threading
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from commands import call
from program import Running

from jaxprior.data import images, sources
from jaxprior.errors import ImageError, JaxpriorWarning
from jaxprior.system import files
from jaxprior.training import decoded_sets, decoding, stored_pixels
from jaxprior.training.pictures import Pictures, draw_batch, load_pictures
from jaxprior.training.stored_pixels import box_averaged


COUNT, SIDE = 23, 16


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("JAXPRIOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pictures"


@pytest.fixture
def photos(tmp_path) -> Path:
    """Pictures of several sizes, a damaged one and one with a note; the files are large enough for several threads."""
    folder, rng = tmp_path / "photos", np.random.default_rng(0)
    folder.mkdir()
    for i in range(COUNT):
        images.save_png(folder / f"{i:02d}.png", rng.integers(0, 256, (SIDE * 6, SIDE * 6 + i, 3), np.uint8))
    (folder / "05.png").write_bytes(b"no picture")
    images.Image.fromarray(rng.integers(0, 256, (90, 90, 4), np.uint8)).save(folder / "07.png")
    return folder


def load(photos, **options) -> Pictures:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_pictures(photos, resolution=SIDE, **options)


def stored(photos, **options) -> Pictures:
    return load(photos, in_memory=0, **options)


def sets(cache) -> list[Path]:
    return [place for place in cache.iterdir() if place.is_dir()]


def counted_decoding(monkeypatch) -> list[bytes]:
    decoded, read = [], images.read_picture
    monkeypatch.setattr(images, "read_picture", lambda data: decoded.append(data) or read(data))
    return decoded


@pytest.mark.parametrize("channels", [3, 1])
def test_pixels_batches_and_sentences_are_those_of_pictures_in_memory(photos, cache, channels, monkeypatch):
    monkeypatch.setattr(stored_pixels, "BLOCK_BYTES", 3000)
    memory, file = load(photos, channels=channels), stored(photos, channels=channels)
    assert isinstance(memory.pixels, np.ndarray) and memory.folder is None and file.folder is not None
    assert file.folder.parent == cache
    assert len(file) == len(memory) == COUNT - 1 and file.pixels.shape == memory.pixels.shape
    np.testing.assert_array_equal(np.asarray(file.pixels), memory.pixels)
    assert file.sha256 == memory.sha256 == hashlib.sha256((file.folder / "pixels.raw").read_bytes()).hexdigest()
    assert (file.skipped, file.fitted) == (memory.skipped, memory.fitted) and "05.png" in file.skipped[0]
    for index in range(12):
        here, there = (draw_batch(one.pixels, 5, 4, 3, index) for one in (memory, file))
        np.testing.assert_array_equal(here, there)
    for times in (1, 2):
        small, expected = file.halved(times).pixels, memory.halved(times).pixels
        np.testing.assert_array_equal(small[[3, 1, 21]], expected[[3, 1, 21]])
        np.testing.assert_array_equal(np.asarray(small), expected)


@pytest.mark.parametrize("factor", [2, 4, 8, 16, 32])
def test_averages_are_those_of_floats_rounded_half_to_even(factor):
    pixels = np.random.default_rng(factor).integers(0, 256, (3, 64, 32, 3), np.uint8)
    pixels[0] = 255
    squares = pixels.astype(np.float64).reshape(3, 64 // factor, factor, 32 // factor, factor, 3)
    np.testing.assert_array_equal(box_averaged(pixels, factor), np.round(squares.mean(axis=(2, 4))))


def test_stored_pixels_are_used_like_an_array(photos, cache):
    file = stored(photos).pixels
    pixels = np.asarray(file)
    np.testing.assert_array_equal(file[3], pixels[3])
    np.testing.assert_array_equal(file[-1], pixels[-1])
    np.testing.assert_array_equal(file[np.array([[2, 0], [1, 1]])], pixels[np.array([[2, 0], [1, 1]])])
    np.testing.assert_array_equal(np.asarray(file[5:9][1:3]), pixels[6:8])
    assert file[[]].shape == (0, SIDE, SIDE, 3) and len(file[4:4]) == 0 and np.asarray(file[4:4]).size == 0
    for wrong in (len(file), [0, len(file)], pixels[:, 0, 0, 0] > 3, slice(0, 9, 2)):
        with pytest.raises(IndexError):
            file[wrong]


def test_pictures_are_decoded_once_and_say_the_same_again(photos, cache, monkeypatch):
    with pytest.warns(JaxpriorWarning, match="07.png") as first:
        pictures = load_pictures(photos, resolution=SIDE, in_memory=0)
    decoded = counted_decoding(monkeypatch)
    monkeypatch.chdir(photos.parent)
    with pytest.warns(JaxpriorWarning, match=": photos/07.png") as second:
        again = load_pictures("photos", resolution=SIDE, in_memory=0)
    assert not decoded and again.folder == pictures.folder and again.sha256 == pictures.sha256
    assert again.fitted == pictures.fitted and again.skipped[0].startswith("photos/05.png: ")
    assert len(first) == len(second)


@pytest.mark.parametrize("change", ["content", "new", "gone", "version", "resolution", "archive"])
def test_what_has_changed_is_decoded_anew(photos, cache, change, monkeypatch):
    source = photos
    if change == "archive":
        source = photos.with_suffix(".zip")
        archive(photos, source)
    before, side = stored(source), SIDE
    if change == "content":
        images.save_png(photos / "03.png", np.full((SIDE, SIDE, 3), 9, np.uint8))
    elif change == "new":
        shutil.copy(photos / "03.png", photos / "99.png")
    elif change == "gone":
        (photos / "03.png").unlink()
    elif change == "version":
        monkeypatch.setattr(decoded_sets, "DECODING", 2)
    elif change == "resolution":
        side = 8
    else:
        images.save_png(photos / "03.png", np.full((SIDE, SIDE, 3), 9, np.uint8))
        archive(photos, source)
    decoded = counted_decoding(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        after = load_pictures(source, resolution=side, in_memory=0)
        expected = load_pictures(source, resolution=side)
    assert decoded and after.folder != before.folder
    np.testing.assert_array_equal(np.asarray(after.pixels), expected.pixels)


def archive(folder: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for one in sorted(folder.iterdir()):
            file.write(one, one.name)


def test_a_set_out_of_date_is_removed_unless_it_is_open_and_so_is_one_that_nobody_used(photos, cache):
    stored(photos)
    opened = stored(photos, limit=9)
    os.utime(sets(cache)[0] / "about.json", (0, 0))  # both sets are as if unused since 1970
    os.utime(sets(cache)[1] / "about.json", (0, 0))
    shutil.copy(photos / "03.png", photos / "99.png")
    newest = stored(photos)
    assert set(sets(cache)) == {newest.folder, opened.folder}
    assert opened.pixels[0].shape == (SIDE, SIDE, 3)
    assert [one.folder for one in decoded_sets.kept_sets()][0] == newest.folder
    assert decoded_sets.kept_sets()[0].bytes > newest.pixels.nbytes


def test_an_interrupted_decoding_leaves_nothing_and_a_killed_one_is_cleaned_up(photos, cache, monkeypatch):
    with monkeypatch.context() as patched:
        read = images.read_picture

        def interrupted(data):
            if data == (photos / "11.png").read_bytes():
                raise KeyboardInterrupt
            return read(data)

        patched.setattr(images, "read_picture", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stored(photos)
    assert not sets(cache)
    (cache / "0123.part").mkdir()  # as if its process had been killed
    (cache / "0123.part" / "pixels.raw").write_bytes(b"half")
    pictures = stored(photos)
    assert sets(cache) == [pictures.folder]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPool")]


def test_a_damaged_set_is_made_again(photos, cache):
    before = stored(photos)
    sha, path = before.sha256, before.folder / "pixels.raw"
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(ImageError, match="has lost a part"):
        before.pixels[-1]
    assert stored(photos).sha256 == sha and path.stat().st_size == before.pixels.nbytes


@pytest.mark.parametrize(
    "wrong",
    [
        {"unread": [99]},
        {"unread": None},
        {"unread": ["a"]},
        {"skipped": [99]},
        {"skipped": "abc"},
        {"skipped": [[99, "a", "b"]]},
        {"notes": 5},
        {"notes": {"a": [99, "a", 1]}},
        {"fitted": 3},
        {"asked": ["pictures"]},
        {"sha256": 7},
        {"sha256": "abc"},
        {"shape": [-22, -SIDE, SIDE, 3]},
        {"shape": [22.0, SIDE, SIDE, 3]},
        {"shape": [22, SIDE // 2, SIDE * 2, 3]},
        {"shape": [16, 22, SIDE, 3]},
    ],
    ids=str,
)
def test_a_set_of_which_something_impossible_is_said_is_decoded_anew(photos, cache, wrong, monkeypatch):
    before = stored(photos)
    about = before.folder / "about.json"
    kept = json.loads(about.read_text())
    about.write_text(json.dumps({**kept, **wrong}))
    assert all(one.source == str(photos) for one in decoded_sets.kept_sets())
    decoded, after = counted_decoding(monkeypatch), stored(photos)
    assert decoded and after.skipped == before.skipped and after.pixels.shape == before.pixels.shape
    assert json.loads(about.read_text()).keys() == kept.keys()


def flipped(path: Path) -> None:
    with open(path, "r+b") as file:
        file.seek(1000)
        file.write(bytes([255 - file.read(1)[0]]))


def cut(path: Path) -> None:
    size = path.stat().st_size
    os.truncate(path, size // 2)
    os.truncate(path, size)


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("damage", [flipped, cut, zeros])
def test_changed_pixels_of_the_same_size_are_made_anew(photos, cache, damage):
    expected, before = load(photos), stored(photos)
    small = before.halved(1).pixels[:]
    np.testing.assert_array_equal(np.asarray(small), expected.halved(1).pixels)
    time.sleep(0.02)  # the times of a file system may be exact to some milliseconds only
    damage(before.folder / "pixels-8.raw")
    np.testing.assert_array_equal(np.asarray(stored(photos).halved(1).pixels), expected.halved(1).pixels)
    time.sleep(0.02)
    damage(before.folder / "pixels.raw")
    after = stored(photos)
    np.testing.assert_array_equal(np.asarray(after.pixels), expected.pixels)
    assert after.sha256 == expected.sha256
    np.testing.assert_array_equal(np.asarray(after.halved(1).pixels), expected.halved(1).pixels)


def test_pixels_that_were_only_touched_are_hashed_once_and_not_decoded(photos, cache, monkeypatch):
    path = stored(photos).folder / "pixels.raw"
    os.utime(path, (0, 0))
    decoded, hashed, real = counted_decoding(monkeypatch), [], decoded_sets.file_hash
    monkeypatch.setattr(decoded_sets, "file_hash", lambda path: hashed.append(path) or real(path))
    assert stored(photos).sha256 == stored(photos).sha256 and hashed == [path] and not decoded


def test_pixels_of_a_lower_resolution_are_made_once(photos, cache):
    stored(photos).halved(1).pixels[0]
    path = sets(cache)[0] / "pixels-8.raw"
    before = path.stat().st_ino
    stored(photos).halved(1).pixels[0]
    assert path.stat().st_ino == before


def test_a_set_that_is_removed_during_a_training_is_named_in_one_sentence(photos, cache):
    pictures = stored(photos)
    shutil.rmtree(pictures.folder)
    with pytest.raises(ImageError, match="was removed during the training.*the same command again, which decodes"):
        pictures.halved(1).pixels[0]


def test_a_file_that_vanishes_is_left_out_until_it_can_be_read_again(photos, cache, monkeypatch):
    expected = load(photos)
    read = sources._read_file

    def vanished(path):
        if path.name == "02.png":
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))
        return read(path)

    with monkeypatch.context() as patched:
        patched.setattr(sources, "_read_file", vanished)
        without = stored(photos)
        assert len(without) == len(expected) - 1 and any("02.png: it cannot be read" in why for why in without.skipped)
        assert stored(photos).folder == without.folder
        np.testing.assert_array_equal(np.asarray(without.halved(1).pixels), load(photos).halved(1).pixels)
    back = stored(photos)
    np.testing.assert_array_equal(np.asarray(back.pixels), expected.pixels)


def test_a_second_process_waits_for_the_one_that_decodes(photos, cache, monkeypatch):
    decoded = counted_decoding(monkeypatch)
    found: list[Pictures] = []
    key = decoded_sets.key_of(images.list_images(photos), resolution=SIDE, channels=3)
    cache.mkdir(parents=True)
    with open(cache / f"{key}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = threading.Thread(target=lambda: found.append(stored(photos)))
        waiting.start()
        time.sleep(0.3)
        assert not decoded and not found
    waiting.join(60)
    assert len(found[0]) == COUNT - 1


@pytest.mark.parametrize("fault", ["full", "fills up", "read-only"])
def test_without_room_or_rights_pictures_are_kept_in_memory_or_one_sentence_says_so(photos, cache, fault, monkeypatch):
    if fault == "full":
        usage = shutil.disk_usage("/")._replace(free=100)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    elif fault == "fills up":

        def fills_up(path, content):
            next(iter(content))
            raise OSError(errno.ENOSPC, "No space left on device", str(path))

        monkeypatch.setattr(files, "write_atomically", fills_up)
    else:
        cache.parent.write_text("a file where the folder should be")
    with pytest.warns(JaxpriorWarning, match="kept in memory") as said:
        pictures = load_pictures(photos, resolution=SIDE, in_memory=0)
    assert any("JAXPRIOR_CACHE" in str(one.message) for one in said)
    assert pictures.folder is None and pictures.sha256 == load(photos).sha256
    monkeypatch.setattr(decoding, "available_memory", lambda: 1000)
    with pytest.raises(ImageError, match="let JAXPRIOR_CACHE name a folder") as error:
        load_pictures(photos, resolution=SIDE, in_memory=0)
    assert str(error.value).count("\n") == 0
    assert not cache.is_dir() or not sets(cache)


def test_few_pictures_are_kept_in_memory_and_write_nothing(photos, cache, monkeypatch):
    assert isinstance(load(photos).pixels, np.ndarray) and not cache.exists()
    monkeypatch.setenv("JAXPRIOR_CACHE", "off")
    assert isinstance(stored(photos).pixels, np.ndarray)


def test_damaged_pictures_alone_are_refused_from_a_file_too(tmp_path, cache):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(b"no picture")
    for _ in range(2):
        with pytest.raises(ImageError, match="none of its 1 files is a usable picture; the first: .*a.png"):
            stored(tmp_path / "photos")


SLOW = """
import sys, time
from jaxprior.data import images
from jaxprior.training.pictures import load_pictures
read = images.read_picture
images.read_picture = lambda data: time.sleep(0.1) or read(data)
load_pictures(sys.argv[1], resolution=16, in_memory=0)
"""


def test_killed_while_decoding_it_begins_anew_and_is_right(photos, cache):
    process = Running(photos, code=SLOW)
    while not list(cache.glob("*.part/*")):
        assert process.process.poll() is None
        time.sleep(0.01)
    time.sleep(0.3)
    process.process.kill()
    process.wait()
    assert not decoded_sets.kept_sets() and list(cache.glob("*.part"))
    assert stored(photos).sha256 == load(photos).sha256
    assert not list(cache.glob("*.part")) and len(decoded_sets.kept_sets()) == 1


def test_doctor_shows_decoded_pictures(photos, cache):
    stored(photos)
    shown = " ".join(call("doctor").output.split())
    assert "of decoded training pictures; remove what is not needed" in shown
    assert f"22 pictures of 16x16 pixels from {photos}, last used" in shown
