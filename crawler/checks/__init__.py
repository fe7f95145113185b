"""What a run is checked for: signs on its pages, and the whole of it against the site's past."""
