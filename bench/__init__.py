"""The speed of the portal beside floors that do the same by the shortest way: `python -m bench --help`."""
