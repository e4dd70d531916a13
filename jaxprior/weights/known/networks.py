"""Known feature networks: names for `load_features`, `--features` and `jaxprior priors get`.

An entry here is all that is needed for a network whose files `weights_convert` reads.
"""

from jaxprior.weights.known.files import KnownNetwork, RemoteFile


_TORCHVISION = "https://pytorch.org/vision/stable/models"
_LPIPS = "https://github.com/richzhang/PerceptualSimilarity"


def _torchvision(name: str, sha256: str, size: int) -> RemoteFile:
    """A file of torchvision's, whose name ends in the first digits of its hash."""
    return RemoteFile(f"https://download.pytorch.org/models/{name}", name, sha256, size)


def _heads(name: str, sha256: str, size: int) -> RemoteFile:
    """A file of linear layers of LPIPS 0.1."""
    commit = "082bb24f84c091ea94de2867d34c4544f68e0963"
    address = f"https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/{commit}/lpips/weights/v0.1/{name}"
    return RemoteFile(address, name, sha256, size)


_ALEXNET = _torchvision(
    "alexnet-owt-7be5be79.pth",
    "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
    244_408_911,
)
_VGG16 = _torchvision(
    "vgg16-397923af.pth",
    "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
    553_433_881,
)
_SQUEEZENET = RemoteFile(
    "https://raw.githubusercontent.com/DeepCognition/keras-squeezenet/a73d4339aa4d37c51a0b3ba044bed55477abec73/"
    "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "17154246284f555591549ac2c83e127abfbf4307dc4b0060fdaa2931d0fa38da",
    3_002_560,
)
_SQUEEZENET_TORCHVISION = _torchvision(
    "squeezenet1_1-b8a52dc0.pth",
    "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b",
    4_958_839,
)
_SQUEEZENET_HEADS = _heads("squeeze.pth", "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76", 10_811)

NETWORKS = {
    "vgg16": KnownNetwork(
        title="VGG-16, torchvision's weights (ImageNet)",
        page=f"{_TORCHVISION}/vgg.html",
        licence="BSD-3-Clause",
        files=(_VGG16,),
    ),
    "vgg19": KnownNetwork(
        title="VGG-19, torchvision's weights (ImageNet)",
        page=f"{_TORCHVISION}/vgg.html",
        licence="BSD-3-Clause",
        files=(
            _torchvision(
                "vgg19-dcbb9e9d.pth",
                "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
                574_673_361,
            ),
        ),
    ),
    "alexnet": KnownNetwork(
        title="AlexNet, torchvision's weights (ImageNet)",
        page=f"{_TORCHVISION}/alexnet.html",
        licence="BSD-3-Clause",
        files=(_ALEXNET,),
    ),
    "squeezenet": KnownNetwork(
        title="SqueezeNet 1.1, Caffe weights (ImageNet)",
        page="https://github.com/DeepCognition/keras-squeezenet",
        licence="MIT (converted from BSD-2-Clause weights)",
        files=(_SQUEEZENET,),
    ),
    "squeezenet-torchvision": KnownNetwork(
        title="SqueezeNet 1.1, torchvision's weights (ImageNet)",
        page=f"{_TORCHVISION}/squeezenet.html",
        licence="BSD-3-Clause",
        files=(_SQUEEZENET_TORCHVISION,),
    ),
    "lpips-alex": KnownNetwork(
        title="LPIPS (AlexNet)",
        page=_LPIPS,
        licence="BSD-3-Clause and BSD-2-Clause",
        files=(
            _ALEXNET,
            _heads("alex.pth", "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0", 6_009),
        ),
    ),
    "lpips-vgg": KnownNetwork(
        title="LPIPS (VGG-16)",
        page=_LPIPS,
        licence="BSD-3-Clause and BSD-2-Clause",
        files=(
            _VGG16,
            _heads("vgg.pth", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868", 7_289),
        ),
    ),
    "lpips-squeeze": KnownNetwork(
        title="LPIPS-style (SqueezeNet, Caffe weights)",
        page=_LPIPS,
        licence="MIT and BSD-2-Clause",
        files=(_SQUEEZENET, _SQUEEZENET_HEADS),
    ),
    "lpips-squeeze-torchvision": KnownNetwork(
        title="LPIPS (SqueezeNet)",
        page=_LPIPS,
        licence="BSD-3-Clause and BSD-2-Clause",
        files=(_SQUEEZENET_TORCHVISION, _SQUEEZENET_HEADS),
    ),
    "inception": KnownNetwork(
        title="Inception-v3 of the Frechet inception distance (pytorch-fid)",
        page="https://github.com/mseitzer/pytorch-fid",
        licence="Apache-2.0",
        files=(
            RemoteFile(
                "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
                "pt_inception-2015-12-05-6726825d.pth",
                "pt_inception-2015-12-05-6726825d.pth",
                "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
                95_628_359,
            ),
        ),
    ),
    "inception-torchvision": KnownNetwork(
        title="Inception-v3, torchvision's weights (ImageNet)",
        page=f"{_TORCHVISION}/inception.html",
        licence="BSD-3-Clause",
        files=(_torchvision("inception_v3_google-0cc3c7bd.pth", "0cc3c7bd", 108_949_747),),
    ),
}
"""Name -> network."""
