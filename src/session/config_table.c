/* The table of all config fields: one row each feeds parser, messages and docs/config.md.
 *
 * The options of turn_manager have their own table, turn/options.h. To add an option: a member in
 * config.h, a row here. To add a provider: a row in rp_config_plugins. */
#include "session/config_int.h"

#include <stdio.h>

#include "base/check.h"

/* Rows of struct `s`: the key is the member's name. */
#define ROW(s, m, k, h, ...)                                                                       \
    {                                                                                              \
        .key = #m, .kind = RP_CONFIG_##k, .offset = offsetof(struct s, m), .help = (h),            \
        __VA_ARGS__                                                                                \
    }
#define BOOLEAN(s, m, dflt, h) ROW(s, m, BOOL, h, .fallback = (dflt))
#define SWITCH(s, m, dflt, h)  ROW(s, m, SWITCH, h, .fallback = (dflt))
#define WHOLE(s, m, lo, hi, dflt, h)                                                               \
    ROW(s, m, INT, h, .least = (lo), .most = (hi), .fallback = (dflt))
#define REAL(s, m, lo, hi, dflt, h)                                                                \
    ROW(s, m, REAL, h, .least = (lo), .most = (hi), .fallback = (dflt))
#define TEXT(s, m, max, need, h)     ROW(s, m, TEXT, h, .most = (max), .required = (need))
#define SECRET(s, m, h)              ROW(s, m, TEXT, h, .most = 1024, .secret = true)
#define URL(s, m, need, h)           ROW(s, m, URL, h, .required = (need))
#define EVENTS(s, m, words, dflt, h) ROW(s, m, EVENTS, h, .choices = (words), .fallback = (dflt))
#define PART(s, m, sub, need, h)     ROW(s, m, SECTION, h, .section = (sub), .required = (need))
#define SECTION(var, path, list)                                                                   \
    static const struct rp_config_section var = {path, list, RP_COUNT(list)}

/* ---- small objects ---- */

static const struct rp_config_field clients_fields[] = {
    SWITCH(rp_config, browser, "true",
           "sessions of browsers and other WebSocket clients; `true` is short for "
           "`{\"enabled\": true}`"),
    SWITCH(rp_config, twilio, "false", "telephone calls through Twilio"),
};
SECTION(clients, "clients", clients_fields);

static const struct rp_config_field vad_fields[] = {
    BOOLEAN(rp_config_vad, enabled, "true",
            "the client runs a voice detector of its own (hints only: the server has one too)"),
    BOOLEAN(rp_config_vad, gate_audio, "false",
            "the client sends no audio while its detector hears nobody; saves traffic, costs the "
            "words until its next onset after each answer"),
    WHOLE(rp_config_vad, buffer_frames, 0, 100, "10",
          "pre-roll that a gated client sends first, in pieces of about 100 ms"),
    ROW(rp_config_vad, model, CHOICE, "the client's detector", .choices = "v5|legacy",
        .fallback = "v5"),
    REAL(rp_config_vad, positive_speech_threshold, 0, 1, "0.15", "above it is speech"),
    REAL(rp_config_vad, negative_speech_threshold, 0, 1, "0.05", "below it is none"),
    WHOLE(rp_config_vad, redemption_frames, 0, 1000, "4",
          "frames without speech before the client says that it has ended"),
    WHOLE(rp_config_vad, min_speech_frames, 0, 1000, "2", "shorter speech is taken for noise"),
    WHOLE(rp_config_vad, pre_speech_pad_frames, 0, 1000, "0", "frames put before the speech"),
    WHOLE(rp_config_vad, frame_samples, 128, 4096, "512",
          "samples in one frame of the client's detector"),
};
SECTION(vad, "vad", vad_fields);

static const struct rp_config_field recording_fields[] = {
    {.key = "enabled",
     .kind = RP_CONFIG_ON_OFF,
     .offset = 0,
     .required = true,
     .help = "record the calls of this agent; without it the server's default holds"},
};
SECTION(recording, "recording", recording_fields);

#define CUSTOM_HEADERS                                                                             \
    ROW(rp_config_hook, custom_headers, HEADERS,                                                   \
        "headers to send along; `Content-Type`, the signature and the like may not be set")
#define CUSTOM_METADATA                                                                            \
    ROW(rp_config_hook, custom_metadata, OBJECT, "any JSON, sent along as `custom_metadata`")

static const struct rp_config_field session_webhook_fields[] = {
    URL(rp_config_hook, url, true, "where session events are posted"),
    EVENTS(rp_config_hook, events, "session.start|session.end|session.update",
           "session.start|session.end|session.update", "which ones"),
    CUSTOM_HEADERS,
    CUSTOM_METADATA,
};
SECTION(session_webhook, "session_webhook", session_webhook_fields);

/* ---- options of plugins ---- */

