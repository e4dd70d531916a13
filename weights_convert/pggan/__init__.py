"""PGGAN (Karras et al. 2018): foreign tensor names and arrangements to our parameter tree.

Ours: `generator/layer{k}/kernel` in HWIO, raw weights (the equalised learning rate is applied at run time),
where layer0 is the dense layer, kernel [latent, 4, 4, C_0], and layer{2b} the up-convolution of stage b,
resolution 4*2^b; `output{b}` is its toRGB. The critic's `input{b}`, `layer{2b+1}`, `layer{2b}`
mirror that; its layer0 is the dense layer over the 4x4 map, `output` the last one.

The files of `layouts` know what each project calls them and how its networks differ from ours; `layers` and
`arrangement` are what they are made of. `trees` checks and arranges the tensors, `stage` cuts a network that was saved
before it had grown to its full size, and `conversion` puts all of it together.
"""

from weights_convert.pggan.conversion import EXAMPLE_NAMES, OUTPUTS, convert, recognise


__all__ = ["EXAMPLE_NAMES", "OUTPUTS", "convert", "recognise"]
