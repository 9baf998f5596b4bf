"""What a caller's voice and words say of how they feel, fused turn by turn, and what follows from it.

Pure: no sockets, no models run here, no clock. The call measures and hands readings in; a snapshot of the
turn comes out, with the risk of the call, and how the agent should speak next.
"""
