"""Networks: architecture only. No weights, no files, no training.

Layouts everywhere: images and features NHWC, convolution kernels HWIO, latent codes [batch, latent].
"""
