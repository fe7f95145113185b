"""Every stored capture read again, with today's rules."""
