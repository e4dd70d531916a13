"""`python -m jaxprior` is the command `jaxprior`, also from a source tree that is not installed."""

from jaxprior.cli import main


if __name__ == "__main__":
    main()
