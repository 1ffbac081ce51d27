// The one header of CMaxMindDB; imported by one target only.
#pragma once
#include <maxminddb.h>
