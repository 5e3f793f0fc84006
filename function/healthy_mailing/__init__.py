"""The code that functions and command line share: it turns SES feedback into one record per address."""

__version__ = "1.0.0"
