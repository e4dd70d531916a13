"""Which prior explains a picture: the order, what cannot be used, and the sheet and table of it."""

import csv
import dataclasses
import errno

import jax
import numpy as np
import pytest
from program import inside
from tiny_prior import write_tiny_prior

import jaxprior as jp
from jaxprior.data import images
from jaxprior.errors import ArgumentError, ImageError, MaskError, WeightsError
from jaxprior.restoration.which_prior import explaining, ranking
from jaxprior.restoration.which_prior.own_samples import OwnSamples
from jaxprior.restoration.which_prior.ranked import FARTHEST


LEVELS = {"dark": 40, "bright": 200}
"""The pictures that each of two priors knows."""
OWN = OwnSamples(psnr=tuple(np.linspace(28, 32, 40)), smoothness=(50.0,) * 40)


class Quick:
    """Stands for the short inversions: a prior explains pictures of its level of grey."""

    def __init__(self, prior):
        self.level, self.side = LEVELS[prior.card["name"]], prior.resolution

    def explain(self, pictures, missing, ids, *, work):
        known = ~missing
        levels = np.array([one[where].mean() for one, where in zip(pictures, known, strict=True)])
        work.moved(work.done + len(pictures))
        return explaining.Explanation(
            psnr=30 - abs(levels - self.level) / 4,
            smoothness=np.full(len(pictures), 50.0),
            images=np.full(pictures.shape, self.level / 127.5 - 1, np.float32),
        )


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(ranking, "Explainer", Quick)
    monkeypatch.setattr(ranking, "own_samples", lambda prior, *, beside: OWN)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("priors")
    for seed, name in enumerate(LEVELS):
        write_named(folder / f"{name}.safetensors", name, seed=seed)
    return folder


def write_named(path, name, *, seed):
    from jaxprior.weights.storage import load_weights, save_weights

    params, card = load_weights(write_tiny_prior(path, seed=seed))
    save_weights(path, params, {**card, "name": name, "subject": f"{name} walls"})


@pytest.fixture
def priors(place):
    return [jp.load_prior(place / f"{name}.safetensors") for name in LEVELS]


def grey(level, shape=(40, 60)):
    return np.full((*shape, 3), level, np.uint8)


def test_the_prior_that_explains_a_picture_best_comes_first(priors):
    found = jp.rank_priors([grey(60), grey(190)], priors)
    assert [[one.prior for one in photo.priors] for photo in found.photos] == [["dark", "bright"], ["bright", "dark"]]
    best, other = found.photos[0].priors
    assert best.subject == "dark walls" and best.psnr == pytest.approx(25) and best.expected == pytest.approx(30)
    assert best.behind == pytest.approx(5) and best.behind < other.behind
    assert [photo.name for photo in found.photos] == ["photos[0]", "photos[1]"]
    assert [name for name, _ in found.overall] == ["bright", "dark"] and not found.failed and not found.passed_over


def test_one_photograph_and_one_prior_need_no_list(place, tmp_path):
    images.save_png(tmp_path / "one.png", grey(200))
    found = jp.rank_priors(tmp_path / "one.png", place / "bright.safetensors")
    (photo,) = found.photos
    (one,) = photo.priors
    assert photo.name == str(tmp_path / "one.png") and one.prior == str(place / "bright.safetensors")
    assert one.explains and one.share_below == 0.5 and photo.picture.shape == one.picture.shape == (160, 160, 3)


def test_a_picture_that_no_prior_explains_is_told(priors):
    (photo,) = jp.rank_priors(grey(120), priors).photos
    assert photo.priors[0].behind > FARTHEST and not photo.priors[0].explains


