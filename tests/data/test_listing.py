"""What is listed of folders and archives, and what is said of the rest."""

import os
import tarfile
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from odd_files import RGB, picture, saved

from jaxprior.data.images import list_images, load_image, load_images, survey
from jaxprior.data.sources import file_source
from jaxprior.errors import ImageError, JaxpriorWarning


PNG = saved(RGB, "PNG")


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(*names: str, data: bytes = PNG) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data)


def names(*places: str) -> list[str]:
    return [source.name for source in survey(places).sources]


def test_files_that_are_not_read_are_counted_by_their_endings(place):
    put("in/a.png", "in/b.HEIC", "in/deep/c.heic", "in/d.jp2", "in/IMG_0001")
    put("in/labels.csv", "in/readme.txt", "in/.hidden.heic", "in/Thumbs.db", "in/__MACOSX/x.heic")
    listing = survey("in")
    assert [source.name for source in listing.sources] == ["in/a.png"]
    assert listing.sentences() == [
        "in: passed over 4 files that are not read here: 2 .heic, 1 without an ending, 1 .jp2 "
        "(convert them to PNG or JPEG first)."
    ]


def test_list_images_warns_once_of_what_is_passed_over_and_only_then(place):
    put("in/a.png", "in/b.heic")
    with pytest.warns(JaxpriorWarning) as told:
        load_images("in", size=16)
    assert [str(one.message) for one in told] == [
        "in: passed over 1 file that is not read here: 1 .heic (convert it to PNG or JPEG first)."
    ]
    put("good/a.png", "good/labels.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list_images("good")


def test_where_nothing_is_found_the_error_says_what_was_passed_over(place):
    put("in/a.heic")
    with pytest.raises(ImageError, match="in: no pictures found; .* passed over 1 file that is not read here: 1 .heic"):
        list_images("in")


def test_archives_inside_of_folders_and_archives_are_named(place):
    put("in/a.png", "in/more.zip", "in/b.tar.gz")
    with zipfile.ZipFile("photos.zip", "w") as archive:
        archive.writestr("a.png", PNG)
        archive.writestr("deep/inner.zip", b"PK")
        archive.writestr("b.heic", b"")
    assert "passed over 2 archives: in/b.tar.gz, in/more.zip" in survey("in").sentences()[0]
    assert survey("photos.zip").sentences() == [
        "photos.zip: passed over 1 file that is not read here: 1 .heic (convert it to PNG or JPEG first).",
        "photos.zip: passed over 1 archive: photos.zip/deep/inner.zip "
        "(unpack it, or give its own path if it is a zip file).",
    ]


def test_linked_folders_are_followed_once_and_circles_end(place):
    put("real/b.png", "real/deep/c.png", "in/a.png")
    os.symlink("../real", "in/faces")
    os.symlink("../real", "in/again")
    os.symlink("..", "in/up")
    os.symlink(".", "in/itself")
    assert names("in") == ["in/a.png", "in/again/b.png", "in/again/deep/c.png"]
    assert names("real", "in") == ["real/b.png", "real/deep/c.png", "in/a.png"]
    os.symlink("in", "0")
    assert names("0") == ["0/a.png", "0/again/b.png", "0/again/deep/c.png"]


def test_a_real_folder_keeps_its_names_where_a_link_to_it_comes_first(place):
    put("in/b/x.png")
    os.symlink("b", "in/a")
    assert names("in") == ["in/b/x.png"]


def test_a_linked_picture_is_its_file_only_under_the_same_name(place):
    """Several names of one mask are several masks; another way to the same name is the same picture."""
    put("real/a.png", "in/mask.png")
    os.symlink("../real/a.png", "in/a.png")
    os.symlink("mask.png", "in/b.png")
    os.symlink("nowhere.png", "in/lost.png")
    os.symlink("nowhere", "in/lost")
    assert names("real", "in") == ["real/a.png", "in/b.png", "in/lost.png", "in/mask.png"]
    assert survey("in").sentences() == ["in: passed over 1 link to nowhere: in/lost."]
    with pytest.raises(ImageError, match="in/lost.png: no such file"):
        survey("in").sources[2].read()


def test_of_entries_with_one_name_the_last_counts_and_others_are_named(place):
    with zipfile.ZipFile("twice.zip", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for data in (saved(picture(7), "PNG"), PNG):
            archive.writestr("a.png", data)
        archive.writestr("b.png", PNG)
        archive.writestr("b.png", PNG)
    listing = survey(["twice.zip", f"{place}/twice.zip"])
    assert [source.name for source in listing.sources] == ["twice.zip/a.png", "twice.zip/b.png"]
    assert np.array_equal(load_image(listing.sources[0]), RGB)
    said = "twice.zip: passed over an entry before the last one of the same name: twice.zip/a.png."
    assert listing.sentences() == [said]


def test_names_that_become_one_when_they_are_made_printable_stay_two(place):
    put("in/a\nb.png", "in/a\\nb.png")
    assert names("in") == ["in/a\\nb.png", "in/a\\nb.png (2)"]


def test_entries_with_paths_out_of_the_archive_are_read_and_nothing_is_written(place):
    with zipfile.ZipFile("odd.zip", "w") as archive:
        for name in ("../up.png", "/root.png", "./here.png", "a/../b.png"):
            archive.writestr(name, PNG)
    found = {source.inside: source for source in survey("odd.zip").sources}
    assert set(found) == {"../up.png", "/root.png", "here.png", "a/../b.png"}
    assert all(np.array_equal(load_image(source), RGB) for source in found.values())
    assert sorted(os.listdir()) == ["odd.zip"]


def test_in_archives_backslashes_separate_folders(place):
    with zipfile.ZipFile("windows.zip", "w") as archive:
        for name in ("a\\", "a\\x.png", "b\\x.png", "__MACOSX\\a\\._x.png"):
            archive.writestr(name, b"" if name.endswith("\\") else PNG)
    listing = survey("windows.zip")
    assert [source.inside for source in listing.sources] == ["a/x.png", "b/x.png"] and listing.sentences() == []
    assert [source.name for source in listing.sources] == ["windows.zip/a/x.png", "windows.zip/b/x.png"]
    assert load_image(listing.sources[1]).shape == RGB.shape


def test_zip_files_with_large_offsets_and_foreign_names_are_read(place):
    with zipfile.ZipFile("large.zip", "w") as archive:
        with archive.open("猫.png", "w", force_zip64=True) as member:
            member.write(PNG)
        archive.writestr("old.png", PNG)
    data = Path("large.zip").read_bytes().replace(b"old.png", b"\x94ld.png")
    Path("large.zip").write_bytes(data)  # a name in the code page of DOS
    found = survey("large.zip").sources
    assert [source.inside for source in found] == ["öld.png", "猫.png"]
    assert all(np.array_equal(load_image(source), RGB) for source in found)


@pytest.mark.parametrize(
    "data, words",
    [
        (b"Rar!\x1a\x07\x01\x00" + bytes(600), "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(600), "a 7z archive"),
        (b"\x1f\x8b\x08" + bytes(600), "a gzip archive"),
        ("tar", "a tar archive"),
    ],
)
def test_an_archive_of_another_kind_is_refused_in_one_sentence(place, data, words):
    if data == "tar":
        put("a.png")
        with tarfile.open("photos.data", "w") as archive:
            archive.add("a.png")
    else:
        put("photos.data", data=data)
    with pytest.raises(ImageError, match=f"photos.data: it is {words}, which is not read here; unpack it") as caught:
        list_images("photos.data")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", ["jfif", "JPE", "Jpeg", "tif", "TIFF", "apng"])
def test_endings_count_in_any_case(place, ending):
    put(f"in/a.{ending}")
    assert names("in") == [f"in/a.{ending}"]


def test_real_paths_are_asked_for_folders_and_links_and_not_for_every_picture(place, monkeypatch):
    put(*(f"in/{folder}/{number}.png" for folder in "ab" for number in range(50)), "in/labels.txt")
    os.symlink("a/1.png", "in/link.png")
    asked, real = [], os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda path, **more: asked.append(str(path)) or real(path, **more))
    found = survey("in").sources
    locations = {source.location for source in found}
    assert len(asked) <= 4, asked
    assert len(found) == len(locations) == 101
    assert (real("in/a/7.png"), "") in locations and (real("in") + "/link.png", "") in locations


def test_a_listed_picture_takes_little_memory(place):
    put(*(f"in/{number:04d}.png" for number in range(500)), data=b"")
    with zipfile.ZipFile("in.zip", "w") as archive:
        for number in range(500):
            archive.writestr(f"{number:04d}.png", b"")
    for path in ("in", "in.zip"):
        tracemalloc.start()
        found = survey(path).sources
        assert tracemalloc.get_traced_memory()[0] < 400 * len(found)
        tracemalloc.stop()


def test_pictures_are_equal_that_have_the_same_name_and_file(place):
    put("in/a.png", "in/b.png")
    first, second = survey("in").sources
    assert first == survey("in").sources[0] == file_source(Path("in/a.png")) and first != second
    assert first.renamed("other") != first and first.renamed("other").path == Path("in/a.png")
    assert len({first, survey("in").sources[0], second}) == 2
