// Loads for `make bench` over librdkafka: a producer and a consumer as rdkafka_performance has them,
// the mock cluster that stands beside millrace-log, the disk's own limit, and many connections.
// Every command prints one line of JSON.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static double cpu(void) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return use.ru_utime.tv_sec + use.ru_utime.tv_usec * 1e-6 + use.ru_stime.tv_sec +
           use.ru_stime.tv_usec * 1e-6;
}

static void die(const char *what) {
    fprintf(stderr, "logload: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char text[256];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK) die(text);
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
    char text[256];
    rd_kafka_t *handle = rd_kafka_new(type, conf, text, sizeof text);
    if (!handle) die(text);
    return handle;
}

// mock PARTITIONS TOPIC...: a mock cluster of one broker until standard input ends.
static int mock(int count, char **words) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    // It has nothing to connect to, and would say so.
    set(conf, "log_level", "3");
    rd_kafka_t *handle = client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(handle, 1);
    for (int i = 1; i < count; i++)
        rd_kafka_mock_topic_create(cluster, words[i], atoi(words[0]), 1);
    printf("{\"brokers\": \"%s\"}\n", rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    while (getchar() != EOF) {}
    return 0;
}

enum { SAMPLES_MAX = 4 << 20 };
static float samples[SAMPLES_MAX];
static long delivered, failed;
static double last_time;

static void report(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
    (void)handle, (void)opaque;
    if (message->err) {
        failed++;
        return;
    }
    last_time = now();
    if (message->_private && delivered < SAMPLES_MAX)
        samples[delivered] = last_time - (double)(size_t)message->_private * 1e-7;
    delivered++;
}

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

// produce BROKERS TOPIC PARTITIONS SIZE SECONDS RATE: acks=all; RATE 0 is as fast as it goes.
static int produce(char **words) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    double rate = atof(words[5]), seconds = atof(words[4]);
    set(conf, "bootstrap.servers", words[0]);
    set(conf, "acks", "all");
    set(conf, "linger.ms", rate > 0 ? "1" : "5");
    set(conf, "queue.buffering.max.messages", "500000");
    set(conf, "queue.buffering.max.kbytes", "262144");
    rd_kafka_conf_set_dr_msg_cb(conf, report);
    rd_kafka_t *handle = client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, words[1], NULL);
    int partitions = atoi(words[2]), size = atoi(words[3]);
    char *value = malloc(size);
    for (int i = 0; i < size; i++) value[i] = 'a' + i % 23;
    // Connect first, so that this does not count.
    rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, value, size, NULL, 0, NULL);
    rd_kafka_flush(handle, 20000);
    delivered = failed = 0;
    double began = now();
    for (long n = 0;; n++) {
        double time = now();
        if (time - began > seconds) break;
        if (rate > 0 && n >= (time - began) * rate) {
            rd_kafka_poll(handle, 0);
            struct timespec pause = {0, 200000};
            nanosleep(&pause, NULL);
            n--;
            continue;
        }
        void *mark = rate > 0 ? (void *)(size_t)(time * 1e7) : NULL;
        int round = rate > 0 ? 1 : 100;
        for (int i = 0; i < round; i++)
            while (rd_kafka_produce(topic, (n + i) % partitions, RD_KAFKA_MSG_F_COPY, value, size,
                                    NULL, 0, mark) != 0)
                rd_kafka_poll(handle, 5);
        rd_kafka_poll(handle, 0);
    }
    rd_kafka_flush(handle, 60000);
    long count = delivered < SAMPLES_MAX ? delivered : SAMPLES_MAX;
    if (rate > 0) qsort(samples, count, sizeof *samples, ascending);
    printf("{\"records\": %ld, \"failed\": %ld, \"seconds\": %.4f, \"p50\": %.3f, \"p99\": %.3f, "
           "\"cpu\": %.3f}\n",
           delivered, failed, last_time - began, count ? samples[count / 2] * 1e3 : 0,
           count ? samples[count * 99 / 100] * 1e3 : 0, cpu());
    return failed > 0;
}

