/* The quick path: whatever it takes and decodes, the general path reads in the same way. */
#include "base/check.h"
#include "base/mem.h"
#include "codec/audio_frame.h"
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool decodes(struct rp_str base64)
{
    const size_t max = rp_audio_samples_max(base64);
    int16_t *samples = rp_calloc(max, sizeof(*samples));
    size_t n = 0;
    int err;

    RP_ASSERT(samples);
    err = rp_audio_samples(base64, samples, max, &n);
    rp_free(samples);
    return err == 0 && n <= max;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rp_str message = rp_str_n((const char *)data, size);
    struct rp_twilio_media media;
    struct rp_json *root = NULL;
    struct rp_str content;
    struct rp_arena a;

    rp_arena_init(&a, (size_t)64 << 20);
    if (rp_audio_frame_scan(message, &content) && decodes(content)) {
        RP_ASSERT(rp_json_parse(&root, &a, message, NULL) == 0);
        RP_ASSERT(root->count == 2);
        RP_ASSERT(rp_str_eq_z(rp_json_get_str(root, "type"), "client.audio"));
        RP_ASSERT(rp_str_eq(rp_json_get_str(root, "content"), content));
    }
    if (rp_twilio_media_scan(message, &media) && decodes(media.payload) &&
        rp_json_parse(&root, &a, message, NULL) == 0) {
        RP_ASSERT(rp_str_eq_z(rp_json_get_str(root, "event"), "media"));
        RP_ASSERT(rp_str_eq(rp_json_str(rp_json_path(root, "media.payload")), media.payload));
        RP_ASSERT(!rp_json_path(root, "media.timestamp") == !media.timestamp.p);
    }
    rp_arena_fini(&a);
    return 0;
}
