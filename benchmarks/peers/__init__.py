"""The same inversion by others: PyTorch written here from the paper's equations, and the public code from a checkout.

Everybody gets the same random weights, codes, target and Adam, and tells the losses of all pictures at every step.
"""