static const struct rp_config_field webhook_fields[] = {
    URL(rp_config_hook, url, false,
        "your backend; without one (or with \"\") the demo agent answers"),
    EVENTS(rp_config_hook, events, RP_CONFIG_EVENT_NAMES, "message|session.start",
           "what is sent besides `message`, which always is: `data`, a greeting (`welcome`, or its "
           "older name `session.start`), and the older way to get `session.end` and "
           "`session.update`"),
    CUSTOM_HEADERS,
    CUSTOM_METADATA,
    WHOLE(
        rp_config_hook, connect_timeout_ms, 100, 60000, NULL,
        "for name, connection and TLS; without it the server's default holds, as for the next two"),
    WHOLE(rp_config_hook, first_byte_timeout_ms, 100, 600000, NULL,
          "from the request to the first byte of the answer"),
    WHOLE(rp_config_hook, idle_timeout_ms, 100, 600000, NULL,
          "between two pieces of a streamed answer"),
};
SECTION(webhook, "plugins[agent.webhook].options", webhook_fields);

static const struct rp_config_field llm_fields[] = {
    TEXT(rp_config_llm, provider, 100, true, "whose API, e.g. `openai`"),
    TEXT(rp_config_llm, model_id, 200, true, "the model"),
    TEXT(rp_config_llm, system_prompt, 65536, false, "what the agent is told about its task"),
    TEXT(rp_config_llm, welcome_message, 4096, false, "spoken when the session opens"),
    URL(rp_config_llm, base_url, false, "another server with the same API"),
    SECRET(rp_config_llm, api_key, "key for the provider; kept encrypted, never given out again"),
};
SECTION(llm, "plugins[agent.llm].options", llm_fields);

#define MODEL_ID TEXT(rp_config_engine, model_id, 200, false, "the provider's model")
#define LANGUAGE TEXT(rp_config_engine, language, 35, false, "language tag, e.g. `en`")
#define ENGINE_KEY                                                                                 \
    SECRET(rp_config_engine, api_key, "key for the provider; kept encrypted, never given out again")

static const struct rp_config_field stt_fields[] = {MODEL_ID, LANGUAGE, ENGINE_KEY};
SECTION(stt, "plugins[stt.*].options", stt_fields);

static const struct rp_config_field tts_fields[] = {
    MODEL_ID,
    LANGUAGE,
    ENGINE_KEY,
    TEXT(rp_config_engine, voice_id, 200, false, "the provider's voice"),
};
SECTION(tts, "plugins[tts.*].options", tts_fields);

const struct rp_config_section rp_config_no_options = {"plugins[agent.demo].options", NULL, 0};

#define PLUGIN(use, link, options, member)                                                         \
    {                                                                                              \
        use, RP_CONFIG_LINK_##link, options, offsetof(struct rp_config, member)                    \
    }
#define STT(name) PLUGIN("stt." name, STT, &stt, stt)
#define TTS(name) PLUGIN("tts." name, TTS, &tts, tts)
const struct rp_config_plugin rp_config_plugins[] = {
    STT("local"),
    STT("deepgram"),
    STT("assemblyai"),
    STT("openai"),
    PLUGIN("turn_manager", TURN, NULL, turn),
    PLUGIN("agent.webhook", AGENT, &webhook, webhook),
    PLUGIN("agent.llm", AGENT, &llm, llm),
    PLUGIN("agent.demo", AGENT, &rp_config_no_options, webhook),
    TTS("local"),
    TTS("rime"),
    TTS("cartesia"),
    TTS("elevenlabs"),
    TTS("inworld"),
    TTS("deepgram"),
    TTS("openai"),
};
const size_t rp_config_plugin_count = RP_COUNT(rp_config_plugins);

/* ---- the whole ---- */

static const struct rp_config_field root_fields[] = {
    {.key = "type",
     .kind = RP_CONFIG_CHOICE,
     .offset = RP_CONFIG_NOWHERE,
     .choices = "voice",
     .fallback = "voice",
     .help = "the kind of agent"},
    {.key = "clients",
     .kind = RP_CONFIG_SECTION,
     .offset = 0,
     .section = &clients,
     .required = true,
     .help = "who may open sessions"},
    {.key = "plugins",
     .kind = RP_CONFIG_ANYTHING,
     .offset = RP_CONFIG_NOWHERE,
     .required = true,
     .help = "the pipeline: `{\"use\": name, \"options\": {…}}`, at most one each of `stt.*`, "
             "`turn_manager`, `agent.*`, `tts.*`"},
    ROW(rp_config, metadata, OBJECT,
        "any JSON, sent along with every webhook; keys of the session's own `metadata` win"),
    PART(rp_config, session_webhook, &session_webhook, false,
         "tells another URL when sessions start and end"),
    {.key = "session_duration_timeout_minutes",
     .kind = RP_CONFIG_INT,
     .offset = offsetof(struct rp_config, max_duration_ms),
     .least = 1,
     .most = 1440,
     .scale = 60000,
     .fallback = "30",
     .help = "a session ends after this"},
    PART(rp_config, vad, &vad, false,
         "settings for the voice detector in the browser, handed on to it"),
    PART(rp_config, recording, &recording, false, "whether calls are recorded"),
};
const struct rp_config_section rp_config_root = {"", root_fields, RP_COUNT(root_fields)};

