"""Other systems' lists: how their files are read, and which mark each row becomes. Pure: no AWS, no clock."""
