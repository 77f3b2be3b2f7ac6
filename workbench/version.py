"""The one place of the version."""

__version__ = "0.1.1"
SAME_NUMBERS_SINCE = "0.1.1"  # the first one whose runs have the numbers of this one's
