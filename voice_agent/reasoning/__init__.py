"""Context graphs and the engine that walks them: signals in, effects out, no audio and no HTTP."""
