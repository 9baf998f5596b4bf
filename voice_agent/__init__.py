"""A voice agent for a doctor's phone line: calls, reasoning, records, and the people who watch over them."""
