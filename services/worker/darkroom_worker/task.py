"""The one task, and the moments of the worker's life around it."""

from __future__ import annotations

import random
import time

import structlog
from celery import Celery, Task, signals
from prometheus_client import start_http_server

from darkroom_worker import logs, metrics, tracing
from darkroom_worker.app import TASK, create_celery
from darkroom_worker.config import Config
from darkroom_worker.db import DatabaseTrouble
from darkroom_worker.pipeline import Pipeline
from darkroom_worker.queue import Queue
from darkroom_worker.sweep import LostJob, Sweep

log = structlog.get_logger("worker.task")

METRICS_PORT = 9100
_LONGEST_WAIT = 30.0


def backoff(retries: int) -> float:
    """Seconds until the next run: 1, 2, 4 ... 30, less up to a half, so that tasks spread out."""
    return min(2.0 ** min(retries, 10), _LONGEST_WAIT) * random.uniform(0.5, 1.0)


class ProcessPhoto(Task):  # type: ignore[misc]  # celery is untyped
    """Runs the pipeline for one upload. Trouble outside of us is waited out, however long."""

    name = TASK
    max_retries = None
    pipeline: Pipeline

    def run(self, photo_id: int, job_id: str, request_id: str, enqueued_at: float) -> None:
        """`request_id` is the upload's; `enqueued_at` is Unix time."""
        started = time.monotonic()
        waited = time.time() - enqueued_at
        outcome = "failed"
        metrics.tasks_running.inc()
        traceparent = getattr(self.request, "traceparent", None)
        with (
            structlog.contextvars.bound_contextvars(
                request_id=request_id, photo_id=photo_id, job_id=job_id
            ),
            tracing.continued(traceparent, "process photo", enqueued_at),
        ):
            try:
                result = self.pipeline.run(job_id)
                outcome = "failed" if result and result.status == "failed" else "succeeded"
                log.info(
                    "photo processed" if result else "photo was processed before",
                    status=result.status if result else None,
                    reason=result.reason if result else None,
                    waited_ms=round(waited * 1000),
                    duration_ms=round((time.monotonic() - started) * 1000),
                )
            except (DatabaseTrouble, OSError, MemoryError) as error:
                wait = backoff(self.request.retries)
                why = str(error) or repr(error)
                log.warning("photo put off", seconds=round(wait, 1), error=why)
                outcome = "retried"
                raise self.retry(exc=error, countdown=wait) from error
            finally:
                metrics.tasks_running.dec()
                metrics.tasks.labels(outcome).inc()
                metrics.task_duration.observe(time.monotonic() - started)

    def on_failure(
        self,
        exc: Exception,
        task_id: str,
        args: object,  # noqa: ARG002  # Celery's signature
        kwargs: dict[str, object],
        einfo: object,  # noqa: ARG002
    ) -> None:
        """A mistake of ours: the owner is told, the traceback is in the log (by Celery)."""
        photo_id = kwargs["photo_id"]
        assert isinstance(photo_id, int)
        try:
            self.pipeline.give_up(photo_id, f"unforeseen error: {type(exc).__name__}")
        except DatabaseTrouble as trouble:
            # The job stays open without a message: the sweep brings it back.
            log.warning("failure not recorded", job_id=task_id, error=str(trouble))


def create_worker(config: Config) -> Celery:
    """The Celery application with the task, its pipeline, the sweep and the metrics."""
    celery = create_celery(config)
    traces = tracing.configure()
    pipeline = Pipeline.build(config)
    task = ProcessPhoto()
    task.pipeline = pipeline
    task = celery.register_task(task)

    def send(job: LostJob) -> None:
        task.apply_async(
            kwargs={
                "photo_id": job.photo_id,
                "job_id": job.id,
                "request_id": job.request_id,
                "enqueued_at": time.time(),
            },
            task_id=job.id,
        )

    sweep = Sweep(pipeline.db, Queue(config.broker, "worker-sweep"), pipeline.media, send)

    @signals.setup_logging.connect(weak=False)
    def _logging(**_: object) -> None:
        logs.configure("worker")

    @signals.worker_init.connect(weak=False)
    def _init(**_: object) -> None:
        pipeline.db.open()

    @signals.worker_ready.connect(weak=False)
    def _ready(**_: object) -> None:
        # Answers only from now on, so that a healthy worker is one that consumes.
        start_http_server(METRICS_PORT)
        sweep.start()
        log.info("worker ready", concurrency=config.concurrency)

    @signals.worker_shutting_down.connect(weak=False)
    def _shutting_down(**_: object) -> None:
        sweep.stop()

    @signals.worker_shutdown.connect(weak=False)
    def _shutdown(**_: object) -> None:
        pipeline.db.close()
        traces.shutdown()

    return celery
