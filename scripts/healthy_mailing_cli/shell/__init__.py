"""What every command stands on: connection, output, errors, the names of a stack."""
