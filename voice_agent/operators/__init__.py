"""Operators: people who watch calls, guide the agent, take over and hand back, with no transfer and no
reconnect."""
