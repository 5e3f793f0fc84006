"""What `make` runs on the repository itself: the zip, releases, reference tables, links."""
