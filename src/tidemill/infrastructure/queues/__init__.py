"""Queues at RabbitMQ and NATS JetStream, which carry jobs to workers and outcomes back."""
