"""The dashboard and the alarms as CloudWatch gets them, against what the function writes and what AWS documents."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pytest
from typer.testing import CliRunner

from harness import paths
from healthy_mailing import telemetry
from healthy_mailing.evidence import State
from healthy_mailing.notification import parse
from healthy_mailing_cli.__main__ import app

from .conftest import Tree

pytestmark = pytest.mark.xdist_group("terraform")

HANDLER = paths.ROOT / "function" / "feedback.py"
RUNS = ("everything", "as_little_as_possible")

# Metrics of AWS that the dashboard or an alarm shows, by namespace and dimension, as the guides name them: AWS Lambda
# Developer Guide, "Types of metrics for Lambda functions"; Amazon SQS Developer Guide, "Available CloudWatch
# metrics for Amazon SQS"; Amazon SES Developer Guide, "Creating reputation monitoring alarms using CloudWatch"; Amazon
# API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics".
OF_AWS = {
    ("AWS/Lambda", "FunctionName"): {
        "Invocations",
        "Errors",
        "Throttles",
        "Duration",
        "ConcurrentExecutions",
        "IteratorAge",
    },
    ("AWS/SQS", "QueueName"): {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"},
    ("AWS/ApiGateway", "ApiName,Stage"): {"5XXError"},
    ("AWS/SES", ""): {"Reputation.BounceRate", "Reputation.ComplaintRate"},
}
NAMES = {
    "FunctionName": {"mailing-feedback", "mailing-lookup", "mailing-changes"},
    "ApiName,Stage": {"mailing-lookup,v1"},
    "QueueName": {"mailing-feedback", "mailing-feedback-dead-letter", "mailing-changes-dead-letter"},
    "": {""},
}


@dataclass(frozen=True)
class Metric:
    namespace: str
    name: str
    dimension: str
    value: str


@dataclass(frozen=True)
class Rendered:
    """The dashboard's body, and each alarm's attributes as Terraform has them."""

    dashboard: Mapping[str, Any]
    alarms: tuple[Mapping[str, Any], ...]

    def widgets(self, kind: str) -> list[Mapping[str, Any]]:
        return [widget["properties"] for widget in self.dashboard["widgets"] if widget["type"] == kind]


@pytest.fixture(scope="module")
def rendered(tree: Tree) -> Mapping[str, Rendered]:
    """What the module's own tests of the dashboard render, by run."""
    output = tree.run(
        "test", "-json", "-verbose", "-filter=tests/dashboard.tftest.hcl", folder=tree.root / "modules" / "monitoring"
    )
    lines = map(json.loads, output.splitlines())
    return {line["@testrun"]: of_state(line["test_state"]) for line in lines if line["type"] == "test_state"}


def of_state(state: Mapping[str, Any]) -> Rendered:
    resources = state["root_module"]["resources"]
    (dashboard,) = (each["values"] for each in resources if each["type"] == "aws_cloudwatch_dashboard")
    alarms = tuple(each["values"] for each in resources if each["type"] == "aws_cloudwatch_metric_alarm")
    return Rendered(json.loads(dashboard["dashboard_body"]), alarms)


def calls() -> list[ast.Call]:
    """Return every call in the handler."""
    return [node for node in ast.walk(ast.parse(HANDLER.read_text())) if isinstance(node, ast.Call)]


def emitted() -> set[str]:
    """Return the names of all metrics that the handler can write; names that it composes are of real messages."""
    feedback = [parse(path.read_text()) for path in paths.EVENTS.glob("*.json")]
    composed: dict[str, set[str]] = {
        "Feedback": {each.kind.replace(" ", "") for each in feedback},
        "Ignored": {str(reason) for each in feedback for reason in each.ignored},
        "StateTo": {state.capitalize() for state in State},
    }

    def names(argument: ast.expr) -> set[str]:
        match argument:
            case ast.Constant(value=str(name)):
                return {name}
            case ast.IfExp(body=body, orelse=orelse):
                return names(body) | names(orelse)
            case ast.JoinedStr(values=[ast.Constant(value=str(start)), ast.FormattedValue()]):
                return {f"{start}{end}" for end in composed[start]}
        pytest.fail(f"line {argument.lineno} of {HANDLER.name} names a metric in a way that this test does not know")

    return set().union(*(names(call.args[0]) for call in calls() if ast.unparse(call.func) == "metrics.add"))


def metric_of(entry: list[Any]) -> Metric | None:
    """Return the metric in an entry of a widget's ``metrics``, None if it is an expression."""
    texts = [each for each in entry if isinstance(each, str)]
    if not texts:
        return None
    namespace, name, *dimensions = texts
    dimension, value = dimensions or ("", "")
    return Metric(namespace, name, dimension, value)


