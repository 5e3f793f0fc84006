"""What the pipeline takes and costs, beside what a user would run instead: ``make bench``."""
