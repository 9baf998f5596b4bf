"""Several processes as one practice: call workers that carry calls, consoles that people look at, and what
they tell each other."""
