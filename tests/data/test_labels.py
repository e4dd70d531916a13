"""Labels of pictures: folders, tables and IDX files are read; every mistake is one sentence that names it."""

import gzip

import numpy as np
import pytest
from PIL import Image

from jaxprior.data.idx import is_idx, labels_beside, read_idx
from jaxprior.data.labels import folder_labels, labels_of_some, of_classes, table_labels
from jaxprior.data.listing import list_images
from jaxprior.errors import ImageError


def picture(path, shade=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), shade, np.uint8)).save(path)


@pytest.fixture
def photos(tmp_path):
    """Three pictures in two folders."""
    for name in ("b/1.png", "b/2.png", "a/1.png"):
        picture(tmp_path / "photos" / name)
    return tmp_path / "photos"


def table(tmp_path, text):
    path = tmp_path / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_folder_is_a_class(photos):
    found = folder_labels(list_images(photos), where="photos")
    assert found.names == ("a", "b") and found.exclusive
    assert found.values.tolist() == [[1, 0], [0, 1], [0, 1]]
    assert found.signed.tolist() == [[1, -1], [-1, 1], [-1, 1]]
    assert found.counts() == {"a": 1, "b": 2}


def test_a_folder_around_all_classes_is_passed_through(tmp_path):
    for name in ("set/two/1.png", "set/ten/deep/1.png"):
        picture(tmp_path / name)
    assert folder_labels(list_images(tmp_path), where="x").names == ("ten", "two")


def test_classes_that_are_numbers_stand_by_value():
    assert of_classes(["10", "9", "2"], where="x").names == ("2", "9", "10")


def test_numbers_that_are_equal_keep_one_order():
    for each in (["1", "01", "001"], ["001", "01", "1"], ["01", "001", "1"]):
        assert of_classes(each, where="x").names == ("001", "01", "1")


def test_accents_that_stand_apart_are_the_same_name(tmp_path):
    """macOS writes them apart in names of files; a table and a command line do not."""
    for name in ("u\u0308ber", "unter"):
        picture(tmp_path / name / f"{name}.png")
    found = list_images([tmp_path])
    assert set(folder_labels(found, where="x").names) == {"\u00fcber", "unter"}
    file = table(tmp_path, "name,la\u0308chelt\n\u00fcber.png,1\nunter.png,0\n")
    labels = table_labels(file, found)
    assert labels.names == ("l\u00e4chelt",)
    assert [bool(value) for value in labels.values[:, 0]] == ["ber" in source.inside for source in found]


def test_other_columns_do_not_matter_where_one_is_asked_for(photos, tmp_path):
    """A large table may hold an attribute that is the same for all pictures of a small run, or words."""
    found = list_images([photos])
    rows = "".join(f"{source.inside},{number % 2},0,word\n" for number, source in enumerate(found))
    file = table(tmp_path, f"name,hat,bald,note\n{rows}")
    _, labels, _ = labels_of_some(file, found, attribute="hat")
    assert labels.names == ("hat",) and labels.values[:, 0].tolist() == [number % 2 for number in range(len(found))]
    with pytest.raises(ImageError, match="'bald' is 0 for all pictures"):
        labels_of_some(file, found, attribute="bald")


def test_mistakes_of_folders(photos, tmp_path):
    picture(photos / "stray.png")
    with pytest.raises(ImageError, match=r"1 picture lies in no folder of a class: .*stray\.png; expected a folder"):
        folder_labels(list_images(photos), where="photos")
    with pytest.raises(ImageError, match="all pictures are of the class 'b'; expected two classes"):
        of_classes(["b", "b"], where="b")
    with pytest.raises(ImageError, match="unknown class 'cat'; expected one of dog, cow"):
        of_classes(["cat"], where="x", names=["dog", "cow"])


