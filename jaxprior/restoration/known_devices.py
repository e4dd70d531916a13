"""Devices of which it is known how fast they are at inversions, so that a dry run can tell of them from elsewhere.

A figure is one that was measured with this library, or it follows from such a figure and the data sheets; `source` says
which. This module imports no JAX.
"""

from dataclasses import dataclass

from jaxprior.settings import check_choice


@dataclass(frozen=True, kw_only=True)
class KnownDevice:
    """What is known of a device.

    Fields:
        title: for people.
        platform: kind of device, as JAX calls it.
        memory: bytes.
        operations: a second, of those that `StepCost` counts, for each word of `Solve.precision`.
        source: where these figures come from, sentence by sentence.
        compiling: seconds that a program takes to be compiled.
    """

    title: str
    platform: str = "gpu"
    memory: int
    operations: dict[str, float]
    source: tuple[str, ...]
    compiling: float = 75.0


STEP = 7.18e12
"""Operations of the step that was measured: 256 pixels, 20 codes at layer 8, VGG-16 distance, 16 pictures at once."""

PEAK = {"bf16": 989e12, "tf32": 495e12, "fp32": 67e12}
"""Operations a second in the data sheets of both devices, without sparsity."""

_TF32, _BF16 = STEP / 0.0338, STEP / 0.0197
_FP32 = PEAK["fp32"] * _TF32 / PEAK["tf32"]

_MEASURED = (
    "An H200 was measured on 2026-11-26 with jax 0.11.2 (benchmarks/results/torch-h200.json): 256 pixels, 20 codes at "
    "layer 8, VGG-16 distance, 16 pictures at once took 19.7 ms a step in bf16 and 33.8 ms in tf32.",
    "fp32 was not measured: the same share of the data sheet's peak as in tf32 is assumed.",
    "Smaller images and fewer pictures at once use less of the device and take longer than is counted here.",
)

DEVICES = {
    "h100": KnownDevice(
        title="an H100 (SXM, 80 GB)",
        memory=80 * 10**9,
        operations={"bf16": _BF16, "tf32": _TF32, "fp32": _FP32},
        source=(
            *_MEASURED,
            "An H100 was not measured: its data sheet has the same peaks and 3.35 TB/s of memory bandwidth in place of "
            "4.8, so that it may take up to 1.4 times as long.",
        ),
    ),
    "h200": KnownDevice(
        title="an H200 (141 GB)",
        memory=141 * 10**9,
        operations={"bf16": _BF16, "tf32": _TF32, "fp32": _FP32},
        source=_MEASURED,
    ),
}


def known_device(name: str) -> KnownDevice:
    """What is known of a device.

    Arguments:
        name: one of `DEVICES`, in any case.

    Raises:
        SettingsError: nothing is known of it.

    Example:
        >>> known_device("h100").title
        'an H100 (SXM, 80 GB)'
    """
    check_choice(name.lower(), DEVICES, "device")
    return DEVICES[name.lower()]
