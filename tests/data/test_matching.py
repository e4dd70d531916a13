"""Which original, or which mask, belongs to which picture: never one file for two pictures, and never a guess."""

import os
import zipfile

import pytest

from jaxprior.data.listing import list_images
from jaxprior.data.matching import Counterparts
from jaxprior.errors import ImageError


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Makes files; nothing is in them, because nothing reads them."""
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()

    return make


def matched(pictures, place):
    """The name of each picture's original, or the sentence why it has none."""
    found = list_images(pictures)
    originals = Counterparts(found, list_images(place), place=str(place), kind="original")

    def of(picture):
        try:
            return originals.of(picture).name
        except ImageError as error:
            return str(error)

    return {picture.name: of(picture) for picture in found}


def test_files_of_one_name_belong_together_by_the_path_inside_their_folders(files):
    files("in/a/x.png", "in/b/x.png", "ref/a/x.png", "ref/b/x.png")
    assert matched("in", "ref") == {"in/a/x.png": "ref/a/x.png", "in/b/x.png": "ref/b/x.png"}


@pytest.mark.parametrize("pictures", ["./in", "in/", "{here}/in", "in/../in"])
@pytest.mark.parametrize("place", ["./ref", "ref/", "{here}/ref"])
def test_how_the_folders_are_spelled_does_not_matter(files, tmp_path, pictures, place):
    files("in/a/x.png", "in/b/x.png", "ref/a/x.png", "ref/b/x.png")
    found = matched([pictures.format(here=tmp_path)], place.format(here=tmp_path))
    assert [name.rpartition("ref/")[2] for name in found.values()] == ["a/x.png", "b/x.png"]


def test_the_ending_may_differ(files):
    files("in/a/x.PNG", "in/a/y.jpg", "in/b/x.jpeg", "ref/a/x.png", "ref/a/y.png", "ref/b/x.JPG")
    assert list(matched("in", "ref").values()) == ["ref/a/x.png", "ref/a/y.png", "ref/b/x.JPG"]


def test_of_two_originals_that_differ_in_their_ending_the_one_with_the_picture_s_own_counts(files):
    files("in/x.png", "in/y.bmp", "ref/x.jpg", "ref/x.png", "ref/y.png", "ref/y.jpg")
    found = matched("in", "ref")
    assert found["in/x.png"] == "ref/x.png"
    assert "ambiguous: it could be ref/y.jpg or ref/y.png" in found["in/y.bmp"]


@pytest.mark.parametrize("order", [("in/a", "in/b"), ("in/b", "in/a"), ("in/b/x.png", "in/a/x.png")])
def test_folders_and_files_that_are_given_one_by_one_keep_their_places(files, order):
    files("in/a/x.png", "in/b/x.png", "ref/a/x.png", "ref/b/x.png")
    assert matched(order, "ref") == {"in/a/x.png": "ref/a/x.png", "in/b/x.png": "ref/b/x.png"}


def test_the_working_folder_does_not_matter(files, tmp_path, monkeypatch):
    files("in/a/x.png", "in/b/x.png", "ref/a/x.png", "ref/b/x.png")
    monkeypatch.chdir(tmp_path / "in" / "b")
    assert matched("x.png", "../../ref") == {"x.png": "../../ref/b/x.png"}


def test_an_archive_that_wraps_its_files_in_a_folder_is_understood(files):
    files("in/a/x.png", "in/b/x.png")
    with zipfile.ZipFile("ref.zip", "w") as archive:
        for name in ("originals/a/x.png", "originals/b/x.png"):
            archive.writestr(name, b"")
    assert list(matched("in", "ref.zip").values()) == ["ref.zip/originals/a/x.png", "ref.zip/originals/b/x.png"]


def test_a_link_is_another_name(files):
    files("in/a/x.png", "ref/x.png")
    os.symlink("a/x.png", "in/y.png")
    found = matched("in", "ref")
    assert found["in/a/x.png"] == "ref/x.png" and "ref holds no original for y.png" in found["in/y.png"]


def test_a_linked_folder_has_the_name_of_its_link(files):
    files("elsewhere/a/x.png", "elsewhere/b/x.png", "ref/day/x.png", "ref/night/x.png")
    for link, target in (("day", "elsewhere/a"), ("night", "elsewhere/b")):
        os.symlink(target, link)
    assert matched(["day", "night"], "ref") == {"day/x.png": "ref/day/x.png", "night/x.png": "ref/night/x.png"}


def test_one_original_never_serves_two_pictures(files):
    files("in/a/x.png", "in/b/x.png", "ref/x.png")
    for name, other in (("a", "b"), ("b", "a")):
        sentence = matched("in", "ref")[f"in/{name}/x.png"]
        assert f"ambiguous: ref/x.png could also belong to in/{other}/x.png" in sentence
        assert f"here {name}/x.png" in sentence


def test_the_other_picture_does_not_get_what_is_left(files):
    files("in/a/x.png", "in/b/x.png", "ref/a/x.png", "ref/c/x.png")
    found = matched("in", "ref")
    assert found["in/a/x.png"] == "ref/a/x.png"
    assert "ambiguous: it could be ref/a/x.png or ref/c/x.png" in found["in/b/x.png"]


def test_a_picture_beside_one_that_has_the_original_is_told_whose_it_is(files):
    files("in/a/x.png", "in/x.jpg", "ref/a/x.png")
    found = matched("in", "ref")
    assert found["in/a/x.png"] == "ref/a/x.png"
    assert "ambiguous: ref/a/x.png could also belong to in/a/x.png" in found["in/x.jpg"]


def test_several_originals_of_one_name_are_listed(files):
    files("in/x.png", *(f"ref/{i}/x.png" for i in range(9)))
    assert "it could be ref/0/x.png or ref/1/x.png or ref/2/x.png, 6 more;" in matched("in", "ref")["in/x.png"]


def test_what_was_found_by_its_name_alone_is_known(files):
    files("in/new/x.png", "in/y.png", "ref/old/x.jpg", "ref/y.png")
    pictures = list_images("in")
    found = Counterparts(pictures, list_images("ref"), place="ref", kind="original")
    assert [(a.name, b.name) for a, b in found.by_name] == [("in/new/x.png", "ref/old/x.jpg")]
    assert found.of(pictures[0]).name == "ref/old/x.jpg"


def test_accents_may_be_written_as_one_character_or_as_two(files):
    files("in/\u00e9t\u00e9.png", "ref/e\u0301te\u0301.png")
    assert list(matched("in", "ref").values()) == ["ref/e\u0301te\u0301.png"]


def test_a_picture_is_not_its_own_original_because_the_originals_lie_around_it(files):
    files("data/in/x.png", "data/original/x.png")
    assert matched("data/in", "data") == {"data/in/x.png": "data/original/x.png"}
    assert matched("data/in", "data/in") == {"data/in/x.png": "data/in/x.png"}  # this was asked for


def test_a_file_is_listed_once_however_it_is_spelled(files, tmp_path):
    files("in/x.png", "in/y.png")
    assert [source.name for source in list_images(["in", tmp_path / "in", "./in/x.png"])] == ["in/x.png", "in/y.png"]


def test_of_entries_of_an_archive_with_one_name_the_last_counts_as_when_it_is_unpacked(files):
    with zipfile.ZipFile("in.zip", "w") as archive:
        for name, content in (("x.png", b"first"), ("y.png", b"y"), ("./x.png", b"last")):
            archive.writestr(name, content)
    found = list_images("in.zip")
    assert [(source.name, source.read()) for source in found] == [("in.zip/x.png", b"last"), ("in.zip/y.png", b"y")]
