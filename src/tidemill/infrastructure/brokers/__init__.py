"""What the event bus and the queues of jobs share of RabbitMQ and NATS."""
