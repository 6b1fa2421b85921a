"""Whether a command's work can be spread over a Ray cluster."""

from argparse import Namespace

from embed.errors import InputError
from embed.fleet.address import check_address
from embed.network.sources import is_strain


def check_ray(options: Namespace) -> None:
    """Refuse an address that is none or does not answer, and what Ray's workers cannot do.

    Raises
    ------
    InputError, FleetError
        See `embed.fleet.address.check_address`; and where a GPU or a detector's vectors are asked for.
    """
    if options.ray is None:
        return
    if options.device == "cuda":
        raise InputError(
            "--ray spreads work over processor cores, and --device cuda asks for a GPU; leave one of them out"
        )
    if is_strain(getattr(options, "backbone", None)):
        raise InputError(
            f"--ray spreads networks on pictures, and --backbone {options.backbone} reads strain; leave one of them out"
        )
    check_address(options.ray)
