"""Lists of addresses: others' formats, files, exported tables."""
