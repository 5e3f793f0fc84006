"""The commands of the Makefile. Nothing else in the harness imports them."""
