"""The MCP server, spoken to as a process over stdio."""

import json
import sys

import anyio
import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client

from advisor.interfaces.cli import serve
from advisor.interfaces.cli.main import run
from advisor.interfaces.mcp.tools import TOOLS, create_server
from advisor.recommendation import recommend

SMALLEST = {"task": "multiclass", "architecture": "dense_stack"}


def call(tool, **arguments):
    """Call a tool in this process."""
    return anyio.run(create_server().call_tool, tool, arguments).structured_content


def test_a_missing_extra_is_one_error_with_the_command_that_installs_it(monkeypatch, capsys):
    monkeypatch.setattr(serve, "find_spec", lambda name: None)
    assert run(["mcp"]) == 2
    assert "pip install 'advisor[mcp]'" in capsys.readouterr().err


def test_tools_recommend_explain_and_answer_questions():
    assert call("recommend", problem=SMALLEST) == recommend(SMALLEST).to_dict()
    assert call("explain", problem=SMALLEST, slot="activation")["title"].startswith("Why activation")
    assert call("explain", problem=SMALLEST)["title"] == "Recommendation"
    assert "change" in call("what_if", problem=SMALLEST, changes={"sparsity": "sparse"})["summary"]
    assert call("counterfactual", problem=SMALLEST, slot="activation", value="relu")["data"]["sets"]
    assert call("validate_problem", problem=SMALLEST)["stated"] == ["architecture", "task"]


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        ("recommend", {"problem": SMALLEST, "rulebook": "rules/homl2"}, "K100"),
        ("explain", {"problem": SMALLEST, "slot": "activaton"}, "R101"),
        ("validate_problem", {"problem": {"task": "binry"}}, "P107"),
    ],
)
def test_mistakes_are_answered_with_what_to_mend(tool, arguments, code):
    assert call(tool, **arguments)["errors"][0]["code"] == code


@pytest.mark.slow
def test_a_process_answers_over_stdio():
    async def talk():
        server = StdioServerParameters(command=sys.executable, args=["-m", "advisor.interfaces.cli", "mcp"])
        async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
            with anyio.fail_after(60):
                await session.initialize()
                names = [tool.name for tool in (await session.list_tools()).tools]
                advice = await session.call_tool("recommend", {"problem": SMALLEST})
                wrong = await session.call_tool("validate_problem", {"problem": {**SMALLEST, "x": 1}})
                schema = await session.read_resource("problem://schema")
        return names, advice, wrong, schema

    names, advice, wrong, schema = anyio.run(talk)
    assert names == [tool.__name__ for tool in TOOLS]
    assert advice.structured_content == recommend(SMALLEST).to_dict()
    assert wrong.structured_content["errors"][0]["place"] == "x"
    assert json.loads(schema.contents[0].text)["title"] == "Problem"
