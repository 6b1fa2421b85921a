"""The check of ``discover scan``."""

from argparse import Namespace

from discovery.checks.fleet import check_ray
from embed.errors import InputError
from embed.storage import first_bytes
from embed.strain.files import GWF, open_strain
from embed.strain.triggers import read_triggers, trigger_at


def check(options: Namespace) -> None:
    """Refuse strain files and tables of triggers that cannot be read, options that contradict each other, and a cluster that cannot be joined.

    Raises
    ------
    InputError
        When strain or triggers are missing, or cannot be read.
    """
    trigger_option(options)
    for name, value in (("--snr", options.snr), ("--dead-time", options.dead_time)):
        if options.find and not value > 0:
            raise InputError(f"{name} {value:g} is not above 0")
    if options.label is not None and not (options.label.strip() and options.label.isprintable()):
        raise InputError(f"--label {options.label!r} cannot be a label: give printable characters")
    if options.open_data and (not options.ifo or options.find):
        raise InputError("--open-data fetches around known times of one detector; give --ifo and --at or --triggers")
    if not options.strain and not options.open_data:
        raise InputError("no strain; give files, or --open-data with --ifo and a time")
    headers = {path: first_bytes(path) for path in options.strain}
    frames = [path for path, head in headers.items() if head.startswith(GWF)]  # gwpy takes seconds to open one
    files = [
        open_strain(path, ifo=options.ifo, channel=options.channel) for path in options.strain if path not in frames
    ]
    for gps in options.at or ():
        trigger_at(gps, options.ifo or "")
    if options.triggers is not None and not frames:
        ifos = {file.ifo for file in files} | ({options.ifo} if options.open_data else set())
        read_triggers(options.triggers, ifos)
    elif options.triggers is not None:
        first_bytes(options.triggers)
    check_ray(options)


def trigger_option(options: Namespace) -> str:
    """Return the one option that says which times to scan.

    Raises
    ------
    InputError
        When none is given, or more than one.
    """
    given = {"--triggers": options.triggers, "--at": options.at, "--find": options.find}
    chosen = [name for name, value in given.items() if value]
    if len(chosen) != 1:
        raise InputError(
            f"{' and '.join(chosen) or 'no trigger'} given; give one of --triggers CSV, --at GPS and --find"
        )
    return chosen[0]
