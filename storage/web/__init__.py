"""The archive in a browser: for now a list and a page for each article."""
