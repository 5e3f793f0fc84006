"""What stands in for AWS on this machine. :mod:`harness.emulator` chooses one of these and starts it.

No file here imports another emulator, or a part of the harness that builds on emulators. This file and ``partiql`` are
also installed into LocalStack's environment, and ``embedded`` is imported in ministack's process: their imports slow
down every start.
"""
