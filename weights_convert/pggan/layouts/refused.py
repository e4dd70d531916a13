"""Layouts that are known and refused, because our network cannot compute exactly what their networks compute."""

from weights_convert.other_formats import OF_TENSORFLOW_HUB
from weights_convert.pggan.layout import Refused, by_key


LAYOUTS = (
    Refused(
        name="pro_gan_pytorch_1",
        project="akanimax/pro_gan_pytorch 1",
        sign="initial_block.conv_1.deconv.weight",
        recognise=by_key("initial_block.conv_1.deconv.weight"),
        reason="its layers multiply by numbers that are drawn anew at every start and not saved, so that the file does "
        "not determine its images",
    ),
    Refused(
        name="rosinality",
        project="rosinality/progressive-gan-pytorch",
        sign="progression.0.conv.0.conv.weight_orig",
        recognise=by_key("progression.0.conv.0.conv.weight_orig"),
        reason="its layers normalise before the activation, where a PGGAN normalises after it",
    ),
    Refused(
        name="odegeasslbc",
        project="odegeasslbc/Progressive-GAN-pytorch",
        sign="input_layer.0.conv.weight_orig",
        recognise=by_key("input_layer.0.conv.weight_orig"),
        reason="its layers normalise before the activation, whose slope is 0.1, and enlarge bilinearly",
    ),
    Refused(
        name="bmsg_gan",
        project="akanimax/BMSG-GAN",
        sign="layers.0.conv_1.weight without conf beside it",
        recognise=lambda names: None,  # its names are pro_gan_pytorch's, which looks at what lies beside them
        reason="it is another network, which makes an image at every stage, under the names of pro_gan_pytorch",
    ),
    Refused(
        name="tfhub",
        project="TensorFlow Hub, progan-128",
        sign="a folder with tfhub_module.pb",
        recognise=lambda names: None,  # a folder is refused before anything in it is read
        reason=OF_TENSORFLOW_HUB,
    ),
)
