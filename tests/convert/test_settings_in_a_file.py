"""Settings that a file keeps beside its networks: they count in whatever form and under whatever name they lie there,
and those that contradict the tensors are refused.
"""

from argparse import Namespace
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from foreign_files import refused
from public_files import AKA, FORCE, ZOO, BaseConfig, aka_file, mm_file, save, zoo_file

from weights_convert import convert


def zoo_settings(**changed) -> dict:
    """The `config` of a finished network of the GAN zoo, as a dict."""
    return {**vars(zoo_file()["config"]), **changed}


FORMS = {
    "dict": lambda settings: {"config": settings},
    "Namespace": lambda settings: {"config": Namespace(**settings)},
    "SimpleNamespace": lambda settings: {"config": SimpleNamespace(**settings)},
    "object of another name": lambda settings: {"train_config": BaseConfig(**settings)},
    "in a dict of another name": lambda settings: {"training": {"settings": Namespace(**settings)}},
    "in another object": lambda settings: {"args": Namespace(model=settings)},
    "in objects in an object": lambda settings: {"args": Namespace(nets=SimpleNamespace(g=BaseConfig(**settings)))},
    "in a list": lambda settings: {"configs": [Namespace(seed=1), Namespace(**settings)]},
    "without a name": lambda settings: settings,
}


@pytest.mark.parametrize("form", FORMS)
def test_the_settings_of_a_gan_zoo_training_are_found_in_every_form(form, tmp_path):
    def zoo(**changed):
        return {"avgG": ZOO.state("zoo16"), **FORMS[form](zoo_settings(**changed))}

    report = convert(save(tmp_path / "z.pth", zoo(lossCriterion="DCGAN")), tmp_path / "z.safetensors")
    assert report.config["output"] == "tanh" and not any("without the training" in note for note in report.notes)
    refused(save(tmp_path / "z.pth", zoo(alpha=0.5)), words="alpha = 0.5: the network was saved while 16x16 pixels")
    refused(save(tmp_path / "z.pth", zoo(categoryVectorDim=5)), words="fix it with `--label`")


def test_settings_around_the_dict_of_the_network_count_too(tmp_path):
    value = {"config": Namespace(**zoo_settings(alpha=0.5)), "nets": {"avgG": ZOO.state("zoo16")}}
    refused(save(tmp_path / "z.pth", value), words="config.alpha = 0.5: the network was saved while")
    odd = {"config": zoo_settings(alpha=np.float32([0.5])), "avgG": ZOO.state("zoo16")}
    refused(save(tmp_path / "z.pth", odd), words="config.alpha = 0.5: the network was saved while")


def test_settings_beside_the_raw_network_are_those_of_its_average(tmp_path):
    value = {"netG": {"config": BaseConfig(**zoo_settings(alpha=0.5)), "state_dict": ZOO.state("zoo16")}}
    value["avgG"] = {"state_dict": ZOO.state("zoo16")}
    refused(save(tmp_path / "z.pth", value), words="netG.config.alpha = 0.5: the network was saved while")


def test_settings_beside_the_network_in_a_list_count_too(tmp_path):
    value = [BaseConfig(**zoo_settings(alpha=0.5)), ZOO.state("zoo16")]
    refused(save(tmp_path / "z.pth", value), words="alpha = 0.5: the network was saved while")


def test_numbers_in_a_safetensors_file_count_too(tmp_path):
    """How far a network of mmgeneration had grown stands in buffers beside its tensors, in whatever format."""

    def saved(**buffers):
        safetensors.numpy.save_file(mm_file(**buffers)["state_dict"], tmp_path / "m.st")
        return tmp_path / "m.st"

    assert convert(saved(_curr_scale_int=np.array(8)), tmp_path / "m.safetensors").config["resolution"] == 8
    refused(saved(_curr_transition_weight=np.array(0.3, np.float32)), words="the network was saved while 16x16 pixels")


def test_of_several_settings_none_is_guessed(tmp_path):
    value = {**zoo_file(), "old_config": BaseConfig(**zoo_settings(lossCriterion="DCGAN"))}
    refused(save(tmp_path / "z.pth", value), words="different settings of trainings, config and old_config")
    same = {**zoo_file(), "copy": zoo_settings()}
    assert not any(
        "settings" in note for note in convert(save(tmp_path / "z.pth", same), tmp_path / "z.safetensors").notes
    )


