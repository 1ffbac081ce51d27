// The one header of CRdKafka; imported by one target only.
#pragma once
#include <librdkafka/rdkafka.h>
