"""One setting for all tests: property tests draw the same examples every time, unless a long search is asked for."""

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("search" if "ADVISOR_EXAMPLES" in os.environ else "repeatable")
