/* One HTTP request through libcurl; see http_client.h.
 *
 *     start ─► look-up ─► connecting ─► sending ─► waiting for an answer ─► receiving ─► done
 *              └── connect timeout ──┘  └────── first-byte timeout ─────┘  └ idle ┘
 *
 * One timer stands for whichever deadline is next. It is moved lazily: every piece of data moves
 * the deadline, the timer finds out when it fires. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/http_client_int.h"
#include "net/http_parse.h"
#include "net/tls.h"

#define CONNECT_TIMEOUT_US    5000000
#define FIRST_BYTE_TIMEOUT_US 30000000
#define IDLE_TIMEOUT_US       30000000
#define MAX_RESPONSE          ((size_t)16 << 20)

static int64_t since_start(const struct rp_http_call *call)
{
    return rp_now_us() - call->started_us;
}

static void set_deadline(struct rp_http_call *call, int64_t in_us, const char *doing)
{
    int64_t now = rp_now_us();

    call->deadline_us = now + in_us;
    call->doing = doing;
    if (call->total_deadline_us && call->total_deadline_us < call->deadline_us) {
        call->deadline_us = call->total_deadline_us;
        call->doing = "waiting for the whole of it";
    }
    if (!call->timer.armed || call->timer.due_us > call->deadline_us)
        rp_timer_start(&call->timer, call->deadline_us - now);
}

static void on_timer(struct rp_timer *timer)
{
    struct rp_http_call *call = RP_CONTAINER_OF(timer, struct rp_http_call, timer);
    int64_t now = rp_now_us();
    char why[128];

    /* The owner has stopped the data: only the total time counts. */
    if (call->paused && !(call->total_deadline_us && now >= call->total_deadline_us)) {
        if (call->total_deadline_us)
            rp_timer_start(timer, call->total_deadline_us - now);
        return;
    }
    if (now < call->deadline_us) {
        rp_timer_start(timer, call->deadline_us - now);
        return;
    }
    (void)snprintf(why, sizeof(why), "timed out while %s", call->doing);
    rp_http_call_finish(call, RP_ETIMEOUT, why);
}

/* Callbacks of libcurl. */

/* Connected and about to send; also on a connection from the pool. */
static int on_connected(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct rp_http_call *call = arg;
    long connects = 1;

    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    (void)curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &connects);
    call->timing.reused = connects == 0;
    call->timing.connected = since_start(call);
    if (call->body_len == 0)
        call->timing.sent = call->timing.connected;
    set_deadline(call, call->first_byte_timeout_us, "waiting for the answer");
    return CURL_PREREQFUNC_OK;
}

static size_t on_body_wanted(char *to, size_t size, size_t nmemb, void *arg)
{
    struct rp_http_call *call = arg;
    size_t n = RP_MIN(size * nmemb, call->body_len - call->body_sent);

    memcpy(to, call->body + call->body_sent, n);
    call->body_sent += n;
    if (call->body_sent == call->body_len) {
        call->timing.sent = since_start(call);
        set_deadline(call, call->first_byte_timeout_us, "waiting for the answer");
    }
    return n;
}

/* A pooled connection turned out to be dead: the body goes out again. */
static int on_body_rewound(void *arg, curl_off_t offset, int origin)
{
    struct rp_http_call *call = arg;

    if (origin != SEEK_SET || offset < 0 || (size_t)offset > call->body_len)
        return CURL_SEEKFUNC_FAIL;
    call->body_sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static bool is_doomed(const struct rp_http_call *call)
{
    return !call->cb.done;
}

static size_t on_header(char *line, size_t size, size_t nmemb, void *arg)
{
    struct rp_http_call *call = arg;
    size_t len = size * nmemb;
    long status = 0;
    char *type = NULL;

    if (is_doomed(call))
        return 0;
    if (call->timing.first_byte < 0)
        call->timing.first_byte = since_start(call);
    set_deadline(call, call->idle_timeout_us, "receiving the answer");
    if (call->has_headers || !(len == 2 && line[0] == '\r'))
        return len;
    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200)
        return len;
    call->has_headers = true;
    (void)curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
    if (call->cb.headers)
        call->cb.headers(call, (int)status, rp_str_z(type), call->arg);
    return is_doomed(call) ? 0 : len;
}

