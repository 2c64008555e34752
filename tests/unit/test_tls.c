/* Tests of TLS: server, HTTP client and WebSocket client, with certificates made here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/resolve.h"
#include "net/tls.h"
#include "net_call.h"
#include "net_cert.h"
#include "net_server.h"
#include "net_ws.h"
#include "tests.h"

struct world {
    char dir[64], cert[80], key[80], old_cert[80];
    struct net_server server;
    struct net_client client;
    char url[64], ws_url[64];
};

static int start(void **state)
{
    static struct world w;

    (void)snprintf(w.dir, sizeof(w.dir), "/tmp/riposte-tls-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    (void)snprintf(w.cert, sizeof(w.cert), "%s/cert.pem", w.dir);
    (void)snprintf(w.old_cert, sizeof(w.old_cert), "%s/old.pem", w.dir);
    (void)snprintf(w.key, sizeof(w.key), "%s/key.pem", w.dir);
    net_cert_write(w.cert, w.key, "DNS:localhost");
    w.server.ping_every_us = w.server.close_timeout_us = 0;
    net_server_start(&w.server,
                     (struct rp_http_server_params){.tls_cert = w.cert, .tls_key = w.key});
    net_client_start(&w.client);
    (void)snprintf(w.url, sizeof(w.url), "https://localhost:%u", (unsigned)w.server.port);
    (void)snprintf(w.ws_url, sizeof(w.ws_url), "wss://localhost:%u/ws", (unsigned)w.server.port);
    *state = &w;
    return 0;
}

static int stop(void **state)
{
    struct world *w = *state;

    net_client_stop(&w->client);
    net_server_stop(&w->server);
    (void)unlink(w->cert);
    (void)unlink(w->old_cert);
    (void)unlink(w->key);
    (void)rmdir(w->dir);
    return 0;
}

/* Asks for `path` at `base`, trusting `ca`. */
static void ask(struct world *w, struct net_call *call, const char *base, const char *path,
                const char *ca)
{
    char url[128];

    *call = (struct net_call){.params = {.ca_file = ca}};
    (void)snprintf(url, sizeof(url), "%s%s", base, path);
    net_call_run(call, &w->client, "GET", url, rp_str_z(""));
}

static void https_of_all_sizes(void **state)
{
    struct world *w = *state;
    struct net_call call;

    ask(w, &call, w->url, "/info", w->cert);
    assert_int_equal(call.result.err, 0);
    assert_string_equal(call.body.p, "GET|/info|||127.0.0.1|tls");
    net_call_fini(&call);
    ask(w, &call, w->url, "/hello", w->cert);
    assert_true(call.result.timing.reused);
    net_call_fini(&call);
    ask(w, &call, w->url, "/big?5000000", w->cert);
    assert_int_equal(call.result.err, 0);
    assert_int_equal(call.body.len, 5000000);
    net_call_fini(&call);
    ask(w, &call, w->url, "/stream?1000", w->cert);
    assert_int_equal(call.result.err, 0);
    assert_int_equal(call.body.len, 9890);
    net_call_fini(&call);
}

static void who_is_not_trusted(void **state)
{
    struct world *w = *state;
    struct net_call call;
    char by_address[64];

    ask(w, &call, w->url, "/hello", NULL); /* the system does not know it */
    assert_int_equal(call.result.err, RP_EUPSTREAM);
    assert_non_null(strstr(call.why, "certificate"));
    net_call_fini(&call);
    (void)snprintf(by_address, sizeof(by_address), "https://127.0.0.1:%u",
                   (unsigned)w->server.port);
    ask(w, &call, by_address, "/hello", w->cert); /* it is for another name */
    assert_int_equal(call.result.err, RP_EUPSTREAM);
    net_call_fini(&call);
    assert_int_equal(net_latch_count(&w->server.requests), 0);
}

