"""The errors this project raises on purpose; the command line prints their message on one line and exits with 2."""


class DiscoverError(Exception):
    """Base of every error whose message is written for the user: it quotes the offending value and names the remedy."""


class InputError(DiscoverError, ValueError):
    """A file, label, number or option that cannot be used as given."""


class StudyError(DiscoverError):
    """The study folder is missing, locked by another process, damaged, or made by another version."""


class LockedError(StudyError):
    """Another process writes to the study; trying again later helps."""


class ConflictError(DiscoverError):
    """What a decision is about was changed since the person saw it."""


class WeightsError(DiscoverError):
    """The chosen network weights are not available, or do not fit the network."""


class DeviceError(DiscoverError, RuntimeError):
    """The chosen device does not exist on this machine."""


class StorageError(DiscoverError, OSError):
    """A write failed: the disk is full, or the folder cannot be written."""


class TrainingError(DiscoverError):
    """A training failed, or cannot be resumed from its checkpoint."""


class FleetError(DiscoverError):
    """The machines of a cluster cannot be reached, run other code, or do not see the files."""
