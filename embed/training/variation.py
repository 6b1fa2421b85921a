"""What augmentation varies, and how much; `embed.training.augmentation` does it."""

from dataclasses import dataclass

LOUDEST_FACTOR = 8.0
"""Of the energy, nearly 3 in signal-to-noise ratio: a larger factor makes a faint glitch look like another class."""


@dataclass(frozen=True)
class Augmentation:
    """What is varied, and how much; with all 0 and false nothing is varied.

    Attributes
    ----------
    shift : float
        Pixels of the network's input, at most, along each axis; all views alike.
    zoom : float
        Share by which the picture grows or shrinks, at most; all views alike.
    flip, rotate : bool
        Mirror and turn by any angle: for plain pictures that have no axes.
    time_offset : float
        Seconds, at most, by which the trigger's time is off: a view of half the duration moves twice as far.
    crop : float
        Share of the side, at most, by which each edge of each view is cropped elsewhere.
    loudness : float
        Factor, at most, on the energy beyond the noise's, up or down (1 is none; `LOUDEST_FACTOR` at most).
    single : float
        Probability that one duration replaces all the others.
    compression : float
        Probability of JPEG's blocks.
    noise : float
        Levels, at most, of each pixel's own noise; its size is drawn for each glitch.
    """

    shift: float = 0.0
    zoom: float = 0.0
    flip: bool = False
    rotate: bool = False
    time_offset: float = 0.0
    crop: float = 0.0
    loudness: float = 1.0
    single: float = 0.0
    compression: float = 0.0
    noise: float = 0.0


NONE = Augmentation()
O1_PAPER = Augmentation(shift=10.0, zoom=0.05)
GALAXY_PAPER = Augmentation(shift=10.0, zoom=0.1, flip=True, rotate=True)
ROBUST = Augmentation(
    shift=4.0, zoom=0.05, time_offset=0.02, crop=0.02, loudness=2.0, single=0.15, compression=0.3, noise=6.0
)
