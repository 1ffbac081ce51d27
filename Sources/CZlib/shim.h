// The one header of CZlib; imported by one target only.
#pragma once
#include <zlib.h>
