"""One setting for all tests: property tests draw the same examples every time, unless a long search is asked for."""

import gc
import os

from hypothesis import settings

from advisor.framework import own_process

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("search" if "ADVISOR_EXAMPLES" in os.environ else "repeatable")


def pytest_configure():
    """Give each of the workers one thread of the framework, and let the collector rest while the tests are loaded."""
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "1")
    gc.disable()
    own_process()


def pytest_collection_finish():
    """Spare the collector what was loaded: looking through all of TensorFlow took a tenth of the suite's time."""
    gc.freeze()
    gc.enable()
