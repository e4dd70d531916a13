"""Layers that any network can be made of.

    convolution     every form of a convolution, and which of them a kind of device takes; the forms themselves are in
                    direct, phase, winograd, winograd_upsampling, transposed and valid; frozen defines gradients
    resampling      the one place that builds the matrices of resizes; bicubic is a layer made of them
    padding pooling norm elementwise latent     functions of maps, and how codes are drawn
    blocks equalised                    Flax modules made of these

Layouts everywhere: images and features NHWC, convolution kernels HWIO, latent codes [batch, latent].
"""
