"""The command line called in this process, which is quick."""

from typer.testing import CliRunner

from jaxprior.cli import app


def call(*arguments, code=0):
    """Run the program in this process; returns what it printed, tracebacks excluded by the exit code."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exit_code != code:
        raise AssertionError(f"exit code {result.exit_code} for {arguments}:\n{result.output}") from result.exception
    assert "Traceback" not in result.output
    return result
