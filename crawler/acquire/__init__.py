"""Other people's captures, into the same store and through the same reading."""