static size_t on_data(char *data, size_t size, size_t nmemb, void *arg)
{
    struct rp_http_call *call = arg;
    size_t len = size * nmemb;

    if (is_doomed(call))
        return 0;
    if (call->paused) {
        call->stopped = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (len > call->max_response - call->received) {
        call->err = RP_ELIMIT;
        call->err_why = "the answer is too large";
        return 0;
    }
    call->received += len;
    set_deadline(call, call->idle_timeout_us, "receiving the answer");
    if (len && call->cb.data)
        call->cb.data(call, rp_str_n(data, len), call->arg);
    return is_doomed(call) ? 0 : len;
}

/* The last line of defence: whatever way libcurl came by the address. */
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
    struct rp_http_call *call = arg;

    (void)purpose;
    if (rp_addr_denied(&addr->addr)) {
        call->err = RP_EDENIED;
        call->err_why = "the host has a link-local address, where requests are not sent";
        return CURL_SOCKET_BAD;
    }
    return socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
}

/* libcurl would read the system's bundle, all of it, once for each loop and on the loop. */
static CURLcode on_ssl_ctx(CURL *easy, void *ctx, void *arg)
{
    SSL_CTX *ours;

    (void)easy;
    (void)arg;
    if (rp_tls_client_ctx(&ours, NULL) != 0)
        return CURLE_SSL_CACERT_BADFILE;
    SSL_CTX_set1_cert_store(ctx, SSL_CTX_get_cert_store(ours));
    SSL_CTX_free(ours);
    return CURLE_OK;
}

/* The end. */

/* Takes the call from libcurl, at once also in the middle of the answer. With HTTP/1 that closes
 * the connection. With HTTP/2 libcurl 7.88 only notes down the reset of the stream, and sends it
 * when the connection has other business: where other requests share it, at the latest when the
 * next piece of this answer comes; else the connection is closed as well (FORBID_REUSE). */
static void leave_curl(struct rp_http_call *call)
{
    if (!call->in_multi)
        return;
    if (!call->ended_by_curl)
        (void)curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
    (void)curl_multi_remove_handle(call->client->multi, call->easy);
    call->in_multi = false;
}

void rp_http_call_free(struct rp_http_call *call)
{
    rp_list_remove(&call->node);
    rp_resolve_cancel(call->lookup);
    rp_timer_stop(&call->timer);
    leave_curl(call);
    if (call->easy)
        curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->addrs);
    rp_free(call->body);
    call->is_over = true;
    if (!call->msg_queued)
        rp_free(call);
}

void rp_http_call_finish(struct rp_http_call *call, int err, const char *why)
{
    struct rp_http_result result = {.err = err, .why = err ? why : NULL};
    void (*done)(struct rp_http_call * c, const struct rp_http_result *r, void *arg) =
        call->cb.done;
    long status = 0;

    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    call->timing.done = since_start(call);
    result.status = call->has_headers ? (int)status : 0;
    result.timing = call->timing;
    result.received = call->received;
    /* Out of libcurl first: the owner may start, cancel, or end anything in its callback. */
    leave_curl(call);
    rp_timer_stop(&call->timer);
    rp_list_remove(&call->node);
    done(call, &result, call->arg);
    rp_http_call_free(call);
}

void rp_http_call_finish_curl(struct rp_http_call *call, CURLcode code)
{
    const char *why = call->curl_why[0] ? call->curl_why : curl_easy_strerror(code);
    char copy[CURL_ERROR_SIZE];
    int err;

    call->ended_by_curl = true;
    if (code == CURLE_OK)
        err = 0;
    else if (call->err)
        err = call->err;
    else if (code == CURLE_OUT_OF_MEMORY)
        err = RP_ENOMEM;
    else if (code == CURLE_COULDNT_RESOLVE_HOST)
        err = RP_ENOTFOUND;
    else if (code == CURLE_OPERATION_TIMEDOUT)
        err = RP_ETIMEOUT;
    else
        err = RP_EUPSTREAM;
    (void)snprintf(copy, sizeof(copy), "%s", call->err ? call->err_why : why);
    rp_http_call_finish(call, err, copy);
}

void rp_http_call_cancel(struct rp_http_call *call)
{
    struct rp_http_client *c = call->client;

    RP_ON_LOOP(c->loop);
    RP_ASSERT(!is_doomed(call));
    call->cb = (struct rp_http_call_cb){.done = NULL};
    if (!c->in_curl) {
        rp_http_call_free(call);
        return;
    }
    rp_timer_stop(&call->timer);
    rp_list_remove(&call->node);
    rp_list_append(&c->doomed, &call->node);
}

void rp_http_call_timing(const struct rp_http_call *call, struct rp_http_timing *out)
{
    *out = call->timing;
}