// consume BROKERS TOPIC PARTITIONS SECONDS: from the beginning to the end, again until the time is
// over; the mock cluster keeps only the last few MB. The time from a pass's first record to its last
// counts.
static int consume(char **words) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", words[0]);
    set(conf, "group.id", "bench");
    set(conf, "enable.auto.commit", "false");
    set(conf, "enable.partition.eof", "true");
    set(conf, "auto.offset.reset", "earliest");
    set(conf, "queued.min.messages", "1000000");
    rd_kafka_t *handle = client(RD_KAFKA_CONSUMER, conf);
    int partitions = atoi(words[2]);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(handle);
    long count = 0;
    double limit = now() + atof(words[3]), spent = 0;
    static rd_kafka_message_t *messages[10000];
    do {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
        for (int i = 0; i < partitions; i++)
            rd_kafka_topic_partition_list_add(list, words[1], i)->offset = RD_KAFKA_OFFSET_BEGINNING;
        rd_kafka_assign(handle, list);
        rd_kafka_topic_partition_list_destroy(list);
        double first = 0, last = 0, end = now() + 20;
        int ended = 0;
        while (ended < partitions && now() < end) {
            ssize_t got = rd_kafka_consume_batch_queue(queue, 100, messages, 10000);
            for (ssize_t i = 0; i < got; i++) {
                if (messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) ended++;
                else if (!messages[i]->err) {
                    if (first == 0) first = now();
                    count++;
                }
                rd_kafka_message_destroy(messages[i]);
            }
            if (got > 0) last = now();
        }
        spent += last - first;
        rd_kafka_assign(handle, NULL);
    } while (now() < limit);
    printf("{\"records\": %ld, \"seconds\": %.4f}\n", count, spent);
    return 0;
}

enum { FILE_BYTES = 128 << 20, FILES_MAX = 64 };

// One file, or one after another of the size of a segment, that gets writes at its end.
struct stream {
    char **words;
    int number, syncs;
    double rate;
    float *times;
    long writes;
    int files;
};

static void name(struct stream *stream, int count, char path[4096]) {
    snprintf(path, 4096, "%s/limit-%d-%d", stream->words[0], stream->number, count);
}

static int next_file(struct stream *stream) {
    char path[4096];
    name(stream, stream->files++, path);
    int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (file < 0) die(path);
    return file;
}

static void *fill(void *argument) {
    struct stream *stream = argument;
    size_t size = atol(stream->words[1]);
    char *block = malloc(size);
    memset(block, 'x', size);
    double began = now(), seconds = atof(stream->words[2]), time;
    int file = next_file(stream);
    for (size_t length = 0; (time = now()) - began < seconds; length += size) {
        if (stream->rate > 0 && stream->writes >= (time - began) * stream->rate) {
            struct timespec pause = {0, 200000};
            nanosleep(&pause, NULL);
            length -= size;
            continue;
        }
        if (length >= FILE_BYTES) {
            close(file);
            file = next_file(stream);
            length = 0;
        }
        if (write(file, block, size) != (ssize_t)size) die("write");
        if (stream->syncs && fdatasync(file) != 0) die("fdatasync");
        if (stream->times && stream->writes < SAMPLES_MAX / FILES_MAX)
            stream->times[stream->writes] = now() - time;
        stream->writes++;
    }
    close(file);
    free(block);
    return NULL;
}

// disk DIRECTORY SIZE SECONDS FILES RATE: writes of SIZE bytes at the end of each of FILES files at
// once, fdatasync after each, RATE a second of each file; RATE 0 is as fast as it goes.
// cache DIRECTORY SIZE SECONDS: the same without fdatasync.
static int disk(char **words, int count, double rate, int syncs) {
    static struct stream streams[FILES_MAX];
    pthread_t threads[FILES_MAX];
    if (count < 1 || count > FILES_MAX) die("files");
    double began = now(), used = cpu();
    for (int i = 0; i < count; i++) {
        float *times = syncs ? samples + i * (SAMPLES_MAX / FILES_MAX) : NULL;
        streams[i] = (struct stream){words, i, syncs, rate, times, 0, 0};
        if (pthread_create(&threads[i], NULL, fill, &streams[i]) != 0) die("thread");
    }
    long writes = 0, taken = 0;
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    double ended = now(), busy = cpu() - used;
    for (int i = 0; i < count; i++) {
        char path[4096];
        for (int n = 0; n < streams[i].files; n++) {
            name(&streams[i], n, path);
            unlink(path);
        }
        long mine = streams[i].writes;
        writes += mine;
        if (mine > SAMPLES_MAX / FILES_MAX) mine = SAMPLES_MAX / FILES_MAX;
        if (!syncs) continue;
        memmove(samples + taken, streams[i].times, mine * sizeof *samples);
        taken += mine;
    }
    qsort(samples, taken, sizeof *samples, ascending);
    printf("{\"writes\": %ld, \"bytes\": %ld, \"seconds\": %.4f, \"cpu\": %.4f, \"p50\": %.3f, "
           "\"p99\": %.3f}\n",
           writes, writes * atol(words[1]), ended - began, busy,
           taken ? samples[taken / 2] * 1e3 : 0, taken ? samples[taken * 99 / 100] * 1e3 : 0);
    return 0;
}

// A batch of one record of 100 bytes in a Produce request, version 7; offsets within.
enum { VALUE = 100, RECORD = VALUE + 9, BATCH = 61 + RECORD };

static unsigned char *put(unsigned char *at, unsigned long value, int bytes) {
    for (int i = bytes - 1; i >= 0; i--) *at++ = value >> (8 * i);
    return at;
}

