// The one header of CRdKafka; imported by LogClient, and by the in-process brokers of the tests.
#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#if RD_KAFKA_VERSION < 0x020000ff
#error "librdkafka 2.0 or newer is needed"
#endif
