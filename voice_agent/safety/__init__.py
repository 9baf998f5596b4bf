"""Hears what cannot wait: every turn of a caller is checked before it is answered, whatever reasoner
answers."""
