"""Known generators: PGGANs whose trained weights others publish.

None of these files has been fetched in the development of this package: addresses and the first digits of hashes are
those that the publishers' own code and file names give, sizes are computed from the networks.
"""

from dataclasses import dataclass

from jaxprior.weights.known.files import KnownNetwork, RemoteFile


@dataclass(frozen=True, kw_only=True)
class KnownPrior(KnownNetwork):
    """A generator that can be installed by its name.

    Fields:
        subject: what its pictures show, in words for people.
        data: the data set on which it was trained.
        resolution: pixels of a side.
        layout: what `weights_convert` calls the layout of the tensors.
        others: names under which other publishers offer the same generator; such files are taken as well, but their
            hashes are not known.
    """

    subject: str
    data: str
    resolution: int
    layout: str
    others: tuple[str, ...] = ()


_MGANPRIOR = "https://github.com/genforce/mganprior/blob/master/models/README.md"
_DISSECTION = "https://github.com/davidbau/ganseeing"
_COMPOSITION = "https://github.com/chail/latent-composition"
_GAN_ZOO = "https://github.com/facebookresearch/pytorch_GAN_zoo"
_MMGENERATION = "https://github.com/open-mmlab/mmgeneration"
_PRO_GAN_PYTORCH = "https://github.com/akanimax/pro_gan_pytorch"

_OF_THE_CODE = "stated for the publishers' code; nothing is stated for the weights"
_OF_THE_ORIGINALS = "stated for NVIDIA's networks, which were converted; nothing is stated for the converted files"

_LSUN_IN_DISSECTION = (  # our word, the official file's word, first digits of the hash, subject
    ("bedroom", "bedroom", "d8a89ff1", "bedrooms"),
    ("churchoutdoor", "churchoutdoor", "7e701dd5", "churches from outside"),
    ("conferenceroom", "conferenceroom", "21e85882", "conference rooms"),
    ("diningroom", "dining_room", "3aa0ab80", "dining rooms"),
    ("kitchen", "kitchen", "67f1e16c", "kitchens"),
    ("livingroom", "livingroom", "5ef336dd", "living rooms"),
    ("restaurant", "restaurant", "b8578299", "restaurants"),
)
_LSUN_BY_HAND = {
    "tower": "towers",
    "bridge": "bridges",
    "classroom": "classrooms",
    "person": "people",
    "cat": "cats",
    "dog": "dogs",
    "bird": "birds",
    "horse": "horses",
    "sheep": "sheep",
    "cow": "cows",
    "car": "cars",
    "bicycle": "bicycles",
    "motorbike": "motorbikes",
    "bus": "buses",
    "train": "trains",
    "boat": "boats",
    "airplane": "airplanes",
    "bottle": "bottles",
    "chair": "chairs",
    "pottedplant": "potted plants",
    "tvmonitor": "television sets",
    "diningtable": "dining tables",
    "sofa": "sofas",
}


def _official_names(word: str, ours: str, pixels: int) -> tuple[str, str]:
    """What the official TensorFlow file and mGANprior's conversion of it are called."""
    return f"karras2018iclr-{word}-{pixels}x{pixels}.pkl", f"pggan_{ours}{pixels}_generator.pth"


def _dissection(name: str, digits: str, *, subject: str, data: str, pixels: int, size: int, others) -> KnownPrior:
    file = f"proggan_{name}-{digits}.pth"
    return KnownPrior(
        title=f"NVIDIA's PGGAN of {data}, converted for GAN dissection",
        page=_DISSECTION,
        licence="CC BY-NC 4.0 (NVIDIA)",
        licence_note=_OF_THE_ORIGINALS,
        files=(RemoteFile(f"http://gandissect.csail.mit.edu/models/{file}", file, digits, size),),
        subject=subject,
        data=data,
        resolution=pixels,
        layout="karras_pytorch",
        others=others,
    )


def _composition(file: str, *, subject: str, data: str, pixels: int) -> KnownPrior:
    return KnownPrior(
        title=f"PGGAN of {data} of the latent composition paper",
        page=_COMPOSITION,
        licence="not stated",
        files=(RemoteFile(f"http://latent-composition.csail.mit.edu/pretrained_models/{file}", file, None, None),),
        subject=subject,
        data=data,
        resolution=pixels,
        layout="karras_pytorch",
    )


def _gan_zoo(file: str, *, subject: str, data: str, pixels: int, values: int) -> KnownPrior:
    return KnownPrior(
        title=f"PGGAN of {data} of the GAN zoo (torch.hub)",
        page=_GAN_ZOO,
        licence="BSD-3-Clause (code)",
        licence_note=_OF_THE_CODE,
        files=(_named_by_hash("https://dl.fbaipublicfiles.com/gan_zoo/PGAN/", file, 4 * values),),
        subject=subject,
        data=data,
        resolution=pixels,
        layout="gan_zoo",
    )


