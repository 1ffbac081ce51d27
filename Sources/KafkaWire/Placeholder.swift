// KafkaWire: to come.
