"""Which strain a detector can read; nothing here loads a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embed.detector.options import SourceOptions
    from embed.strain.record import StrainRecord


def check_rate(rate: float, source: SourceOptions) -> int:
    """How many samples of the strain become one of the detector's.

    Raises
    ------
    InputError
        When that is no whole number.
    """
    if rate < source.sample_rate or rate % source.sample_rate:
        raise InputError(
            f"strain at {rate:g} Hz does not suit a detector for {source.sample_rate} Hz; give strain at a whole multiple of that, or a detector for another rate"
        )
    return round(rate / source.sample_rate)


def check_records(records: Mapping[str, StrainRecord], source: SourceOptions) -> None:
    """Refuse strain that lacks a detector, or has another sample rate.

    Raises
    ------
    InputError
    """
    lacking = [ifo for ifo in source.ifos if ifo not in records]
    if lacking:
        raise InputError(
            f"the detector reads {' and '.join(source.ifos)}, and there is no strain of {', '.join(lacking)}, only of {', '.join(records)}; give its files too, or a detector for one"
        )
    for ifo in source.ifos:
        check_rate(records[ifo].sample_rate, source)
