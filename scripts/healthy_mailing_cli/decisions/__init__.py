"""What ``enable``, ``disable``, ``remove-override``, ``clear-bounces``, ``erase`` and ``reassess`` do to addresses."""
