"""The command line ``mailing``: one module a command."""
