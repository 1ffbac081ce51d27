// The one header of CRocksDB; imported by one target only.
#pragma once
#include <rocksdb/c.h>