/* ---- the table as documentation ---- */

/* Rows in the order of the docs: each section after the field that holds it, then the plugins'. */
static const struct rp_config_section *const doc_sections[] = {
    &rp_config_root, &clients, &vad, &recording, &session_webhook, &webhook, &llm, &stt, &tts,
};

size_t rp_config_row_count(void)
{
    size_t n = rp_turn_option_count;

    for (size_t i = 0; i < RP_COUNT(doc_sections); i++)
        n += doc_sections[i]->n;
    return n;
}

static const char *type_text(enum rp_config_kind kind)
{
    switch (kind) {
    case RP_CONFIG_BOOL:
    case RP_CONFIG_ON_OFF:
        return "boolean";
    case RP_CONFIG_SWITCH:
        return "boolean or object";
    case RP_CONFIG_INT:
        return "whole number";
    case RP_CONFIG_REAL:
        return "number";
    case RP_CONFIG_TEXT:
    case RP_CONFIG_CHOICE:
        return "string";
    case RP_CONFIG_URL:
        return "URL";
    case RP_CONFIG_OBJECT:
    case RP_CONFIG_SECTION:
        return "object";
    case RP_CONFIG_HEADERS:
        return "object of strings";
    case RP_CONFIG_EVENTS:
        return "array of strings";
    case RP_CONFIG_ANYTHING:
        break;
    }
    return "array";
}

static void range_text(char *out, size_t size, const struct rp_config_field *f)
{
    if (f->choices)
        (void)snprintf(out, size, "%s", f->choices);
    else if (f->kind == RP_CONFIG_INT || f->kind == RP_CONFIG_REAL)
        (void)snprintf(out, size, "%g to %g", f->least, f->most);
    else if (f->kind == RP_CONFIG_TEXT)
        (void)snprintf(out, size, "up to %g bytes", f->most);
    else
        *out = '\0';
}

static void turn_row(size_t i, struct rp_config_row *out)
{
    static const char *const types[] = {"boolean", "whole number", "whole number", "string",
                                        "string"};
    const struct rp_turn_option *opt = &rp_turn_option_table[i];

    (void)snprintf(out->path, sizeof(out->path), "plugins[turn_manager].options.%s", opt->name);
    out->type = types[opt->kind];
    out->help = opt->help;
    out->range[0] = '\0';
    switch (opt->kind) {
    case RP_TURN_OPTION_BOOL:
        (void)snprintf(out->fallback, sizeof(out->fallback), "%s", opt->number ? "true" : "false");
        break;
    case RP_TURN_OPTION_MS:
    case RP_TURN_OPTION_COUNT:
        (void)snprintf(out->range, sizeof(out->range), "%d to %d", opt->least, opt->most);
        (void)snprintf(out->fallback, sizeof(out->fallback), "%d", opt->number);
        break;
    case RP_TURN_OPTION_CHOICE: {
        struct rp_str rest = rp_str_z(opt->choices), word = rp_str_split(&rest, '|');

        for (int32_t n = opt->number; n > 0; n--)
            word = rp_str_split(&rest, '|');
        (void)snprintf(out->range, sizeof(out->range), "%s", opt->choices);
        (void)snprintf(out->fallback, sizeof(out->fallback), "%.*s", RP_STR_ARG(word));
        break;
    }
    case RP_TURN_OPTION_TEXT:
        (void)snprintf(out->range, sizeof(out->range), "up to %d bytes", opt->most);
        (void)snprintf(out->fallback, sizeof(out->fallback), "%s", opt->text);
        break;
    }
}

void rp_config_row_get(size_t i, struct rp_config_row *out)
{
    RP_ASSERT(i < rp_config_row_count());
    for (size_t s = 0; s < RP_COUNT(doc_sections); s++) {
        const struct rp_config_section *section = doc_sections[s];

        if (i < section->n) {
            const struct rp_config_field *f = &section->fields[i];

            (void)snprintf(out->path, sizeof(out->path), "%s%s%s", section->doc_path,
                           section->doc_path[0] ? "." : "", f->key);
            range_text(out->range, sizeof(out->range), f);
            (void)snprintf(out->fallback, sizeof(out->fallback), "%s",
                           f->required   ? "(required)"
                           : f->fallback ? f->fallback
                                         : "");
            out->type = type_text(f->kind);
            out->help = f->help;
            return;
        }
        i -= section->n;
    }
    turn_row(i, out);
}
