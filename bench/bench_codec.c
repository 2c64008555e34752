/* What the codecs cost: nanoseconds for an audio message, megabytes a second for JSON.
 *
 *     bench_codec [MILLISECONDS]      for each line of the table, 200 by default
 *
 * CPU time of one thread. A message of caller audio is 100 ms at 8 kHz, one of the agent's 100 ms
 * at 16 kHz, one of Twilio's 20 ms of µ-law. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "codec/audio_frame.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/sse.h"

#define CAP ((size_t)256 << 20)

static int64_t budget_us = 200000;

/* One thing to measure, once; returns something of the result, so that none of it is left out. */
typedef size_t work_fn(void *arg);

static volatile size_t sink;

/* Nanoseconds a run. */
static double measure(work_fn *work, void *arg)
{
    uint64_t runs = 0, step = 1;
    const int64_t start = rp_cpu_us();
    int64_t spent;

    do {
        for (uint64_t i = 0; i < step; i++)
            sink = work(arg);
        runs += step;
        step *= 2;
        spent = rp_cpu_us() - start;
    } while (spent < budget_us);
    return (double)spent * 1000 / (double)runs;
}

struct audio {
    struct rp_buf message, out;
    int16_t samples[1600];
    uint8_t ulaw[160];
};

static size_t read_frame(void *arg)
{
    struct audio *a = arg;
    struct rp_str content;
    size_t n = 0;

    if (!rp_audio_frame_scan(rp_buf_view(&a->message), &content) ||
        rp_audio_samples(content, a->samples, RP_COUNT(a->samples), &n) != 0)
        abort();
    return n + (size_t)a->samples[n / 2];
}

static size_t parse_frame(void *arg)
{
    struct audio *a = arg;
    struct rp_arena arena;
    struct rp_json *root;
    size_t n = 0;

    rp_arena_init(&arena, CAP);
    if (rp_json_parse(&root, &arena, rp_buf_view(&a->message), NULL) != 0 ||
        rp_audio_samples(rp_json_get_str(root, "content"), a->samples, RP_COUNT(a->samples), &n))
        abort();
    rp_arena_fini(&arena);
    return n;
}

static size_t write_frame(void *arg)
{
    struct audio *a = arg;

    rp_buf_clear(&a->out);
    if (rp_audio_frame_write(&a->out, a->samples, RP_COUNT(a->samples), RP_STR("d-123"),
                             RP_STR("asst-0192f3a1b7c45kq2m9x0t4wz8r1c")) != 0)
        abort();
    return a->out.len;
}

static size_t read_twilio(void *arg)
{
    struct audio *a = arg;
    struct rp_twilio_media m;
    size_t n = 0;

    if (!rp_twilio_media_scan(rp_buf_view(&a->message), &m) ||
        rp_base64_decode(a->ulaw, sizeof(a->ulaw), &n, m.payload) != 0)
        abort();
    return n + a->ulaw[7];
}

static size_t write_twilio(void *arg)
{
    struct audio *a = arg;

    rp_buf_clear(&a->out);
    if (rp_twilio_media_write(&a->out, RP_STR("MZ0123456789abcdef0123456789abcdef"), a->ulaw,
                              sizeof(a->ulaw)) != 0)
        abort();
    return a->out.len;
}

static void bench_audio(void)
{
    static struct audio a;
    struct rp_rng rng = {1};

    for (size_t i = 0; i < RP_COUNT(a.samples); i++)
        a.samples[i] = (int16_t)rp_rng_next(&rng);
    for (size_t i = 0; i < RP_COUNT(a.ulaw); i++)
        a.ulaw[i] = (uint8_t)rp_rng_next(&rng);
    rp_buf_init(&a.message, CAP);
    rp_buf_init(&a.out, CAP);

    (void)rp_buf_z(&a.message, "{\"type\":\"client.audio\",\"content\":\"");
    (void)rp_base64_append(&a.message, a.samples, 800 * sizeof(a.samples[0]));
    (void)rp_buf_z(&a.message, "\"}");
    (void)printf("client.audio, quick path       %8.0f ns\n", measure(read_frame, &a));
    (void)printf("client.audio, general path     %8.0f ns\n", measure(parse_frame, &a));
    (void)printf("response.audio, writing        %8.0f ns\n", measure(write_frame, &a));

    rp_buf_clear(&a.message);
    (void)rp_buf_z(&a.message, "{\"event\":\"media\",\"sequenceNumber\":\"4\",\"media\":{\"track\":"
                               "\"inbound\",\"chunk\":\"2\",\"timestamp\":\"5\",\"payload\":\"");
    (void)rp_base64_append(&a.message, a.ulaw, sizeof(a.ulaw));
    (void)rp_buf_z(&a.message, "\"},\"streamSid\":\"MZ0123456789abcdef0123456789abcdef\"}");
    (void)printf("Twilio media, quick path       %8.0f ns\n", measure(read_twilio, &a));
    (void)printf("Twilio media, writing          %8.0f ns\n", measure(write_twilio, &a));
    rp_buf_fini(&a.message);
    rp_buf_fini(&a.out);
}

struct document {
    struct rp_buf text, out;
    struct rp_arena arena; /* of `root` */
    struct rp_json *root;
};

static size_t parse_document(void *arg)
{
    struct document *d = arg;
    struct rp_arena a;
    struct rp_json *root;

    rp_arena_init(&a, CAP);
    if (rp_json_parse(&root, &a, rp_buf_view(&d->text), NULL) != 0)
        abort();
    rp_arena_fini(&a);
    return 1;
}

