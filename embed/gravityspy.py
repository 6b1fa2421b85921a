"""Gravity Spy's names: classes, file names, identifiers, observing runs and the aliases its tables use.

Sources: the Gravity Spy pipeline's file naming (``IFO_ID_spectrogram_DUR.png``), the class lists of Zenodo records
5649212 (O1-O3 classifications) and 13904422 (volunteer-only choices), and the volunteer API codes of the Gravity Spy
database documentation.
"""

import re
from dataclasses import dataclass
from pathlib import Path, PurePath

DURATIONS = (0.5, 1.0, 2.0, 4.0)
"""Lengths in seconds of the four views that Gravity Spy publishes of one glitch, in its order."""

SAMPLE_TYPES = ("train", "validation", "test")
"""Folder names of the training set's own split, between the class and the images."""

TRAINING_SET_SUFFIXES = (".h5", ".hdf5")
"""Endings of files that are taken for the training set in HDF5."""

NUMBERS = ("snr", "amplitude", "peak_frequency", "central_frequency", "duration", "bandwidth", "q_value")
"""Metadata of a glitch that are numbers, by our names (see `COLUMN_ALIASES`), in the order in which tables and pages carry them along."""

NONE_OF_THE_ABOVE = "None_of_the_Above"
"""The label of what is in no class."""

O1_CLASSES = (
    "1080Lines",
    "1400Ripples",
    "Air_Compressor",
    "Blip",
    "Chirp",
    "Extremely_Loud",
    "Helix",
    "Koi_Fish",
    "Light_Modulation",
    "Low_Frequency_Burst",
    "Low_Frequency_Lines",
    "No_Glitch",
    "None_of_the_Above",
    "Paired_Doves",
    "Power_Line",
    "Repeating_Blips",
    "Scattered_Light",
    "Scratchy",
    "Tomte",
    "Violin_Mode",
    "Wandering_Line",
    "Whistle",
)
O3_ADDITIONS = ("Blip_Low_Frequency", "Fast_Scattering")
VOLUNTEER_ADDITIONS = ("70Hz_Line", "High_Frequency_Burst", "Pizzicato")
CLASSES = tuple(sorted(O1_CLASSES + O3_ADDITIONS))
"""The 24 classes of Gravity Spy's machine labels since O1."""

CLASS_LISTS = {"O1": O1_CLASSES, "O3": CLASSES, "O4": tuple(sorted(CLASSES + VOLUNTEER_ADDITIONS))}
"""Class lists by the run that they were made for: 22 in the first, 24 in the third (Zenodo 5649212), and the 27 choices of the
volunteers' list for the fourth."""

ERAS = {
    "O1": (1126400000, 1137250000),
    "O2": (1164499217, 1219276818),
    "O3a": (1238166018, 1254009618),
    "O3b": (1256655642, 1272326418),
}
"""GPS seconds [first, last) of the observing runs, as in Gravity Spy's own search tool."""

_VOLUNTEER_CODES = {
    "1080LINE": "1080Lines",
    "1400RIPPLE": "1400Ripples",
    "AIRCOMPRESSOR50HZ": "Air_Compressor",
    "BLIP": "Blip",
    "BLP": "Blip",
    "CHIRP": "Chirp",
    "CROWN": "Fast_Scattering",
    "EXTREMELYLOUD": "Extremely_Loud",
    "HELIX": "Helix",
    "KOIFISH": "Koi_Fish",
    "KOI FISH": "Koi_Fish",
    "LIGHTMODULATION": "Light_Modulation",
    "LOWFREQUENCYBURST": "Low_Frequency_Burst",
    "LOWFREQUENCYLINE": "Low_Frequency_Lines",
    "NOGLITCH": "No_Glitch",
    "NONEOFTHEABOVE": "None_of_the_Above",
    "NNFTHBV": "None_of_the_Above",
    "NONE": "None_of_the_Above",
    "PAIREDDOVES": "Paired_Doves",
    "POWERLINE60HZ": "Power_Line",
    "POWER": "Power_Line",
    "REPEATINGBLIPS": "Repeating_Blips",
    "REPEATING": "Repeating_Blips",
    "SCATTEREDLIGHT": "Scattered_Light",
    "SCATTERED": "Scattered_Light",
    "SCRATCHY": "Scratchy",
    "TOMTE": "Tomte",
    "VIOLINMODEHARMONIC": "Violin_Mode",
    "VIOLIN": "Violin_Mode",
    "WANDERINGLINE": "Wandering_Line",
    "WHISTLE": "Whistle",
    "WHSTL": "Whistle",
    "70HZLINE": "70Hz_Line",
    "HIGHFREQUENCYBURST": "High_Frequency_Burst",
    "LOWFREQUENCYBLIP": "Blip_Low_Frequency",
    "PIZZICATO": "Pizzicato",
}


def _letters(name: str) -> str:
    """Letters and digits, in upper case."""
    return re.sub(r"[\W_]+", "", name).upper()


