"""Command line of the converter: `python -m weights_convert SRC -o OUT.safetensors`."""

import argparse
import sys

from jaxprior.errors import WeightsError
from weights_convert import NETWORKS, convert
from weights_convert.pggan import OUTPUTS
from weights_convert.pggan.table import layout_text


class _List(argparse.Action):
    """Print the layouts of PGGAN files and end, as `--help` does."""

    def __call__(self, parser, namespace, values, option_string=None):
        print(layout_text())
        parser.exit()


def main(arguments: list[str] | None = None) -> int:
    """Convert one file and print the report.

    Arguments:
        arguments: the command line; None takes the program's own.
    Returns:
        0, or 1 when the file was refused (the reason goes to standard error).
    """
    parser = argparse.ArgumentParser(
        prog="python -m weights_convert",
        description="Convert a foreign checkpoint to safetensors. Code in the file is never run.",
        epilog="example: python -m weights_convert bedroom.pkl -o bedroom.safetensors --licence CC0-1.0",
    )
    parser.add_argument(
        "src", metavar="SRC", help="PyTorch checkpoint, TensorFlow GAN pickle, Keras .h5, safetensors or SinGAN folder"
    )
    parser.add_argument(
        "-o", "--out", required=True, metavar="OUT.safetensors", help="file to write; an existing one is replaced"
    )
    parser.add_argument("--network", choices=sorted(NETWORKS), help="architecture (default: recognised by names)")
    parser.add_argument("--state", metavar="NAME", help="which network in the file to take (default: the average)")
    parser.add_argument("--layout", metavar="NAME", help="refuse a PGGAN of another layout (default: recognised)")
    parser.add_argument(
        "--output", choices=OUTPUTS, help="what a PGGAN's images go through at the end (default: what the file says)"
    )
    parser.add_argument("--label", metavar="LABEL", help="label to fix in a PGGAN that was trained with labels")
    parser.add_argument("--list", action=_List, nargs=0, help="show the layouts of PGGAN files that are known, and end")
    parser.add_argument("--name", help="name of the network (default: that of OUT)")
    parser.add_argument("--onto", metavar="FILE", help="for LPIPS: the converted AlexNet, VGG or SqueezeNet")
    parser.add_argument("--licence", default="unknown", help="licence of the weights, for the card")
    given = parser.parse_args(arguments)
    try:
        report = convert(
            given.src,
            given.out,
            network=given.network,
            name=given.name,
            licence=given.licence,
            onto=given.onto,
            state=given.state,
            layout=given.layout,
            output=given.output,
            label=given.label,
        )
        print(report)
    except WeightsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
