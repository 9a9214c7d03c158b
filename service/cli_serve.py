"""`vigilia serve` (gunicorn) and `vigilia up` (web and worker in one process)."""

from __future__ import annotations

import signal
import threading
from typing import Any

import click

from service.app import create_app, create_runtime
from service.cli_common import settings
from service.migrate import upgrade
from service.worker import Worker


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port.")
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--threads", default=16, show_default=True, help="Threads in each process.")
def serve(bind: str, workers: int, threads: int) -> None:
    """The web process, by gunicorn. As many as you like on PostgreSQL.

    Example: vigilia serve --bind 0.0.0.0:8000 --workers 2
    """
    from gunicorn.app.base import BaseApplication

    config = settings()

    class Application(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in {
                "bind": bind,
                "workers": workers,
                "threads": threads,
                "worker_class": "gthread",
                "timeout": 30,
                "graceful_timeout": 30,
                "max_requests": 0,
            }.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return create_app(config)

    Application().run()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address.")
@click.option("--port", default=8000, show_default=True, help="Port.")
def up(host: str, port: int) -> None:
    """Web and worker together on one machine, on SQLite by default. Migrates first.

    Example: VIGILIA_PUBLIC_URL=https://vigilia.example.org vigilia up
    """
    import waitress

    config = settings()
    runtime = create_runtime(config)
    upgrade(runtime.db.engine)
    server = waitress.create_server(create_app(config, runtime=runtime), host=host, port=port, threads=16)
    worker = Worker(runtime)
    worker.start()
    stopping = threading.Event()

    def stop(_signal: int, _frame: Any) -> None:
        stopping.set()
        server.close()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    click.echo(f"Vigília is up on http://{host}:{port}")
    try:
        server.run()
    except OSError:
        if not stopping.is_set():
            raise
    finally:
        worker.stop()
        runtime.db.close()
