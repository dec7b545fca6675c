"""The Celery application: how tasks are taken, acknowledged and repeated."""

from __future__ import annotations

from celery import Celery

from darkroom_worker.config import Config
from darkroom_worker.queue import QUEUE

TASK = "darkroom.process_photo"

#: A task that its worker has not acknowledged is given out again after this; seconds. Longer than
#: a run takes at its worst and than the longest wait before a retry.
VISIBILITY_TIMEOUT = 60
#: Seconds that a task in hand gets after SIGTERM before it goes back to the queue; a photo takes a
#: fraction of it.
SOFT_SHUTDOWN = 3


def create_celery(config: Config) -> Celery:
    """Late acknowledgement: what a killed worker had in hand comes back."""
    celery = Celery("darkroom", broker=config.broker.url)
    celery.conf.update(
        broker_transport="darkroom_worker.transport:Transport",
        task_default_queue=QUEUE,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        worker_pool="threads",
        worker_concurrency=config.concurrency,
        worker_prefetch_multiplier=1,
        worker_soft_shutdown_timeout=SOFT_SHUTDOWN,
        worker_enable_soft_shutdown_on_idle=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_timeout=2.0,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT,
            # Look for unacknowledged tasks every 5 s, each time it is due.
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 10,
            "socket_timeout": 5.0,
            "socket_connect_timeout": 2.0,
            "health_check_interval": 10,
        },
    )
    return celery
