/* Self-signed certificates, made at test time. */
#ifndef RP_NET_CERT_H
#define RP_NET_CERT_H

/* Writes a new key and a certificate for `san`, e.g. "DNS:localhost", as PEM files. */
void net_cert_write(const char *cert_file, const char *key_file, const char *san);

#endif
