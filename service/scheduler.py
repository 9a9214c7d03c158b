"""APScheduler only ticks: interval jobs in memory, never a deadline. What waits is a row with a due column."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from service.clock import Clock
from service.logs import get_logger

log = get_logger("scheduler")
Job = Callable[[], Any]


class Scheduler:
    """Calls each job every so many seconds, never twice at once; a late call is made, not dropped."""

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(8)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )

    def every(self, seconds: float, name: str, job: Job, *, at_once: bool = True) -> None:
        """Call `job` every so many seconds, the first time now. What it raises is logged and stops nothing."""
        # APScheduler reads the machine's own clock, whatever the study's clock is
        first = Clock().machine() + timedelta(seconds=0 if at_once else seconds)
        self._scheduler.add_job(
            _guarded, "interval", seconds=seconds, id=name, args=(name, job), next_run_time=first
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Wait for the jobs that run, start no more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    @property
    def alive(self) -> bool:
        """Whether its thread lives; APScheduler itself does not notice when it does not."""
        thread = getattr(self._scheduler, "_thread", None)
        return bool(self._scheduler.running and thread is not None and thread.is_alive())


def _guarded(name: str, job: Job) -> None:
    try:
        job()
    except Exception as error:
        log.error("job_failed", job=name, error=type(error).__name__)
