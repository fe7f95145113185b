"""What of a portal's articles is known, captured and missing, and how many there may have been."""