/* Pausing. */

static void on_msg(struct rp_msg *msg)
{
    struct rp_http_call *call = RP_CONTAINER_OF(msg, struct rp_http_call, msg);
    struct rp_http_client *c = call->client;

    call->msg_queued = false;
    if (call->is_over) {
        rp_free(call);
        return;
    }
    if (call->paused || !call->in_multi)
        return;
    set_deadline(call, call->idle_timeout_us, "receiving the answer");
    if (!call->stopped)
        return;
    call->stopped = false;
    c->in_curl = true; /* it hands over at once what it holds */
    (void)curl_easy_pause(call->easy, CURLPAUSE_CONT);
    c->in_curl = false;
    rp_http_client_run(c, CURL_SOCKET_TIMEOUT, 0);
}

void rp_http_call_pause(struct rp_http_call *call, bool paused)
{
    RP_ON_LOOP(call->client->loop);
    if (call->paused == paused)
        return;
    call->paused = paused;
    if (!paused && !call->msg_queued) {
        call->msg_queued = true;
        rp_loop_defer(call->client->loop, &call->msg);
    }
}

/* Beginning. */

/* "+host:port:address,address": what libcurl would ask a resolver for; the plus lets it forget. */
static int set_addrs(struct rp_http_call *call, const struct rp_resolved *result)
{
    struct rp_buf b;
    char ip[INET6_ADDRSTRLEN];

    if (!call->host[0])
        return 0;
    rp_buf_init(&b, 4096);
    (void)rp_buf_printf(&b, "+%s:%u:", call->host, (unsigned)call->port);
    for (size_t i = 0; i < result->naddrs; i++) {
        const union rp_sockaddr *a = &result->addrs[i];
        bool v6 = a->any.sa_family == AF_INET6;
        (void)inet_ntop(a->any.sa_family,
                        v6 ? (const void *)&a->v6.sin6_addr : (const void *)&a->v4.sin_addr, ip,
                        sizeof(ip));
        (void)rp_buf_printf(&b, v6 ? "%s[%s]" : "%s%s", i ? "," : "", ip);
    }
    if (!rp_buf_err(&b))
        call->addrs = curl_slist_append(NULL, b.p);
    rp_buf_fini(&b);
    if (!call->addrs)
        return RP_ENOMEM;
    (void)curl_easy_setopt(call->easy, CURLOPT_RESOLVE, call->addrs);
    return 0;
}

static void on_resolved(const struct rp_resolved *result, void *arg)
{
    struct rp_http_call *call = arg;
    int err;

    call->lookup = NULL;
    call->timing.resolved = since_start(call);
    if (result->err) {
        rp_http_call_finish(call, result->err, result->why);
        return;
    }
    err = set_addrs(call, result);
    if (!err)
        err = rp_http_client_add(call->client, call);
    if (err)
        rp_http_call_finish(call, err, "out of memory");
}

static bool has_header(const struct rp_http_call_params *p, struct rp_str name)
{
    for (size_t i = 0; i < p->nheaders; i++) {
        struct rp_str line = rp_str_z(p->headers[i]);
        if (rp_str_eq_nocase(rp_str_split(&line, ':'), name))
            return true;
    }
    return false;
}

static int add_header(struct rp_http_call *call, const char *line)
{
    struct curl_slist *list = curl_slist_append(call->headers, line);

    if (!list)
        return RP_ENOMEM;
    call->headers = list;
    return 0;
}

/* libcurl leaves out a header without a value, and sends "Name:" for "Name;". */
static int add_caller_header(struct rp_http_call *call, const char *line)
{
    struct rp_str value = rp_str_z(line), name = rp_str_split(&value, ':');
    struct rp_buf b;
    int err;

    if (!value.p || !rp_http_token_ok(name) || !rp_http_value_ok(value))
        return RP_EINVAL;
    if (rp_str_trim(value).len > 0)
        return add_header(call, line);
    rp_buf_init(&b, 4096);
    err = rp_buf_printf(&b, "%.*s;", RP_STR_ARG(name));
    if (!err)
        err = add_header(call, b.p);
    rp_buf_fini(&b);
    return err;
}

static int set_headers(struct rp_http_call *call, const struct rp_http_call_params *p)
{
    int err = add_header(call, "Expect:"); /* never wait for "100 Continue" */

    if (!err && !has_header(p, RP_STR("Content-Type")))
        err = add_header(call, "Content-Type:"); /* no guess by libcurl */
    for (size_t i = 0; i < p->nheaders && !err; i++)
        err = add_caller_header(call, p->headers[i]);
    (void)curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    return err;
}

