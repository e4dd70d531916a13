"""`jaxprior train`."""


def pggan() -> None:
    """x"""
