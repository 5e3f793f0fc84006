"""What stands in for AWS on this machine. :mod:`harness.emulator` chooses one of these and starts it.

``partiql`` and this file are also installed into LocalStack's environment, and ``embedded.ministack_gaps`` runs in
ministack's process: what those import costs every start.
"""