static void set_method(struct rp_http_call *call, const char *method)
{
    CURL *e = call->easy;

    if (strcmp(method, "HEAD") == 0) {
        (void)curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
        return;
    }
    if (strcmp(method, "GET") != 0 || call->body_len) {
        (void)curl_easy_setopt(e, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
        (void)curl_easy_setopt(e, CURLOPT_READFUNCTION, on_body_wanted);
        (void)curl_easy_setopt(e, CURLOPT_READDATA, call);
        (void)curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_body_rewound);
        (void)curl_easy_setopt(e, CURLOPT_SEEKDATA, call);
        if (strcmp(method, "POST") != 0)
            (void)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
    }
}

static int64_t connect_timeout(const struct rp_http_call_params *p)
{
    return p->connect_timeout_us ? p->connect_timeout_us : CONNECT_TIMEOUT_US;
}

static void set_options(struct rp_http_call *call, const struct rp_http_call_params *p)
{
    CURL *e = call->easy;

    (void)curl_easy_setopt(e, CURLOPT_PRIVATE, (char *)call);
    (void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->curl_why);
    (void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    (void)curl_easy_setopt(e, CURLOPT_USERAGENT, "riposte/" RP_VERSION);
    (void)curl_easy_setopt(e, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
    (void)curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    /* Time is kept by on_timer; libcurl shares this out among the host's addresses. A second more,
     * so that it does not come first. */
    (void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_timeout(p) / 1000 + 1000));
    (void)curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
    (void)curl_easy_setopt(e, CURLOPT_PREREQDATA, call);
    (void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
    (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    (void)curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, call);
    (void)curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    (void)curl_easy_setopt(e, CURLOPT_CAINFO, p->ca_file);
    if (!p->ca_file)
        (void)curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
}

static int set_up(struct rp_http_call *call, const struct rp_http_call_params *p)
{
    struct rp_url url;
    int err;

    if (rp_url_parse(&url, rp_str_z(p->url), NULL) != 0 || url.websocket ||
        url.host.len >= sizeof(call->host) || !rp_http_token_ok(rp_str_z(p->method)))
        return RP_EINVAL;
    if (url.host_type == RP_URL_NAME)
        memcpy(call->host, url.host.p, url.host.len);
    call->port = url.port;
    call->easy = curl_easy_init();
    call->body_len = p->body.len;
    call->body = p->body.len ? rp_strndup(p->body.p, p->body.len) : NULL;
    if (!call->easy || (p->body.len && !call->body) ||
        curl_easy_setopt(call->easy, CURLOPT_URL, p->url) != CURLE_OK)
        return RP_ENOMEM;
    set_options(call, p);
    set_method(call, p->method);
    err = set_headers(call, p);
    if (!err)
        err = rp_resolve(&call->lookup, call->client->loop, url.host, on_resolved, call);
    return err;
}

int rp_http_call_start(struct rp_http_call **out, struct rp_http_client *c,
                       const struct rp_http_call_params *p, const struct rp_http_call_cb *cb,
                       void *arg)
{
    struct rp_http_call *call;
    int err;

    RP_ON_LOOP(c->loop);
    if (c->closing)
        return RP_ECLOSED;
    call = rp_zalloc(sizeof(*call));
    if (!call)
        return RP_ENOMEM;
    call->client = c;
    call->cb = *cb;
    call->arg = arg;
    call->started_us = rp_now_us();
    call->timing = (struct rp_http_timing){-1, -1, -1, -1, -1, false};
    call->first_byte_timeout_us =
        p->first_byte_timeout_us ? p->first_byte_timeout_us : FIRST_BYTE_TIMEOUT_US;
    call->idle_timeout_us = p->idle_timeout_us ? p->idle_timeout_us : IDLE_TIMEOUT_US;
    call->total_deadline_us = p->total_timeout_us ? call->started_us + p->total_timeout_us : 0;
    call->max_response = p->max_response ? p->max_response : MAX_RESPONSE;
    rp_timer_init(&call->timer, c->loop, on_timer);
    rp_msg_init(&call->msg, on_msg);
    err = set_up(call, p);
    if (err) {
        rp_http_call_free(call);
        return err;
    }
    rp_list_append(&c->calls, &call->node);
    set_deadline(call, connect_timeout(p), "connecting");
    *out = call;
    return 0;
}