static size_t write_document(void *arg)
{
    struct document *d = arg;

    rp_buf_clear(&d->out);
    rp_json_write(&d->out, d->root);
    return d->out.len;
}

/* `text` is a kind of document, printed into a buffer. */
static void bench_json(const char *name, void (*text)(struct rp_buf *b))
{
    struct document d;
    double parse, print;

    rp_buf_init(&d.text, CAP);
    rp_buf_init(&d.out, CAP);
    rp_arena_init(&d.arena, CAP);
    text(&d.text);
    if (rp_json_parse(&d.root, &d.arena, rp_buf_view(&d.text), NULL) != 0)
        abort();
    parse = measure(parse_document, &d);
    print = measure(write_document, &d);
    (void)printf("JSON, %-25s%8.0f MB/s parsing %8.0f MB/s writing (%zu bytes)\n", name,
                 (double)d.text.len * 1000 / parse, (double)d.out.len * 1000 / print, d.text.len);
    rp_arena_fini(&d.arena);
    rp_buf_fini(&d.text);
    rp_buf_fini(&d.out);
}

static void message_event(struct rp_buf *b)
{
    (void)rp_buf_z(b,
                   "{\"type\":\"message\",\"session_id\":\"lc_conn_0192f3a1b7c45kq2m9x0t4wz8r1c\","
                   "\"conversation_id\":\"lc_conv_0192f3a1b7c45kq2m9x0t4wz8r1c\",\"metadata\":"
                   "{\"tenant\":\"t_42\",\"plan\":{\"name\":\"pro\",\"seats\":12,\"beta\":true}},"
                   "\"turn_id\":\"asst-0192f3a1b7c45kq2m9x0t4wz8r1c\",\"text\":\"I would like to "
                   "move my appointment from Tuesday to Thursday at 3.30, if that\\u2019s all "
                   "right.\",\"interruption_context\":{\"previous_turn_interrupted\":true,"
                   "\"words_heard\":7,\"text_heard\":\"Hello, what can I do for you\"}}");
}

static void texts(struct rp_buf *b)
{
    for (int i = 0; i < 2000; i++)
        (void)rp_buf_printf(b,
                            "%c\"Line %d: Wie sch\xc3\xb6n, \\\"quoted\\\" and plain words that "
                            "go on for a while, as transcripts do.\\n\"",
                            i ? ',' : '[', i);
    (void)rp_buf_char(b, ']');
}

static void full_doubles(struct rp_buf *b)
{
    struct rp_rng rng = {3};

    for (int i = 0; i < 10000; i++) {
        (void)rp_buf_char(b, i ? ',' : '[');
        rp_json_write_num(b, rp_rng_unit(&rng) * 2 - 1);
    }
    (void)rp_buf_char(b, ']');
}

static void short_numbers(struct rp_buf *b)
{
    for (int i = 0; i < 10000; i++)
        (void)rp_buf_printf(b, "%c%d,%d.%02d", i ? ',' : '[', i * 37, i % 100, i % 89);
    (void)rp_buf_char(b, ']');
}

static void wild_numbers(struct rp_buf *b)
{
    struct rp_rng rng = {4};

    for (int i = 0; i < 10000; i++)
        (void)rp_buf_printf(b, "%c%llue%d", i ? ',' : '[',
                            (unsigned long long)rp_rng_next(&rng) / 10,
                            (int)(rng.state % 500) - 300);
    (void)rp_buf_char(b, ']');
}

static void many_keys(struct rp_buf *b)
{
    for (int i = 0; i < 100000; i++)
        (void)rp_buf_printf(b, "%c\"key-%d\":%d", i ? ',' : '{', i, i);
    (void)rp_buf_char(b, '}');
}

static int count_event(const struct rp_sse_event *e, void *arg)
{
    size_t *bytes = arg;

    *bytes += e->data.len;
    return 0;
}

static size_t read_stream(void *arg)
{
    struct rp_buf *stream = arg;
    size_t bytes = 0;
    struct rp_sse s;

    rp_sse_init(&s, 1 << 20, 1 << 20, count_event, &bytes);
    if (rp_sse_feed(&s, rp_buf_view(stream)) != 0)
        abort();
    rp_sse_fini(&s);
    return bytes;
}

static void bench_sse(void)
{
    struct rp_buf stream;

    rp_buf_init(&stream, CAP);
    for (int i = 0; i < 1000; i++)
        (void)rp_buf_z(&stream, "data: {\"type\":\"response.tts\",\"content\":\"a few words\","
                                "\"turn_id\":\"asst-0192f3a1b7c45kq2m9x0t4wz8r1c\"}\n\n");
    (void)printf("SSE, one event                 %8.0f ns\n", measure(read_stream, &stream) / 1000);
    rp_buf_fini(&stream);
}

int main(int argc, char **argv)
{
    int64_t ms;

    if (argc > 1 && rp_str_to_i64(rp_str_z(argv[1]), &ms) == 0 && ms > 0 && ms < 100000)
        budget_us = ms * 1000;
    bench_audio();
    bench_sse();
    bench_json("a message event", message_event);
    bench_json("texts", texts);
    bench_json("short numbers", short_numbers);
    bench_json("full doubles", full_doubles);
    bench_json("wild numbers", wild_numbers);
    bench_json("100,000 keys", many_keys);
    return 0;
}
