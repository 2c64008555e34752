/* Names of events, actions and notes, for logs and test scripts. */
#include "base/check.h"
#include "turn/turn.h"

const char *rp_turn_event_name(enum rp_turn_event_type type)
{
    static const char *const names[] = {
#define X(name) #name,
        RP_TURN_EVENTS(X)
#undef X
    };

    return type < RP_COUNT(names) ? names[type] : "?";
}

const char *rp_turn_action_name(enum rp_turn_action_type type)
{
    static const char *const names[] = {
#define X(name) #name,
        RP_TURN_ACTIONS(X)
#undef X
    };

    return type < RP_COUNT(names) ? names[type] : "?";
}

const char *rp_turn_note_name(enum rp_turn_note note)
{
    static const char *const names[] = {
#define X(name, text) #name,
        RP_TURN_NOTES(X)
#undef X
    };

    return note < RP_COUNT(names) ? names[note] : "?";
}

const char *rp_turn_note_text(enum rp_turn_note note)
{
    static const char *const texts[] = {
#define X(name, text) text,
        RP_TURN_NOTES(X)
#undef X
    };

    return note < RP_COUNT(texts) ? texts[note] : "?";
}