def test_what_is_missing_does_not_count(priors):
    photo, hole = grey(190), np.zeros((40, 60))
    photo[10:30, 20:40], hole[10:30, 20:40] = 0, 1
    (found,) = jp.rank_priors(photo, priors, mask=hole).photos
    assert found.priors[0].prior == "bright" and found.priors[0].psnr == pytest.approx(30 - 10 / 4, abs=0.3)
    assert abs(found.picture[80, 80].astype(int) - 128).max() <= 1
    (drawn,) = jp.rank_priors(grey(190), priors, mask=jp.parse_mask("center:0.25")).photos
    assert drawn.priors[0].psnr == pytest.approx(30 - 10 / 4, abs=0.3)


def test_pictures_that_cannot_be_used_are_named_and_the_others_are_ranked(priors, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    images.save_png(tmp_path / "good.png", grey(60))
    images.save_png(tmp_path / "tiny.png", grey(60, (4, 4)))
    names = ("bad.png", "good.png", "tiny.png")
    found = jp.rank_priors([tmp_path / name for name in names], priors)
    assert [photo.name for photo in found.photos] == [str(tmp_path / "good.png")]
    assert set(found.failed) == {str(tmp_path / name) for name in ("bad.png", "tiny.png")}
    assert all(why.count("\n") == 0 and name in why for name, why in found.failed.items())
    with pytest.raises(ImageError, match="bad.png"):
        jp.rank_priors(tmp_path / "bad.png", priors)


def test_a_picture_of_which_hardly_anything_is_known_is_refused(priors):
    hole = np.ones((40, 60))
    hole[0, 0] = 0
    with pytest.raises(MaskError, match="too little is known of it at 16 pixels"):
        jp.rank_priors(grey(60), priors, mask=hole)
    with pytest.raises(MaskError):
        jp.rank_priors(grey(60), priors, mask=np.zeros((3, 3)))


def test_damaged_priors_are_named_and_passed_over(place, priors, tmp_path):
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes((place / "dark.safetensors").read_bytes()[:-100])
    found = jp.rank_priors(grey(60), [damaged, priors[0]])
    assert list(found.passed_over) == [str(damaged)] and [one.prior for one in found.photos[0].priors] == ["dark"]
    with pytest.raises(WeightsError, match="damaged"):
        jp.rank_priors(grey(60), damaged)
    flipped = bytearray((place / "dark.safetensors").read_bytes())
    flipped[-1] ^= 1  # the head of the file is whole, so that this is seen when it is loaded
    damaged.write_bytes(flipped)
    assert list(jp.rank_priors(grey(60), [damaged, priors[0]]).passed_over) == [str(damaged)]
    with pytest.raises(WeightsError, match="damaged"):
        jp.rank_priors(grey(60), damaged)


def test_what_is_no_photograph_and_no_prior_is_refused_in_a_sentence(priors):
    with pytest.raises(ImageError, match="no photographs"):
        jp.rank_priors([], priors)
    with pytest.raises(ArgumentError, match="priors"):
        jp.rank_priors(grey(60), [3])
    with pytest.raises(ImageError, match="value_range"):
        jp.rank_priors(np.linspace(0.1, 0.9, 40 * 60 * 3).reshape(40, 60, 3), priors)
    with pytest.raises(ArgumentError, match="one mask for each of 2"):
        jp.rank_priors([grey(60), grey(60)], priors, mask=[np.zeros((40, 60))])


def test_a_mask_in_a_file_must_have_the_shape_of_the_photograph(priors, tmp_path):
    hole = np.zeros((30, 60, 3), np.uint8)
    hole[5:15, 20:30] = 255
    images.save_png(tmp_path / "hole.png", hole)
    spec = jp.parse_mask(tmp_path / "hole.png")
    found = jp.rank_priors([grey(60, (60, 60)), grey(60, (60, 120))], priors, mask=spec)
    assert [photo.name for photo in found.photos] == ["photos[1]"]
    assert "it is 60x60 and the mask 60x30" in found.failed["photos[0]"]
    with pytest.raises(MaskError, match="`photo`: it is 60x60 and the mask 60x30: expected a mask of the picture's"):
        jp.restore_photo(priors[0], grey(60, (60, 60)), spec, key=jax.random.key(0))


def test_a_prior_whose_folder_of_figures_is_unusable_is_passed_over(priors, monkeypatch):
    def fail(prior, *, beside):
        if prior is priors[0]:
            raise WeightsError("dark/explained.json is a folder")
        return OWN

    monkeypatch.setattr(ranking, "own_samples", fail)
    found = jp.rank_priors(grey(60), priors)
    assert [one.prior for one in found.photos[0].priors] == ["bright"] and "is a folder" in found.passed_over["dark"]


def test_what_is_shown_agrees_with_the_limit(priors):
    best = jp.rank_priors(grey(60), priors).photos[0].priors[0]
    shown = [dataclasses.replace(best, behind=behind).shown_behind for behind in (3.96, 4.0, 4.004, 4.04, 4.06, -0.5)]
    assert shown == ["4.0", "4.0", "4.004", "4.04", "4.1", "-0.5"]


def test_a_ranking_is_written_as_a_sheet_and_a_table(priors, tmp_path):
    found = jp.rank_priors([grey(60), grey(190)], priors)
    found.write(tmp_path / "ranking")
    assert images.load_image(tmp_path / "ranking" / "ranking.png").shape[1] > 3 * 160
    with open(tmp_path / "ranking" / "ranking.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["picture"], row["place"], row["prior"]) for row in rows][:2] == [
        ("photos[0]", "1", "dark"),
        ("photos[0]", "2", "bright"),
    ]
    assert float(rows[0]["psnr"]) == pytest.approx(25, abs=1e-3) and rows[0]["subject"] == "dark walls"


def test_the_command_keeps_its_sheet_apart_from_photographs(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    images.save_png("photos/one.png", grey(60))
    named = ["--prior", str(place / "dark.safetensors")]
    for photos in ("photos", "photos/one.png"):
        done = inside("priors", "rank", photos, *named, "-o", "photos")
        assert done.code == 2 and "photos holds the pictures" in done.err and not done.traced
    for _ in range(2):  # the second time the sheet of the first lies among the photographs
        done = inside("priors", "rank", "photos", *named, "-o", "photos/ranking")
        assert done.code == 0 and "photos/one.png" in done.out and "photos/ranking/ranking.png\n " not in done.out
        assert "all photographs" not in done.out


def test_a_place_that_cannot_be_written_is_refused_before_the_work(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ranking, "rank_priors", lambda *_, **__: pytest.fail("the photographs were ranked"))
    images.save_png("one.png", grey(60))
    (tmp_path / "out" / "ranking.png").mkdir(parents=True)
    done = inside("priors", "rank", "one.png", "--prior", str(place / "dark.safetensors"), "-o", "out")
    assert done.code == 2 and "ranking.png is a folder" in done.err and not done.traced
    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    done = inside("priors", "rank", "one.png", "--prior", str(place / "dark.safetensors"), "-o", "other")
    assert done.code == 2 and "nothing can be written into other (Read-only" in done.err and not done.traced


def refused(**_):
    raise OSError(errno.EROFS, "Read-only file system")


def test_the_command_prints_a_table_and_names_what_is_left_out(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images.save_png("photo.png", grey(60))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    named = [word for name in LEVELS for word in ("--prior", str(place / f"{name}.safetensors"))]
    done = inside("priors", "rank", "photo.png", *named, "-o", "ranking")
    assert done.code == 0 and "dark walls" in done.out and done.out.index("dark walls") < done.out.index("bright walls")
    assert "None of these priors" in done.out and (tmp_path / "ranking" / "ranking.png").is_file()
    done = inside("priors", "rank", "photo.png", "bad.png", *named)
    assert done.code == 1 and "bad.png" in done.err and "dark walls" in done.out and not done.traced
    for mistake in (["--prior", "nobody"], ["--mask", "nothing"], ["--mask-means", "white"], ["--mask", "."]):
        done = inside("priors", "rank", "photo.png", *mistake)
        assert done.code == 2 and not done.traced
