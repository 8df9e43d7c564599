"""Apps: several reports on one page. The tour tells a story; the benchmark measures what the README claims."""
