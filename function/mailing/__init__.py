"""What the functions share: SES feedback in, one record per address out."""
