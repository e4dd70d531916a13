"""Layers that any network can be made of.

Layouts everywhere: images and features NHWC, convolution kernels HWIO, latent codes [batch, latent].
"""
