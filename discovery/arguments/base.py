"""What the command line's parsers share: how they refuse, the options of every command, those on vectors, and numbers."""

import argparse
import os
from pathlib import Path
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser that refuses in one line, with exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is."""
        self.exit(2, f"{self.prog}: error: {message} (see `{self.prog} --help`)\n")


def common_options() -> Parser:
    """Options of every command."""
    common = Parser(add_help=False)
    group = common.add_argument_group("everywhere")
    group.add_argument(
        "--study",
        metavar="DIR",
        type=Path,
        default=Path(os.environ.get("DISCOVER_STUDY") or "study"),
        help="the study's folder (default: $DISCOVER_STUDY, or study)",
    )
    group.add_argument("--seed", type=natural, metavar="N", default=0, help="seed of whatever is random (default: 0)")
    group.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where networks run (default: auto)"
    )
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.add_argument(
        "-v", "--verbose", action="count", default=0, help="say more; -vv shows where an error came from"
    )
    return common


def vector_options() -> Parser:
    """Options of the commands that read vectors, and make them where there are none."""
    vectors = Parser(add_help=False)
    group = vectors.add_argument_group("vectors (default: as embedded last)")
    group.add_argument(
        "--backbone",
        metavar="NAME",
        help="vgg16, vgg19, resnet50, inception_v3, googlenet, xception, efficientnet_lite0 (default) or timm:NAME",
    )
    group.add_argument(
        "--weights",
        metavar="FILE|glitch|bundled|imagenet|model:NAME",
        help="the network's weights; glitch: trained on simulated glitches, bundled: on ImageNet; model:NAME is a trained model of the study (default: glitch; bundled for plain images)",
    )
    group.add_argument(
        "--views",
        metavar="DURATIONS",
        help="4.0, 1.0,2.0,4.0, 0.5,1.0,2.0,4.0 or plain (default: the richest that every glitch has)",
    )
    group.add_argument(
        "--runtime",
        choices=("auto", "torch", "onnx"),
        default="auto",
        help="what runs the network on a CPU (default: auto)",
    )
    group.add_argument("--no-cache", action="store_true", help="do not keep decoded views on disk")
    return vectors


def positive(text: str) -> int:
    """Read a whole number from 1."""
    number = natural(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return number


def natural(text: str) -> int:
    """Read a whole number from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)
