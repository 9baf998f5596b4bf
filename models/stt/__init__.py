"""Recognizers: what was said in an utterance, given what was expected."""
