"""The command line, ``scripts/mailing``: one module a command."""
