"""Speech models behind small typed functions: recognizer, voice, voice activity, end of turn.

Nothing here knows of calls, sockets or patients. Audio is ``np.int16`` mono at 8 kHz.
"""
