"""The lab's own Prometheus exporters; one module per process, see entrypoint.sh."""