@pytest.mark.parametrize("low", ["0", "-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_of_attributes(photos, tmp_path, low, delimiter):
    rows = ["name,smiling,hat", "b/2.png,1,0", "a/1,0, 1", "b/1.png,0,0"]
    text = "\ufeff" + "\r\n".join(rows).replace("0", low).replace(",", delimiter) + "\r\n\r\n"
    found = table_labels(table(tmp_path, text), list_images(photos))
    assert found.names == ("smiling", "hat") and not found.exclusive
    assert found.values.tolist() == [[0, 1], [0, 0], [1, 0]]  # a/1, b/1, b/2


def test_a_table_of_classes(photos, tmp_path):
    found = table_labels(table(tmp_path, "file,class\nb/1.png,cat\n2.png,dog\na/1.png,cat\n"), list_images(photos))
    assert found.names == ("cat", "dog") and found.exclusive
    assert found.values.tolist() == [[1, 0], [1, 0], [0, 1]]


GOOD = "name,x\na/1.png,0\nb/1.png,1\nb/2.png,1\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOOD.replace("b/2.png,1\n", ""), r"1 picture has no row: .*b/2\.png; add what they show"),
        (GOOD + "c.png,1\n", r"1 row names a picture that is not there: c\.png \(line 5\)"),
        (GOOD + "b/2,1\n", r"line 5: b/2 has a row already, line 4"),
        (GOOD.replace("b/1.png", "1.png"), r"line 3: 1\.png could be each of .*a/1\.png, .*b/1\.png; write the path"),
        (GOOD.replace("png,0", "png,yes"), r"line 2, column 'x': expected 0 or 1, .* got 'yes'"),
        (GOOD.replace("png,0", "png,2"), "expected 0 or 1"),
        (GOOD.replace("png,0", "png,"), "got ''"),
        (GOOD.replace("2.png,1", "2.png,-1"), r"line 4, column 'x': -1 in a table that has 0 at line 2"),
        (GOOD.replace("png,0", "png,1"), "the attribute 'x' is 1 for all pictures"),
        (GOOD.replace("png,1", "png,0"), "the attribute 'x' is 0 for all pictures"),
        ("name,x,x\na/1.png,0,1\n", "2 columns are called 'x'"),
        ("name,x,\na/1.png,0,1\n", "column 3 has no name"),
        ("a/1.png,0\nb/1.png,1\n", "its first line holds values; expected a header"),
        (GOOD.replace("png,0", "png,0,1"), "line 2: 3 values, but the header has 2 columns"),
        ("name,x\n", "no rows below the header"),
        ("", "no columns with commas"),
        (b"\x89PNG\xff\xfe", "no text in UTF-8"),
        ("name,class\na/1.png,cat\nb/1.png,\nb/2.png,cat\n", "line 3: the column 'class' is empty"),
        ("name,class\na/1.png,cat\nb/1.png,cat\nb/2.png,cat\n", "all pictures are of the class 'cat'"),
        (GOOD.replace("x\n", "x=1\n"), "holds '=' or a comma"),
    ],
)  # fmt: skip
def test_mistakes_of_tables(photos, tmp_path, text, sentence):
    with pytest.raises(ImageError, match=sentence) as caught:
        table_labels(table(tmp_path, text), list_images(photos))
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_a_table_that_is_not_there(photos, tmp_path):
    with pytest.raises(ImageError, match=r"no\.csv: the table of labels cannot be read \(No such file"):
        table_labels(tmp_path / "no.csv", list_images(photos))


def idx(values):
    head = bytes([0, 0, 8, values.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in values.shape)
    return head + values.astype(np.uint8).tobytes()


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_idx_files(tmp_path, ending):
    pixels, labels = np.arange(4 * 3 * 2).reshape(4, 3, 2), np.array([3, 0, 1, 3])
    files = {"t-images-idx3-ubyte": pixels, "t-labels-idx1-ubyte": labels}
    for name, values in files.items():
        data = idx(values)
        (tmp_path / (name + ending)).write_bytes(gzip.compress(data) if ending else data)
    path = tmp_path / f"t-images-idx3-ubyte{ending}"
    assert is_idx(path) and np.array_equal(read_idx(path, axes=3), pixels)
    assert np.array_equal(read_idx(labels_beside(path), axes=1), labels)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data[:-1], "its header says 4x3x2 bytes of pictures, and 23 follow"),
        (lambda data: data + b"x", "and 25 follow"),
        (lambda data: b"\x00\x00\x0d\x03" + data[4:], "values of the kind 13 with 3"),
        (lambda data: b"\x00\x00\x08\x01" + data[4:], "expected an IDX file of pictures, bytes with 3 axes"),
        (lambda data: b"PNG" + data, "it is no IDX file of pictures"),
        (lambda data: b"\x00\x00", "it is no IDX file of pictures"),
        (lambda data: gzip.compress(data)[:-9], "it cannot be read"),
        (lambda data: data[:4] + b"\xff" * 12 + data[16:], "bytes of pictures, and 24 follow"),
    ],
)  # fmt: skip
def test_damaged_idx_files(tmp_path, change, sentence):
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(change(idx(np.arange(24).reshape(4, 3, 2))))
    with pytest.raises(ImageError, match=sentence):
        read_idx(path, axes=3)
