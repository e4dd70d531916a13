"""Trainings that are spread over several devices compute what one device would. The devices are forced CPU ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from once import once
from program import Running
from quick_compilation import QUICK_COMPILATION

from jaxprior.errors import SettingsError
from jaxprior.training.data_parallel import DataParallel, first_devices


SCRIPT = Path(__file__).parents[1] / "spread_trainings.py"


def run_script() -> dict[str, Any]:
    """What the trainings of `spread_trainings.py` did; one process does all of it."""
    flags = f"{QUICK_COMPILATION} --xla_force_host_platform_device_count=4"
    ended = Running(environment={"XLA_FLAGS": flags}, code=SCRIPT.read_text()).wait()
    assert ended.code == 0, ended.err
    return json.loads(ended.out.splitlines()[-1])


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the trainings did, for all processes of the test session."""
    return once(tmp_path_factory, "spread-trainings", run_script)


@pytest.mark.parametrize("name", ["wgan-gp", "lazy R1", "lsgan", "autoencoder"])
@pytest.mark.parametrize("count", ["2", "4"])
def test_losses_are_those_of_one_device(found, name, count):
    """Batch statistics, the minibatch standard deviation and gradient penalties are of the whole batch."""
    one, several = found["losses"][name]["1"], found["losses"][name][count]
    assert len(one) == len(several) == 3
    for ours, theirs in zip(several, one, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("case", ["8 on 4", "8 on 2"])
def test_only_sums_go_between_devices(found, case):
    """No activations of the whole batch: the largest sum is of a kernel's gradient, and there is no other operation."""
    operations = {operation for operation, _ in found["communication"][case]}
    assert operations == {"all-reduce"}
    groups, kernel, activations = 2 * 4 * 4 * 6, 4 * 4 * 6 * 6, 8 * 8 * 8 * 6
    assert {size for _, size in found["communication"][case]} <= {2, groups, kernel}
    assert kernel < activations


@pytest.mark.parametrize("case", ["2 to 1", "1 to 2"])
def test_another_number_of_devices_goes_on_where_a_training_was_killed(found, case):
    run, other = found["resumed"][case], found["resumed"]["1 to 2" if case == "2 to 1" else "2 to 1"]
    assert run["steps"] == list(range(3, 11))  # two steps were in the newest checkpoint
    assert run["losses"] == pytest.approx(other["losses"], rel=1e-3) and len(run["losses"]) == 10
    assert run["same"] and run["devices"] == (["cpu x2", "cpu"] if case == "2 to 1" else ["cpu", "cpu x2"])


def test_threads_compile_the_programs_of_several_devices_ahead(found):
    """A step of each stage for two devices, and the drawing of 8 pixels, of 16 fading in, and of 16 for one."""
    assert sorted(found["compiled"]) == [["jit(draw_images)", True]] * 3 + [["jit(step)", True]] * 2


def test_the_forecast_of_memory_is_that_of_each_device(found):
    alone, shared = found["foreseen"]["1"], found["foreseen"]["4"]
    assert shared["bytes"] < alone["bytes"]
    assert shared["seconds"] > 0 and alone["seconds"] > 0


def test_a_batch_that_does_not_divide_uses_fewer_devices_and_says_so(found):
    uneven = found["uneven"]
    assert uneven["used"] == 3 and uneven["rows"] == [2, 2, 2]
    (sentence,) = uneven["said"]
    assert "6 pictures are spread over 3" in sentence and "multiple of 4" in sentence
    assert uneven["alone"] == 1


def test_networks_trained_side_by_side_are_spread_whole(found):
    """Each device has its own network and picture, and nothing goes between them."""
    members = found["members"]
    assert members["rows"] == [1, 1, 1, 1] and not members["communication"] and members["local"] == [2, 3, 4, 5]


def test_one_device_places_nothing():
    """Then a training is the program that it always was."""
    spread, tree = DataParallel(first_devices(1)).spread(8), {"w": object()}
    assert spread.state(tree) is tree and spread.batch(tree) is tree and spread.local(tree) is tree


def test_more_devices_than_there_are_are_refused():
    with pytest.raises(SettingsError, match="99 devices were asked for, and this process has 1"):
        first_devices(99)
