# Millrace: one line a job. `make run` and `make test` are all a newcomer needs.

SWIFT  ?= swift
PREFIX ?= /usr/local
DATA   ?= data
BIN    := .build/release
export SECONDS ?= 60
export SEED    ?= 1

PACKAGES := libuv1-dev librdkafka-dev librocksdb-dev libssl-dev libsimdjson-dev libzstd-dev \
            zlib1g-dev libmaxminddb-dev pkg-config kcat python3-venv tzdata ca-certificates
BENCH_PACKAGES := nginx-light wrk

CLIENTS := .build/clients-venv
# What the hot loops are built for: what this machine has; empty means any processor.
AVX2    := $(shell grep -qw avx2 /proc/cpuinfo && grep -qw bmi2 /proc/cpuinfo && \
                   grep -qw fma /proc/cpuinfo && grep -qw movbe /proc/cpuinfo && echo x86-64-v3)
MILLRACE_CPU ?= $(AVX2)
export MILLRACE_CPU

.PHONY: run demo test clients deps build lint format bench bench-log bench-store bench-query bench-api \
        bench-topology bench-clients sim fuzz chaos install clean

run: build                      ## the whole system with the sample flights, until Ctrl-C
	$(BIN)/millrace demo --data $(DATA) --keep-running

demo: build                     ## the same, checked, and stopped by itself
	$(BIN)/millrace demo

test: deps lint                 ## every fast test layer
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --no-parallel
	$(MAKE) --no-print-directory clients

clients: deps                   ## other people's clients against log server and API, WORDS= chooses
	Tests/Clients/prepare $(CLIENTS)
	$(SWIFT) build
	$(CLIENTS)/bin/python Tests/Clients/run.py .build/debug/millrace-log $(WORDS)

build: deps                     ## release executables into .build/release; MILLRACE_CPU= for any processor
	$(SWIFT) build -c release -Xlinker -rpath -Xlinker '$$ORIGIN/../lib/millrace'

deps:                           ## Debian packages, only if one is missing
	@scripts/install-packages $(PACKAGES)

lint:                           ## formatting, without changing anything
	$(SWIFT) format lint --strict --parallel --recursive Sources Tests Package.swift

format:                         ## formatting, in place
	$(SWIFT) format --in-place --parallel --recursive Sources Tests Package.swift

bench: build                    ## peers and Millrace in one run; writes docs/performance.md
	@scripts/install-packages $(BENCH_PACKAGES)
	Benchmarks/run
	$(MAKE) --no-print-directory bench-log bench-store

bench-log: build                ## the log server beside librdkafka's mock cluster and the bare disk
	mkdir -p .build/bench
	$(CC) -O2 -Wall -Wextra -o .build/bench/logload Benchmarks/logload.c \
	    $$(pkg-config --cflags --libs rdkafka)
	python3 Benchmarks/log.py

bench-store: build              ## the storage engine beside DuckDB and ClickHouse
	@scripts/install-packages $(BENCH_PACKAGES)
	Benchmarks/venv duckdb chdb
	.build/bench-venv/bin/python Benchmarks/store.py .build/bench-venv/bin/python

bench-query: build              ## queries beside DuckDB and ClickHouse; EVENTS=, THREADS=, TURNS=
	@scripts/install-packages $(BENCH_PACKAGES)
	Benchmarks/venv duckdb chdb
	.build/bench-venv/bin/python Benchmarks/query.py .build/bench-venv/bin/python

bench-api: build                ## small queries over HTTP, many at once; DURATION= and CONNECTIONS=
	@scripts/install-packages wrk
	python3 Benchmarks/api.py

bench-topology: build           ## the worker's topology beside a stream library of Python
	Benchmarks/venv quixstreams confluent-kafka
	.build/bench-venv/bin/python Benchmarks/topology.py

bench-clients: build            ## queries over HTTP beside ClickHouse, one client and ten; EVENTS=, SECONDS=, RATE=
	@scripts/install-packages $(BENCH_PACKAGES)
	Benchmarks/venv duckdb chdb
	.build/bench-venv/bin/python Benchmarks/clients.py .build/bench-venv/bin/python

sim fuzz chaos: deps            ## long runs; SECONDS= and SEED=
	MILLRACE_LONG=$@ MILLRACE_SECONDS=$(SECONDS) MILLRACE_SEED=$(SEED) \
	    $(SWIFT) test --filter '$(if $(filter sim,$@),Simulation,$(if $(filter fuzz,$@),Fuzz,Chaos))'

install: build                  ## executables, unit files, sample configuration under PREFIX
	deploy/install $(BIN) $(PREFIX) $(DESTDIR)

clean:
	$(SWIFT) package clean