_LETTERS = {_letters(name): name for name in CLASS_LISTS["O4"]}
_FOLDED = _LETTERS | _VOLUNTEER_CODES


def class_name(label: str) -> str:
    """Return Gravity Spy's spelling of `label`; a label that is no class of Gravity Spy is returned unchanged.

    Volunteer codes (``KOIFISH``), their legacy forms (``NNFTHBV``) and spellings that differ by case, blanks or
    underscores only (``koi fish``) are the same class; ``CROWN`` is the volunteers' name of ``Fast_Scattering``, and
    ``LOWFREQUENCYBLIP`` that of ``Blip_Low_Frequency``.
    """
    text = label.strip()
    upper = text.upper()
    return _FOLDED.get(upper) or _FOLDED.get(_letters(text)) or text


def own_spelling(name: str) -> str:
    """Return Gravity Spy's spelling of a name that differs from one of its classes by case, blanks and punctuation only; another name is returned unchanged.

    Unlike `class_name` it knows no codes: ``Crown`` may be the name that a person wants.

    Examples
    --------
    >>> own_spelling("koi fish"), own_spelling("FastScattering"), own_spelling("Crown")
    ('Koi_Fish', 'Fast_Scattering', 'Crown')
    """
    return _LETTERS.get(_letters(name), name)


COLUMN_ALIASES = {
    "gravityspy_id": ("gravityspy_id", "uniqueID", "id", "glitch_id"),
    "ifo": ("ifo", "IFO", "detector"),
    "gps": ("event_time", "peakGPS", "GPStime", "gps", "gps_time", "peak_gps"),
    "gps_seconds": ("peak_time",),
    "gps_nanoseconds": ("peak_time_ns",),
    "given": ("label", "Label"),
    "machine": ("ml_label",),
    "machine_confidence": ("ml_confidence", "#ml_top_confidence"),
    "sample_type": ("sample_type", "SampleType"),
    "peak_frequency": ("peak_frequency", "peakFreq"),
    "central_frequency": ("central_freq", "centralFreq"),
    "bandwidth": ("bandwidth",),
    "duration": ("duration",),
    "snr": ("snr",),
    "amplitude": ("amplitude",),
    "q_value": ("q_value", "qvalue"),
    "generated": ("generated",),
    "url1": ("url1", "imgUrl1"),
    "url2": ("url2", "imgUrl2"),
    "url3": ("url3", "imgUrl3"),
    "url4": ("url4", "imgUrl4"),
}
"""Our name of a column -> its names in the Zenodo CSVs, the old database and LDVW exports, preferred first."""


@dataclass(frozen=True)
class ViewName:
    """The parts of a Gravity Spy image's name.

    Attributes
    ----------
    ifo : str
        Detector prefix: ``H1``, ``L1``, ...
    gravityspy_id : str
        Gravity Spy's id: ten characters, or the GPS time to nine decimals where no id was given.
    duration : float
        Length of the view in seconds.
    """

    ifo: str
    gravityspy_id: str
    duration: float


_VIEW_NAME = re.compile(r"(?P<ifo>[A-Z][0-9])_(?P<id>[^_/]+)_(?:.+_)?spectrogram_(?P<duration>[0-9]+(?:\.[0-9]+)?)")


def parse_view_name(path: PurePath) -> ViewName | None:
    """Read detector, id and duration from a Gravity Spy file name; None when the name is of another form.

    ``IFO_ID_spectrogram_DUR.png`` and the newer ``IFO_ID_CHANNEL_spectrogram_DUR.png`` (whose channel may hold
    underscores) are understood.
    """
    match = _VIEW_NAME.fullmatch(path.stem)
    if match is None:
        return None
    return ViewName(match["ifo"], match["id"], float(match["duration"]))


def other_view(path: Path, duration: float) -> Path:
    """Path of the view of another duration of the same glitch, beside the file ``..._spectrogram_DUR.png``."""
    return path.with_name(f"{path.stem.rpartition('_')[0]}_{duration}{path.suffix}")


_GPS_ID = re.compile(r"[0-9]{9,10}\.[0-9]{1,9}")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+()-]*(?:/[A-Za-z0-9][A-Za-z0-9 ._+()-]*)*")
MAX_IDENTIFIER = 200


def gps_of_id(gravityspy_id: str) -> float | None:
    """GPS seconds where the id is a GPS time (``1253358791.477050066``), else None."""
    return float(gravityspy_id) if _GPS_ID.fullmatch(gravityspy_id) else None


ID_RULE = "letters a to z and A to Z, digits and . _ + - ( ) only, at most 200 characters"
"""What `is_identifier` asks for, for messages."""


def is_identifier(text: str) -> bool:
    """Whether `text` may be a glitch's id: letters, digits and ``. _ + - ( )`` in parts separated by ``/``, none of them ``..``."""
    return len(text) <= MAX_IDENTIFIER and _IDENTIFIER.fullmatch(text) is not None and ".." not in text.split("/")
