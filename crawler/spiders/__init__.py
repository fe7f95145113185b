"""The one spider there is."""
