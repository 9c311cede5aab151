import pytest

from advisor.report import ReportInputs
from tests.unit.report.sample import sample_inputs


@pytest.fixture(scope="session")
def inputs() -> ReportInputs:
    return sample_inputs()
