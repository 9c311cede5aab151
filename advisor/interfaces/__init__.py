"""The ways in: command line, wizard, Python, and what else parses, calls and renders."""
