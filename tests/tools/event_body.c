/* Prints webhook bodies and their signatures, for the differential test against node.
 *
 *     event_body SECRET UNIX_SECONDS
 *
 * Each line of standard input is a JSON array [kind, metadata, custom_metadata, text, data,
 * number]; for each, two lines come out: the signature's header value, and the body (which has no
 * line break inside, since JSON escapes them). Kinds are the agent requests' types, and
 * "hook.start", "hook.end", "hook.update" for the session webhooks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/event_body.h"
#include "codec/signature.h"

#define LIMIT (64u << 20)

struct input {
    struct rp_str kind, text;
    const struct rp_json *metadata, *custom_metadata, *data;
    double number;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "event_body: %s\n", what);
    exit(1);
}

static void read_input(struct input *in, const struct rp_json *line)
{
    const struct rp_json *field[6] = {NULL};
    size_t n = 0;

    RP_JSON_EACH(line, node) {
        if (n < RP_COUNT(field))
            field[n++] = node;
    }
    if (n != RP_COUNT(field))
        die("a line is no array of six");
    in->kind = rp_json_str(field[0]);
    in->metadata = rp_json_is(field[1], RP_JSON_NULL) ? NULL : field[1];
    in->custom_metadata = rp_json_is(field[2], RP_JSON_NULL) ? NULL : field[2];
    in->text = rp_json_str(field[3]);
    in->data = field[4];
    in->number = field[5]->number;
}

static int build(struct rp_buf *body, const struct input *in)
{
    static const enum rp_agent_type types[] = {RP_AGENT_MESSAGE, RP_AGENT_DATA, RP_AGENT_WELCOME,
                                               RP_AGENT_SESSION_START};
    const struct rp_agent_session s = {.agent_id = "ag-1",
                                       .session_id = "lc_conn_1",
                                       .conversation_id = "lc_conv_1",
                                       .from_phone_number = in->number > 0 ? "+15550100" : NULL,
                                       .metadata = in->metadata,
                                       .custom_metadata = in->custom_metadata};
    const struct rp_transcript_item items[] = {{false, in->text, 1767225600123},
                                               {true, in->text, 1767225601000}};
    const struct rp_session_end end = {.started_ms = 1767225600000,
                                       .ended_ms = 1767225600000 + (int64_t)in->number,
                                       .transcription_s = in->number,
                                       .tts_s = in->number / 3,
                                       .latency_ms = -1,
                                       .transcript = items,
                                       .ntranscript = RP_COUNT(items)};
    const struct rp_session_update update = {.completed = true, .recording_s = in->number};
    struct rp_agent_request r = {.turn_id = "asst-2",
                                 .text = in->text,
                                 .interrupted = in->number > 1,
                                 .words_heard = 3,
                                 .text_heard = in->text,
                                 .interrupted_turn_id = "asst-1"};
    struct rp_buf data;
    int err;

    if (rp_str_eq_z(in->kind, "hook.start"))
        return rp_event_body_session_start(body, &s, end.ended_ms);
    if (rp_str_eq_z(in->kind, "hook.end"))
        return rp_event_body_session_end(body, &s, &end);
    if (rp_str_eq_z(in->kind, "hook.update"))
        return rp_event_body_session_update(body, &s, &update);
    for (size_t i = 0; i < RP_COUNT(types); i++)
        if (rp_str_eq_z(in->kind, rp_event_type_name(types[i])))
            r.type = types[i];
    rp_buf_init(&data, LIMIT);
    rp_json_write(&data, in->data);
    r.data_json = rp_buf_view(&data);
    err = rp_event_body_request(body, &s, &r);
    rp_buf_fini(&data);
    return err;
}

static void print_one(struct rp_str line, const char *secret, int64_t unix_s)
{
    char signature[RP_SIGNATURE_MAX];
    struct rp_arena arena;
    struct rp_json *root;
    struct rp_buf body;
    struct input in;

    rp_arena_init(&arena, LIMIT);
    rp_buf_init(&body, LIMIT);
    if (rp_json_parse(&root, &arena, line, NULL))
        die("a line is not JSON");
    read_input(&in, root);
    if (build(&body, &in) || rp_signature(signature, rp_str_z(secret), unix_s, rp_buf_view(&body)))
        die("the body could not be built");
    (void)printf("%s\n", signature);
    (void)fwrite(body.p, 1, body.len, stdout);
    (void)printf("\n");
    rp_buf_fini(&body);
    rp_arena_fini(&arena);
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int64_t unix_s;

    if (argc != 3 || rp_str_to_i64(rp_str_z(argv[2]), &unix_s))
        die("usage: event_body SECRET UNIX_SECONDS");
    while ((len = getline(&line, &size, stdin)) > 0)
        print_one(rp_str_trim(rp_str_n(line, (size_t)len)), argv[1], unix_s);
    free(line); /* getline's; lint: libc memory */
    return 0;
}
