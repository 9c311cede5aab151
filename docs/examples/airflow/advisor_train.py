"""Train with Advisor: one task whose parameters are the arguments of ``advisor train``.

Written by: advisor step airflow. The worker needs the command; the image advisor:0.1.0 has it.
"""

import subprocess

from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

OPTIONS = {
    "data": "--data",
    "target": "--target",
    "problem": "--problem",
    "recommendation": "--recommendation",
    "rulebook": "--rulebook",
    "out": "--out",
    "split_column": "--split-column",
    "validation": "--validation",
    "test": "--test",
    "seed": "--seed",
    "time_budget": "--time-budget",
    "data_kind": "--data-kind",
    "series_id": "--series-id",
    "time": "--time",
    "horizon": "--horizon",
    "window": "--window",
    "column": "--column",
    "wide": "--wide",
    "cross": "--cross",
    "allow_missing_target": "--allow-missing-target",
    "export": "--export",
    "device_profile": "--device-profile",
    "pretrained": "--pretrained",
    "unlabeled": "--unlabeled",
    "auxiliary": "--auxiliary",
    "auxiliary_target": "--auxiliary-target",
    "max_epochs": "--max-epochs",
    "single_network": "--single-network",
    "mlflow": "--mlflow",
}
FINAL = {1: "a requirement is missed, or training failed", 2: "the arguments are wrong", 3: "the data are unusable"}


def words(params):
    """Return the arguments as words of a command; what is empty is left out."""
    found = []
    for name, option in OPTIONS.items():
        value = params.get(name)
        if value is True:
            found.append(option)
        elif isinstance(value, list):
            found += [word for each in value for word in (option, str(each))]
        elif value is not None and value is not False and value != "":
            found += [option, str(value)]
    return found


@dag(
    dag_id="advisor_train",
    schedule=None,
    catchup=False,
    tags=["advisor"],
    params={
        "data": Param(type='string', description='Table to learn from: CSV, TSV, Parquet, JSONL, Arrow, or NPZ with X and y.'),
        "target": Param(None, type=['null', 'string'], description='Column to predict; inferred when it is not given.'),
        "problem": Param(None, type=['null', 'string'], description='Problem as JSON; fields that the data can answer need not be given.'),
        "recommendation": Param(None, type=['null', 'string'], description='Recommendation to carry out as it is, instead of a problem.'),
        "rulebook": Param('homl2', type='string', description='Rulebook that decides: a name or a folder.'),
        "out": Param('run', type='string', description='Run folder: new, empty, or with a run of the same request.'),
        "split_column": Param(None, type=['null', 'string'], description='Column with train, val and test.'),
        "validation": Param(None, type=['null', 'string'], description='Separate table for validation.'),
        "test": Param(None, type=['null', 'string'], description='Separate table for the final measurement.'),
        "seed": Param(0, type='integer', description='Decides split, first weights and order of the rows.'),
        "time_budget": Param(None, type=['null', 'number'], description='Seconds that training may take in all.'),
        "data_kind": Param(None, type=['null', 'string'], description='table, image, series or text, where the kind of data is recognized wrongly.'),
        "series_id": Param(None, type=['null', 'string'], description='Column that tells one series from another, in a table of steps.'),
        "time": Param(None, type=['null', 'string'], description='Column that orders the steps of a series.'),
        "horizon": Param(None, type=['null', 'integer'], description='Steps to forecast at once; --target names the columns, else all numbers.'),
        "window": Param(None, type=['null', 'integer'], description='Steps that a forecast reads; inferred when not given.'),
        "column": Param(None, type=['null', 'array'], items={'type': 'string'}, description='NAME=KIND, repeatable: a column is numeric, categorical, boolean or datetime, or is to be ignored.'),
        "wide": Param(None, type=['null', 'string'], description='Columns that go straight to the output of a wide & deep network, with commas; all when not given.'),
        "cross": Param(None, type=['null', 'array'], items={'type': 'string'}, description='Categorical columns, with commas, whose combinations the wide path reads too; repeatable.'),
        "allow_missing_target": Param(False, type='boolean', description='Leave rows without a target out; else they are an error.'),
        "export": Param('keras,saved_model,litert', type='string', description='Formats to deliver: keras, saved_model, litert, onnx; with commas between them.'),
        "device_profile": Param(None, type=['null', 'string'], description='Measured latencies of another device as JSON; the latency budget is for it.'),
        "pretrained": Param(None, type=['null', 'string'], description='Run folder or .keras file whose lower layers are tried as a beginning.'),
        "unlabeled": Param(None, type=['null', 'string'], description='Rows without labels to pretrain on, in the form of the data.'),
        "auxiliary": Param(None, type=['null', 'string'], description='Labeled data of a similar task to train for first.'),
        "auxiliary_target": Param(None, type=['null', 'string'], description='Column to predict there; inferred when it is not given.'),
        "max_epochs": Param(None, type=['null', 'integer'], description='Longest training of one network; the schedule is fitted into it.'),
        "single_network": Param(False, type='boolean', description='Train one network: try no other strengths, nor again against overfitting.'),
        "mlflow": Param(None, type=['null', 'string'], description='Log the finished run to MLflow; without URI to that of MLFLOW_TRACKING_URI.'),
    },
)
def advisor_train():
    """Train, export and measure the network that the rules advise for the data."""

    @task(retries=1)
    def train():
        """Run the command; ``--resume`` lets a retry go on where the first try was killed."""
        params = get_current_context()["params"]
        done = subprocess.run(["advisor", "train", *words(params), "--resume"], check=False)
        if done.returncode in FINAL:
            raise AirflowFailException(f"advisor train: {FINAL[done.returncode]} (exit code {done.returncode})")
        done.check_returncode()
        return str(params["out"])

    train()


advisor_train()
