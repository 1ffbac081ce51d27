// The one header of CZstd; imported by one target only.
#pragma once
#include <zstd.h>
