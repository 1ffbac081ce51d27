// The one header of CUV; imported by one target only.
#pragma once
#include <uv.h>
