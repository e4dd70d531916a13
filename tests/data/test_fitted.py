"""How many pictures were cut or resized, in words."""

from jaxprior.data.fitted import FitCount


def said(*sizes: tuple[int, int], side: int = 64) -> list[str]:
    count = FitCount()
    for size in sizes:
        count.add(size, side)
    return list(count.sentences())


def test_pictures_that_fit_are_not_spoken_of():
    assert said((64, 64), (64, 64)) == []


def test_each_kind_of_change_is_one_sentence():
    assert said((3024, 4032), (480, 640), (20, 20), (32, 32), (64, 90), (64, 64)) == [
        "2 pictures were cut to their centre square and shrunk to 64x64 (from up to 4032x3024)",
        "2 pictures were enlarged to 64x64 (from as small as 20x20)",
        "1 picture was cut to the centre square (from 90x64)",
    ]
