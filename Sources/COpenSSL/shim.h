// The one header of COpenSSL; imported by one target only. The functions stand for macros that
// Swift cannot call.
#pragma once
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

// TLS 1.2 and above; no renegotiation, no compression; memory of idle sessions is given back.
static inline int millrace_tls_set_up(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    // Sessions are resumed from tickets, which the client keeps.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

static inline int millrace_tls_no_passphrase(char *buffer, int size, int writing, void *context) {
    (void)buffer, (void)size, (void)writing, (void)context;
    return 0;
}

// A key with a passphrase is refused instead of asked about on the terminal.
static inline void millrace_tls_ask_nobody(SSL_CTX *context) {
    SSL_CTX_set_default_passwd_cb(context, millrace_tls_no_passphrase);
}

// The name in the handshake; 1 on success.
static inline long millrace_tls_set_server_name(SSL *session, const char *name) {
    return SSL_set_tlsext_host_name(session, name);
}