static void websockets_over_tls(void **state)
{
    struct world *w = *state;
    struct net_ws c = {.cb.ca_file = w->cert}, bad = {.bytes = 0};
    char *text = rp_alloc(100000), url[64];

    memset(text, 't', 100000);
    net_ws_open(&c, w->client.loop, w->ws_url);
    for (int i = 0; i < 50; i++) {
        if (i % 10 == 5)
            net_ws_send(&c, false, RP_STR("pause"));
        net_ws_send(&c, false, rp_str_n(text, 100000));
        if (i == 20)
            net_ws_pause(&c, true);
        if (i == 30)
            net_ws_pause(&c, false);
    }
    net_latch_wait(&c.message, 50);
    assert_int_equal(c.bytes, 50 * 100000);
    net_ws_close(&c, 1000, NULL);
    net_ws_fini(&c);
    assert_int_equal(c.code, 1000);
    rp_free(text);

    net_ws_connect(&bad, w->client.loop, w->ws_url);
    net_ws_fini(&bad);
    assert_string_equal(bad.reason, "TLS failed: self-signed certificate");
    bad.cb.ca_file = w->cert;
    (void)snprintf(url, sizeof(url), "wss://127.0.0.1:%u/ws", (unsigned)w->server.port);
    net_ws_connect(&bad, w->client.loop, url);
    net_ws_fini(&bad);
    assert_string_equal(bad.reason, "TLS failed: IP address mismatch");
}

static void peers_that_do_not_speak_tls(void **state)
{
    struct world *w = *state;
    struct rp_buf b;
    int fd = net_dial(w->server.port);

    rp_buf_init(&b, SIZE_MAX);
    net_send(fd, RP_STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
    net_recv_until(fd, &b, NULL); /* an alert at most */
    assert_in_range(b.len, 0, 7);
    (void)close(fd);
    fd = net_dial(w->server.port);
    net_send(fd, RP_STR("\x16\x03\x01\x02\x00\x01")); /* the beginning of a handshake */
    (void)close(fd);
    rp_buf_fini(&b);
}

struct reload {
    struct world *w;
    int err;
    char *why;
};

static void reload_on_acceptor(void *arg)
{
    struct reload *r = arg;

    r->err = rp_http_server_reload_tls(r->w->server.http, &r->why);
}

static void certificates_are_reloaded(void **state)
{
    struct world *w = *state;
    struct reload r = {.w = w};
    struct net_ws old = {.cb.ca_file = w->cert}, fresh = {.cb.ca_file = w->old_cert};
    SSL_CTX *before;
    FILE *f;

    net_ws_open(&old, w->client.loop, w->ws_url);
    assert_int_equal(rename(w->cert, w->old_cert), 0);
    net_cert_write(w->cert, w->key, "DNS:localhost");
    net_on(w->server.acceptor, reload_on_acceptor, &r);
    assert_int_equal(r.err, 0);

    /* Whoever trusts the old one alone is turned away now; who was in, is. */
    net_ws_connect(&fresh, w->client.loop, w->ws_url);
    net_ws_fini(&fresh);
    assert_int_equal(fresh.code, 1006);
    assert_non_null(strstr(fresh.reason, "TLS failed: "));
    net_ws_send(&old, false, RP_STR("still here"));
    net_latch_wait(&old.message, 1);
    net_ws_close(&old, 1000, NULL);
    net_ws_fini(&old);

    f = fopen(w->cert, "w"); /* empty */
    (void)fclose(f);
    net_on(w->server.acceptor, reload_on_acceptor, &r);
    assert_int_equal(r.err, RP_EIO);
    assert_non_null(strstr(r.why, w->cert));
    rp_free(r.why);
    /* The last good one is still served. */
    fresh.cb.ca_file = w->old_cert;
    net_ws_connect(&fresh, w->client.loop, w->ws_url);
    net_ws_fini(&fresh);
    assert_non_null(strstr(fresh.reason, "TLS failed: "));

    /* Authorities are read once, and from then on shared. */
    assert_int_equal(rp_tls_client_ctx(&before, w->old_cert), 0);
    assert_int_equal(rename(w->old_cert, w->cert), 0);
    {
        SSL_CTX *again;
        assert_int_equal(rp_tls_client_ctx(&again, w->old_cert), 0);
        assert_ptr_equal(again, before);
        SSL_CTX_free(again);
    }
    SSL_CTX_free(before);
    assert_int_equal(rp_tls_client_ctx(&before, "/nonexistent"), RP_EIO);
}

int test_tls(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(https_of_all_sizes, start, stop),
        cmocka_unit_test_setup_teardown(who_is_not_trusted, start, stop),
        cmocka_unit_test_setup_teardown(websockets_over_tls, start, stop),
        cmocka_unit_test_setup_teardown(peers_that_do_not_speak_tls, start, stop),
        cmocka_unit_test_setup_teardown(certificates_are_reloaded, start, stop),
    };
    return cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
