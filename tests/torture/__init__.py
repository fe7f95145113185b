"""Killed and cut off from power: python -m tests.torture --kills 1000 --cuts 1000."""
