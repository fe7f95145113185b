"""From a site's address to an article."""
