"""`vigilia demo` as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_one_command_serves_phones_console_and_carrier(port: int, tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("VIGILIA_")}
    command = [sys.executable, "-c", "from service.cli import main; main()", "demo"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--data-dir", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environ,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                break
        printed = "".join(said)
        assert f"http://127.0.0.1:{port}/demo" in printed and "ana@vigilia.example" in printed, printed
        base = f"http://127.0.0.1:{port}"
        assert "P-001" in requests.get(f"{base}/demo", timeout=60).text
        assert requests.get(f"{base}/login", timeout=60).status_code == 200
        carrier = f"{base}/twilio/2010-04-01/Accounts/AC{'0' * 32}/Messages.json"
        assert requests.get(carrier, timeout=60).status_code == 401
        assert (
            requests.get(carrier, auth=("AC" + "0" * 32, "demo-token"), timeout=60).json()["messages"]
            is not None
        )
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=90)
        assert process.returncode == 0
        assert (tmp_path / "demo.db").exists()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
