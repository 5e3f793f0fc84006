"""SES's own suppression list: reading, comparing and syncing it."""
