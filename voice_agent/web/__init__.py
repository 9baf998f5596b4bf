"""The pages people open: ring the practice, watch a call, look at calls that are over."""