def metrics_of(rendered: Rendered) -> Iterator[Metric]:
    """Yield the metrics of all widgets and alarms."""
    for properties in rendered.widgets("metric"):
        yield from filter(None, map(metric_of, properties["metrics"]))
    for alarm in rendered.alarms:
        for watched in [alarm, *(metric for query in alarm["metric_query"] for metric in query["metric"])]:
            if watched["metric_name"]:
                dimensions = watched["dimensions"] or {}
                names, values = ",".join(dimensions), ",".join(dimensions.values())
                yield Metric(watched["namespace"], watched["metric_name"], names, values)


@pytest.mark.parametrize("run", RUNS)
def test_every_metric_exists(rendered: Mapping[str, Rendered], run: str) -> None:
    known = OF_AWS | {(telemetry.NAMESPACE, "FunctionName"): emitted()}
    seen = set(metrics_of(rendered[run]))

    assert {each for each in seen if each.name not in known.get((each.namespace, each.dimension), set())} == set()
    assert {each for each in seen if each.value not in NAMES[each.dimension]} == set()
    assert any(each.namespace == telemetry.NAMESPACE for each in seen)


@pytest.mark.parametrize("run", RUNS)
def test_expressions_use_what_stands_beside_them(rendered: Mapping[str, Rendered], run: str) -> None:
    groups = [
        [entry[-1] for entry in properties["metrics"] if isinstance(entry[-1], dict)]
        for properties in rendered[run].widgets("metric")
    ]
    groups += [alarm["metric_query"] for alarm in rendered[run].alarms]
    for queries in groups:
        ids = {query["id"] for query in queries if query.get("id")}
        for query in queries:
            # Functions are written in capitals, ids of metrics begin with a lower-case letter.
            assert set(re.findall(r"\b[a-z]\w*", query.get("expression") or "")) <= ids


def test_rates_are_shown_against_the_lines_of_ses(rendered: Mapping[str, Rendered]) -> None:
    # Amazon SES Developer Guide, "Reputation metrics messages": from 5 % and 0.1 % an account is reviewed, from 10 %
    # and 0.5 % its sending may be paused.
    lines = {
        properties["title"]: [line["value"] for line in properties["annotations"]["horizontal"]]
        for properties in rendered["everything"].widgets("metric")
        if "annotations" in properties
    }
    assert lines == {"Bounce rate (%)": [5, 10], "Complaint rate (%)": [0.1, 0.5]}


@pytest.mark.parametrize("run", RUNS)
def test_widgets_lie_side_by_side(rendered: Mapping[str, Rendered], run: str) -> None:
    widgets = rendered[run].dashboard["widgets"]
    cells = [
        {
            (x, y)
            for x in range(each["x"], each["x"] + each["width"])
            for y in range(each["y"], each["y"] + each["height"])
        }
        for each in widgets
    ]
    assert all(x < 24 for each in cells for x, _ in each)
    assert not [pair for pair in combinations(cells, 2) if pair[0] & pair[1]]


def test_log_queries_read_what_the_function_writes(rendered: Mapping[str, Rendered]) -> None:
    queries = [properties["query"] for properties in rendered["everything"].widgets("log")]
    (change,) = (call for call in calls() if "before" in {keyword.arg for keyword in call.keywords})
    fields = {keyword.arg for keyword in change.keywords}

    assert all(query.startswith("SOURCE '/aws/lambda/mailing-feedback' | ") for query in queries)
    assert "message = 'state changed' and after != 'enable' | stats count(*) as addresses by reason" in queries[0]
    assert "'state changed'" in HANDLER.read_text().replace('"', "'")
    assert {"after", "reason"} <= fields
    assert "level = 'ERROR'" in queries[1]


@pytest.mark.parametrize(
    ("alarm", "command", "names"),
    [
        ("dead-letters", "mailing redrive", ("feedback-dead-letter", "feedback", "feedback")),
        ("changes-dead-letters", "mailing redrive --changes", ("changes-dead-letter", None, "changes")),
    ],
)
def test_alarms_of_dead_letters_name_the_command_of_the_runbook(
    rendered: Mapping[str, Rendered], alarm: str, command: str, names: tuple[str | None, ...]
) -> None:
    (found,) = (each for each in rendered["everything"].alarms if each["alarm_name"] == f"mailing-{alarm}")
    (named,) = re.findall(r"`(mailing .+?)`", found["alarm_description"])
    (heading,) = re.findall(r'docs/operate.md says under "(.+?)"', found["alarm_description"])

    runbook = (paths.ROOT / "docs" / "operate.md").read_text()
    assert command in runbook.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].splitlines()
    assert "`--dead-letter-queue`" in runbook
    assert named.startswith(f"{command} ")
    options = named.removeprefix(f"{command} ").split()
    expected = zip(("--dead-letter-queue", "--queue", "--function"), names, strict=True)
    assert dict(zip(options[::2], options[1::2], strict=True)) == {
        option: f"mailing-{name}" for option, name in expected if name
    }
    assert CliRunner().invoke(app, [*command.split()[1:], *options, "--help"]).exit_code == 0
