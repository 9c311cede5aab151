"""The wizard: a pure question machine, and the front that asks in a terminal."""
