"""Load and latency of calls, measured from outside: a phone network of a few lines, and what it sees."""
