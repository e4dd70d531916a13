"""The command line: parses, calls the library, prints. `jaxprior --help` lists the commands."""

from jaxprior.cli.app import app as app
from jaxprior.cli.app import main as main