static unsigned crc32c(const unsigned char *bytes, size_t count) {
    unsigned crc = ~0u;
    while (count--) {
        crc ^= *bytes++;
        for (int i = 0; i < 8; i++) crc = crc >> 1 ^ (0x82F63B78 & -(crc & 1));
    }
    return ~crc;
}

static size_t request(unsigned char *frame, unsigned char *topic, size_t length) {
    unsigned char *at = frame + 4;
    at = put(put(put(put(at, 0, 2), 7, 2), 1, 4), 0xFFFF, 2);   // Produce 7, no client id
    at = put(put(put(at, 0xFFFF, 2), 0xFFFF, 2), 30000, 4);     // no transaction, acks=all
    at = put(put(at, 1, 4), length, 2);
    memcpy(at, topic, length);
    at = put(put(put(at + length, 1, 4), 0, 4), BATCH, 4);      // one partition, filled in later
    unsigned char *batch = at;
    at = put(put(put(at, 0, 8), BATCH - 12, 4), 0, 4);
    at = put(put(put(put(at, 2, 1), 0, 4), 0, 2), 0, 4);
    at = put(put(put(put(put(at, 1000, 8), 1000, 8), -1, 8), -1, 2), -1, 4);
    at = put(at, 1, 4);
    at = put(put(put(put(put(at, 0xD6, 1), 1, 1), 0, 1), 0, 1), 0, 1);  // 107 bytes follow
    at = put(put(at, 1, 1), 0xC8, 1);                                   // no key, 100 bytes
    at = put(at, 1, 1);
    memset(at, 'v', VALUE);
    at = put(at + VALUE, 0, 1);
    put(batch + 17, crc32c(batch + 21, BATCH - 21), 4);
    put(frame, at - frame - 4, 4);
    return at - frame;
}

// many PORT TOPIC PARTITIONS CONNECTIONS SECONDS: every connection sends one record after another,
// each to the next partition.
static int many(char **words) {
    int partitions = atoi(words[2]), connections = atoi(words[3]), poller = epoll_create1(0);
    size_t length = strlen(words[1]);
    unsigned char frame[1024], answer[4096];
    size_t size = request(frame, (unsigned char *)words[1], length);
    unsigned char *partition = frame + 32 + length;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[0]))};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    struct rlimit files = {4096, 4096};
    setrlimit(RLIMIT_NOFILE, &files);
    double *sent = calloc(65536, sizeof *sent);
    long next = 0;
    double began = now(), seconds = atof(words[4]);
    for (int i = 0; i < connections; i++) {
        int one = 1, peer = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(peer, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = peer};
        epoll_ctl(poller, EPOLL_CTL_ADD, peer, &event);
        put(partition, next++ % partitions, 4);
        sent[peer] = now();
        if (write(peer, frame, size) != (ssize_t)size) die("send");
    }
    struct epoll_event events[256];
    int open = connections;
    while (open > 0) {
        int count = epoll_wait(poller, events, 256, 20000);
        if (count <= 0) die("no answer");
        for (int i = 0; i < count; i++) {
            int peer = events[i].data.fd;
            ssize_t got = read(peer, answer, sizeof answer);
            // Answers are small and come whole; the error code stands behind topic and partition.
            size_t error = 4 + 4 + 4 + 2 + length + 4 + 4;
            if (got < (ssize_t)error + 2) die("connection lost");
            if (answer[error] || answer[error + 1]) failed++;
            if (delivered < SAMPLES_MAX) samples[delivered] = now() - sent[peer];
            delivered++;
            if (now() - began > seconds) {
                open--;
                epoll_ctl(poller, EPOLL_CTL_DEL, peer, NULL);
                continue;
            }
            put(partition, next++ % partitions, 4);
            sent[peer] = now();
            if (write(peer, frame, size) != (ssize_t)size) die("send");
        }
    }
    long count = delivered < SAMPLES_MAX ? delivered : SAMPLES_MAX;
    qsort(samples, count, sizeof *samples, ascending);
    printf("{\"records\": %ld, \"failed\": %ld, \"seconds\": %.4f, \"p50\": %.3f, \"p99\": %.3f}\n",
           delivered, failed, now() - began, samples[count / 2] * 1e3,
           samples[count * 99 / 100] * 1e3);
    return failed > 0;
}

int main(int count, char **words) {
    const char *what = count > 1 ? words[1] : "";
    if (!strcmp(what, "mock") && count > 3) return mock(count - 2, words + 2);
    if (!strcmp(what, "produce") && count == 8) return produce(words + 2);
    if (!strcmp(what, "consume") && count == 6) return consume(words + 2);
    if (!strcmp(what, "disk") && count == 7)
        return disk(words + 2, atoi(words[5]), atof(words[6]), 1);
    if (!strcmp(what, "cache") && count == 5) return disk(words + 2, 1, 0, 0);
    if (!strcmp(what, "many") && count == 7) return many(words + 2);
    fprintf(stderr, "logload mock|produce|consume|disk|cache|many ...\n");
    return 64;
}
