"""The one place of the version."""

__version__ = "0.1.0"
SAME_NUMBERS_SINCE = "0.1.0"  # the first one whose runs have the numbers of this one's
