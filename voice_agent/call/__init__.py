"""One live call: legs, audio hub, turn-taking, reasoning, playback. The only user of pipecat."""
