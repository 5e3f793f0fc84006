"""What the functions and the command line share: SES feedback in, one record per address out."""

__version__ = "1.0.0"
