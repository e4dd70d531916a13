"""Known feature networks: names for `load_features`, `--features` and `jaxprior priors get`.

An entry here is all that is needed for a network whose files `weights_convert` reads.
"""

from jaxprior.weights.known.files import KnownNetwork, RemoteFile


_TORCHVISION = "https://pytorch.org/vision/stable/models/vgg.html"
_SQUEEZENET = RemoteFile(
    "https://raw.githubusercontent.com/DeepCognition/keras-squeezenet/a73d4339aa4d37c51a0b3ba044bed55477abec73/"
    "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "17154246284f555591549ac2c83e127abfbf4307dc4b0060fdaa2931d0fa38da",
    3_002_560,
)
_LPIPS_HEADS = RemoteFile(
    "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/082bb24f84c091ea94de2867d34c4544f68e0963/"
    "lpips/weights/v0.1/squeeze.pth",
    "squeeze.pth",
    "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
    10_811,
)

NETWORKS = {
    "vgg16": KnownNetwork(
        title="VGG-16, torchvision's weights (ImageNet)",
        page=_TORCHVISION,
        licence="BSD-3-Clause",
        files=(
            RemoteFile(
                "https://download.pytorch.org/models/vgg16-397923af.pth",
                "vgg16-397923af.pth",
                "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
                553_433_881,
            ),
        ),
    ),
    "vgg19": KnownNetwork(
        title="VGG-19, torchvision's weights (ImageNet)",
        page=_TORCHVISION,
        licence="BSD-3-Clause",
        files=(
            RemoteFile(
                "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
                "vgg19-dcbb9e9d.pth",
                "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
                574_673_361,
            ),
        ),
    ),
    "squeezenet": KnownNetwork(
        title="SqueezeNet 1.1, Caffe weights (ImageNet)",
        page="https://github.com/DeepCognition/keras-squeezenet",
        licence="MIT (converted from BSD-2-Clause weights)",
        files=(_SQUEEZENET,),
    ),
    "lpips-squeeze": KnownNetwork(
        title="LPIPS-style (SqueezeNet, Caffe weights)",
        page="https://github.com/richzhang/PerceptualSimilarity",
        licence="MIT and BSD-2-Clause",
        files=(_SQUEEZENET, _LPIPS_HEADS),
    ),
}
"""Name -> network."""