def test_settings_that_cannot_be_read_are_not_passed_over(tmp_path):
    value = {**zoo_file(), "config": frozenset(["alpha"])}
    refused(save(tmp_path / "z.pth", value), words="its config, which says whether it is finished")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"latentVectorDim": 7}, "config.latentVectorDim = 7, but the tensors of the network say 24"),
        ({"noiseVectorDim": 19}, "config.noiseVectorDim = 19, but the tensors of the network say 24"),
        ({"dimOutput": 1}, "config.dimOutput = 1, but the tensors of the network say 3"),
        ({"depthOtherScales": [10]}, "config.depthOtherScales = [10], but the tensors of the network say [10, 8]"),
        ({"depthScale0": 99}, "config.depthScale0 = 99, but the tensors of the network say 12"),
        ({"equalizedlR": "False"}, "config.equalizedlR = 'False'; expected True or False"),
        ({"perChannelNormalization": False}, "our networks have that norm"),
    ],
)
def test_settings_of_the_gan_zoo_that_contradict_the_tensors_are_refused(changed, words, tmp_path):
    refused(save(tmp_path / "z.pth", zoo_file(**changed)), words=words)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"depth": 3}, "conf.depth = 3, but the tensors of the network say 4"),
        ({"latent_size": 23}, "conf.latent_size = 23, but the tensors of the network say 24"),
        ({"num_channels": 1}, "conf.num_channels = 1, but the tensors of the network say 3"),
        ({"use_eql": "False"}, "conf.use_eql = 'False'; expected True or False"),
    ],
)
def test_settings_of_pro_gan_pytorch_that_contradict_the_tensors_are_refused(changed, words, tmp_path):
    refused(save(tmp_path / "a.pth", aka_file(**changed)), words=words)


def test_0_is_off(tmp_path):
    """A training that says 0 had no equalised learning rate, as one that says False."""
    saved = [convert(save(tmp_path / "a.pth", aka_file(use_eql=off)), tmp_path / "a.safetensors") for off in (0, False)]
    assert saved[0].sha256 == saved[1].sha256
    saved = [
        convert(save(tmp_path / "z.pth", zoo_file(equalizedlR=off)), tmp_path / "z.safetensors") for off in (0, False)
    ]
    assert saved[0].sha256 == saved[1].sha256


@pytest.mark.parametrize("make", [dict, Namespace, SimpleNamespace])
def test_the_settings_of_a_genforce_training_count_in_every_form(make, tmp_path):
    def force(**settings):
        return save(tmp_path / "g.pth", {"G": FORCE.state("gf16"), "args": make(**settings)})

    assert convert(force(final_tanh=True), tmp_path / "g.safetensors").config["output"] == "tanh"
    refused(force(label_size=3), words="beside the network the file says label_size = 3; expected 0")


def test_numbers_in_bfloat16_are_numbers(tmp_path):
    """How far a network had grown may be stored in half precision, as its weights."""

    def narrow(value: float) -> np.ndarray:
        return np.array(value, ml_dtypes.bfloat16)

    assert convert(save(tmp_path / "m.pth", mm_file(_curr_transition_weight=narrow(1))), tmp_path / "m.safetensors")
    fading = mm_file(_curr_transition_weight=narrow(0.5))
    refused(save(tmp_path / "m.pth", fading), words="_curr_transition_weight = 0.5: the network was saved while")
    state = {key: array for key, array in FORCE.state("gf16").items() if key != "lod"}
    refused(save(tmp_path / "g.pth", {"G": state, "alpha": narrow(0.5)}), words="no lod, but alpha = 0.5 beside")


@pytest.mark.parametrize("name", ["depth_3_epoch_7 (1).bin", "mine-depth_3_epoch_7.pth", "GAN_GEN_SHADOW_2-1.pth"])
def test_copies_keep_in_their_names_how_far_a_network_had_grown(name, tmp_path):
    path = save(tmp_path / name, AKA.state("aka2_64") if "GAN" in name else aka_file())
    report = convert(path, tmp_path / "out.safetensors")
    assert report.config["resolution"] == (16 if "GAN" in name else 8)
    assert not any("taken as finished" in note for note in report.notes)


def test_links_are_followed_to_the_name_that_says_how_far_a_network_had_grown(tmp_path):
    save(tmp_path / "depth_3_epoch_7.bin", aka_file())
    link = tmp_path / "newest.bin"
    link.symlink_to("depth_3_epoch_7.bin")
    assert convert(link, tmp_path / "out.safetensors").config["resolution"] == 8
    other = tmp_path / "depth_4_epoch_7.bin"
    other.symlink_to("depth_3_epoch_7.bin")
    refused(other, words="says different things about how far it had grown")
