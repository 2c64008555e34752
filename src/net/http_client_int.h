/* What the two halves of the HTTP client share: http_client.c (libcurl's multi handle on the loop)
 * and http_call.c (one request). */
#ifndef RP_NET_HTTP_CLIENT_INT_H
#define RP_NET_HTTP_CLIENT_INT_H

#include <curl/curl.h>

#include "codec/url.h"
#include "net/http_client.h"
#include "net/resolve.h"

struct rp_http_client {
    struct rp_loop *loop;
    CURLM *multi;
    struct rp_timer timer; /* that libcurl asked for */
    struct rp_list calls;
    struct rp_list doomed; /* cancelled from inside a callback of libcurl */
    bool in_curl;          /* inside a function of libcurl that may call back */
    size_t npolls;         /* watched sockets, also those being closed */
    bool closing;
    struct rp_msg close_msg;
    void (*done)(void *arg);
    void *done_arg;
};

struct rp_http_call {
    struct rp_node node; /* in calls or doomed */
    struct rp_http_client *client;
    struct rp_http_call_cb cb;
    void *arg;
    CURL *easy;
    struct curl_slist *headers, *addrs;
    struct rp_lookup *lookup; /* while it is under way */
    char host[256];           /* "": an address, not a name */
    uint16_t port;
    bool in_multi;
    bool ended_by_curl; /* it has reported the end itself */
    struct rp_msg msg;  /* deferred: goes on after a pause */
    bool msg_queued;
    bool is_over; /* everything but this struct has been released; the message frees it */

    char *body;
    size_t body_len, body_sent;
    size_t received, max_response;
    bool has_headers; /* the final header section has come */
    bool paused;      /* by the owner */
    bool stopped;     /* libcurl has been told to pause, and holds data for us */

    int64_t started_us, total_deadline_us, deadline_us;
    int64_t first_byte_timeout_us, idle_timeout_us;
    const char *doing; /* what the deadline is for: "connecting" */
    struct rp_timer timer;
    struct rp_http_timing timing;
    int err; /* found by a callback of ours, which then made libcurl stop */
    const char *err_why;
    char curl_why[CURL_ERROR_SIZE];
};

/* Runs libcurl for a socket or a timeout, then what came of it. */
void rp_http_client_run(struct rp_http_client *c, curl_socket_t fd, int flags);
/* The look-up is done: hands the call to libcurl. */
int rp_http_client_add(struct rp_http_client *c, struct rp_http_call *call);

/* Ends a call: takes it from libcurl, tells its owner, frees it. */
void rp_http_call_finish(struct rp_http_call *call, int err, const char *why);
/* The same with libcurl's verdict. */
void rp_http_call_finish_curl(struct rp_http_call *call, CURLcode code);
/* Frees it without a word; not inside libcurl. */
void rp_http_call_free(struct rp_http_call *call);

#endif
