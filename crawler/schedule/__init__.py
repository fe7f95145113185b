"""When which site is crawled, and by whom."""