def _mmgeneration(file: str, *, subject: str, data: str, pixels: int, values: int) -> KnownPrior:
    return KnownPrior(
        title=f"PGGAN of {data} of MMGeneration",
        page=_MMGENERATION,
        licence="Apache-2.0 (code)",
        licence_note=_OF_THE_CODE,
        files=(_named_by_hash("https://download.openmmlab.com/mmgen/pggan/", file, 4 * values),),
        subject=subject,
        data=data,
        resolution=pixels,
        layout="mmgeneration",
    )


def _named_by_hash(folder: str, file: str, size: int) -> RemoteFile:
    """A file whose name ends in the first 8 digits of its sha256."""
    return RemoteFile(folder + file, file, file.removesuffix(".pth")[-8:], size)


def _by_hand(word: str, subject: str) -> KnownPrior:
    return KnownPrior(
        title=f"NVIDIA's PGGAN of LSUN {word}",
        page=_MGANPRIOR,
        licence="CC BY-NC 4.0",
        files=(),
        subject=subject,
        data=f"LSUN {word}",
        resolution=256,
        layout="tensorflow",
        others=_official_names(f"lsun-{word}", word, 256),
    )


PRIORS = {
    **{
        f"{name}256": _dissection(
            name,
            digits,
            subject=subject,
            data=f"LSUN {name}",
            pixels=256,
            size=73_400_000,
            others=(f"{name}_lsun.pth", *_official_names(f"lsun-{official}", name, 256)),
        )
        for name, official, digits, subject in _LSUN_IN_DISSECTION
    },
    "celebahq1024": _dissection(
        "celebhq",
        "620d161c",
        subject="aligned faces",
        data="CelebA-HQ",
        pixels=1024,
        size=92_300_000,
        others=_official_names("celebahq", "celebahq", 1024),
    ),
    "celebahq128_lc": _composition(
        "pgans_celebahq-small_generator.pth", subject="aligned faces", data="CelebA-HQ", pixels=128
    ),
    "livingroom256_lc": _composition(
        "pgans_livingroom-paper_generator.pth", subject="living rooms", data="LSUN livingroom", pixels=256
    ),
    "celebahq256_zoo": _gan_zoo(
        "celebaHQ_s6_i80000-6196db68.pth", subject="aligned faces", data="CelebA-HQ", pixels=256, values=69_156_331
    ),
    "celebahq512_zoo": _gan_zoo(
        "celebaHQ16_december_s7_i96000-9c72988c.pth",
        subject="aligned faces",
        data="CelebA-HQ",
        pixels=512,
        values=69_239_825,
    ),
    "celeba128_zoo": _gan_zoo(
        "celebaCropped_s5_i83000-2b0acc76.pth", subject="faces", data="CelebA, cropped", pixels=128, values=68_823_461
    ),
    "dtd128_zoo": _gan_zoo(
        "testDTD_s5_i96000-04efa39f.pth", subject="textures", data="DTD", pixels=128, values=68_823_461
    ),
    "celeba128_mm": _mmgeneration(
        "pggan_celeba-cropped_128_g8_20210408_181931-85a2e72c.pth",
        subject="faces",
        data="CelebA, cropped",
        pixels=128,
        values=68_811_685,
    ),
    "bedroom128_mm": _mmgeneration(
        "pggan_lsun-bedroom_128x128_g8_20210408_182033-5e59f45d.pth",
        subject="bedrooms",
        data="LSUN bedroom",
        pixels=128,
        values=68_811_685,
    ),
    "celebahq1024_mm": _mmgeneration(
        "pggan_celeba-hq_1024_g8_20210408_181911-f1ef51c3.pth",
        subject="aligned faces",
        data="CelebA-HQ",
        pixels=1024,
        values=69_249_063,
    ),
    "metfaces1024": KnownPrior(
        title="PGGAN of MetFaces of pro_gan_pytorch",
        page=_PRO_GAN_PYTORCH,
        licence="MIT (code)",
        licence_note=_OF_THE_CODE,
        files=(
            RemoteFile(
                "http://geometry.cs.ucl.ac.uk/projects/2021/pro_gan_pytorch/model_metfaces.bin",
                "model_metfaces.bin",
                None,
                None,
            ),
        ),
        subject="faces in works of art",
        data="MetFaces",
        resolution=1024,
        layout="pro_gan_pytorch",
    ),
    **{f"{word}256": _by_hand(word, subject) for word, subject in _LSUN_BY_HAND.items()},
}
"""Name -> generator: those that can be fetched first, then those whose files are carried by hand."""
