"""What is kept, and the ways to get it back. Imports nothing, so that reading stays pure."""
