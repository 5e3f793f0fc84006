"""The examination of a stack, one module for each part of it."""
