"""The errors this project raises on purpose; the command line prints their message on one line and exits with 2."""


class DiscoverError(Exception):
    """Base of every error whose message is written for the user: it quotes the offending value and says the remedy."""


class InputError(DiscoverError, ValueError):
    """A file, label, number or option that cannot be used as given."""


class StudyError(DiscoverError):
    """The study folder is missing, locked by another process, damaged, or made by another version."""


class WeightsError(DiscoverError):
    """Network weights that were asked for cannot be had, or do not fit the network."""


class DeviceError(DiscoverError, RuntimeError):
    """The device that was asked for is not there."""


class StorageError(DiscoverError, OSError):
    """A write failed: the disk is full, or the folder cannot be written."""


class TrainingError(DiscoverError):
    """A training broke down, or its checkpoint cannot be gone on from."""
