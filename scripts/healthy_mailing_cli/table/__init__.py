"""Work on the table that only people start: reading all of it, deleting, reassessing."""
