"""What a newcomer does: the demo, and the requests that it prints."""

import asyncio
import json
import signal
from pathlib import Path

import pytest

from tests.flow.processes import started

COLLECT_SECONDS = 110.0


async def shell(command: str) -> tuple[int, bytes]:
    """Run a printed command as a person would; exit status and output."""
    child = await asyncio.create_subprocess_shell(
        command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(child.communicate(), 30)
    return child.returncode or 0, output


@pytest.mark.timeout(180)
async def test_the_demo_collects_a_day_and_prints_requests_that_work(tmp_path: Path) -> None:
    """Within two minutes the day is searchable, the three requests work as printed, and Ctrl-C ends it cleanly."""
    async with started("demo", environ={"DATA_DIR": str(tmp_path)}) as demo:
        await demo.line("Ctrl-C stops it", COLLECT_SECONDS)
        commands = [line.strip() for line in demo.lines if " search " in line]
        assert len(commands) == 3
        answers = []
        for command in commands:
            status, output = await shell(command)
            assert status == 0, output
            answers.append(json.loads(output))
        newest, minute, hours = answers
        assert newest["hits"]["total"]["value"] == 10_000
        assert 50 <= minute["hits"]["total"]["value"] <= 61
        assert hours["hits"]["total"]["value"] >= 86_390
        assert sum(bucket["doc_count"] for bucket in hours["aggregations"]["hours"]["buckets"]) >= 86_390
        wrong = commands[0].replace("--secret=", "--secret=not-")
        status, output = await shell(wrong)
        assert status == 1
        assert b"Incorrect authentication credentials." in output
        status, output = await shell(commands[0] + " --raw")
        assert status == 0
        assert json.loads(output)
        assert await demo.stop(signal.SIGINT) == 0
