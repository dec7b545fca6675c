"""The parts of a verdict, each pure: evidence, order, recovery, times, and the words they use."""
