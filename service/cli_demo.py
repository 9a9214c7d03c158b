"""`vigilia demo`: a made-up study on this machine, with phones, a carrier and a clock on one page."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--port", default=8000, show_default=True, help="Port on 127.0.0.1.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Make the database here, anew, and leave it."
)
@click.option(
    "--language",
    type=click.Choice(["en", "pt-BR"]),
    default="en",
    show_default=True,
    help="What people speak.",
)
def demo(port: int, data_dir: Path | None, language: str) -> None:
    """A throw-away study: 9 made-up patients, web, worker and a simulated carrier in one process.

    Example: vigilia demo --port 8000
    """
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.serving import WSGIRequestHandler, make_server

    from service.app import create_app, create_runtime
    from service.demo import pages, seed, stage
    from service.logs import configure_logs

    configure_logs(as_json=False)
    os.environ.setdefault(
        "VIGILIA_SQLITE_SYNCHRONOUS", "OFF"
    )  # thrown away at the end: a power cut loses nothing
    folder = data_dir or Path(tempfile.mkdtemp(prefix="vigilia-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("demo.db*"):
        old.unlink()
    config = stage.demo_config(folder, port)
    click.echo("Vigília demo: making up a study ...")
    built = stage.build(
        config,
        make_runtime=lambda config, clock: create_runtime(config, clock=clock),
        make_app=lambda config, runtime: create_app(config, runtime=runtime),
        language=language,
    )
    built.app.register_blueprint(pages.blueprint(built))

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:
            """Nothing: a line for each poll of the page would hide what matters."""

    application = DispatcherMiddleware(built.app, {"/twilio": built.simulator_app})
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=Quiet)
    built.engine.start()
    built.engine.submit("the first weeks", lambda: stage.play_first_weeks(built))
    base = config.public_url
    click.echo(f"\n  Phones and clock   {base}/demo")
    click.echo(f"  Console            {base}/\n  API                {base}/api/docs\n")
    click.echo(f"  Everybody's password: {seed.PASSWORD}")
    for person in seed.TEAM:
        click.echo(f"    {person.email:26} {person.name} ({person.role.value})")
    click.echo("\n  Press Fever at 03:12 on the phones page, then the doctor's code. Ctrl-C ends the demo.\n")

    def stop(_signal: int, _frame: Any) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        server.serve_forever()
    finally:
        server.server_close()
        built.engine.stop()
        built.runtime.db.close()
        if data_dir is None:
            shutil.rmtree(folder, ignore_errors=True)
