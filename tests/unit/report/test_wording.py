import pytest

from advisor.report import Metrics, Score
from advisor.report.decisions import Source, sources
from advisor.report.verdict import quality_sentences
from advisor.report.wording import duration, joined, number, shown, size, words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (5.312345, "5.312"),
        (0.05, "0.05"),
        (12345.678, "12,346"),
        (1e-7, "1e-07"),
        (1.31e-5, "1.31e-05"),
        (-0.00123, "-0.00123"),
        (float("nan"), "not a number"),
        (1030, "1,030"),
        (True, "yes"),
    ],
)
def test_numbers_read_well(value: float, text: str) -> None:
    assert number(value) == text


def test_names_sizes_and_lists_read_well() -> None:
    assert words("early_stopping") == "Early stopping"
    assert words("l1_then_zero") == "\N{SCRIPT SMALL L}1 then zero"
    assert (size(512), size(88_400), size(1_234_567)) == ("512 B", "88.4 kB", "1.2 MB")
    assert (duration(4.21), duration(600), duration(9000)) == ("4.2 s", "10 min", "2.5 h")
    assert joined(["a", "b", "c"]) == "a, b and c"
    assert shown([0.1, None, True]) == "0.1, none, yes"
    assert shown([]) == "none"


def test_a_source_names_work_and_place_and_links_only_to_the_web() -> None:
    works = {
        "snn": {"citation": "Klambauer et al. 2017", "link": "https://example.org"},
        "bad": {"link": "javascript:0"},
    }
    found = sources([{"work": "snn", "at": "section 2"}, {"work": "bad", "at": ""}, "our measurement"], works)
    assert found == (
        Source("Klambauer et al. 2017, section 2", "https://example.org"),
        Source("bad"),
        Source("our measurement"),
    )


def compared(network: float, *others: tuple[str, float]) -> str:
    scores = tuple(Score(name, f"the {name} model", {"accuracy": value}) for name, value in others)
    metrics = Metrics("accuracy", True, (Score("network", "this network", {"accuracy": network}), *scores))
    return " ".join(quality_sentences(metrics, 1))


def test_the_comparison_is_said_plainly() -> None:
    assert compared(0.9, ("linear", 0.8)).endswith("It is better than every model that it was compared with.")
    assert "As good, within 1%: the linear model" in compared(0.9, ("linear", 0.9))
    assert "A deep net is the wrong tool" in compared(0.8, ("linear", 0.9))
    assert "has learned nothing of use" in compared(0.4, ("majority", 0.5))
    assert compared(0.9).startswith("On 1 row that neither training nor choosing read, its accuracy is 0.9.")


def test_a_missing_measurement_is_said() -> None:
    assert quality_sentences(Metrics("accuracy", True, ()), None) == [
        "The delivered network's quality was not measured."
    ]
