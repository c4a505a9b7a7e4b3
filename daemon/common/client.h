/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Talking to xldumpd through xenstore: xldump-xenstore(7). */
#ifndef XLDUMP_CLI_CLIENT_H
#define XLDUMP_CLI_CLIENT_H

#include "common/job.h"
#include "common/store.h"

/* What a request says besides its domain: each node once. */
struct client_nodes {
	struct {
		const char *name, *value;
	} node[XD_SETTINGS_OPTIONS + 1]; /* and the trigger */
	size_t n;
};

/* The last value counts. */
void client_nodes_set(struct client_nodes *n, const char *name, const char *value);

/* One request as xenstore shows it.  All texts are printable ASCII, by xl_escape(). */
struct client_job {
	char id[XD_ID_MAX], state[16], trigger[16], uuid[XD_UUID_MAX];
	char name[4 * XLDUMP_NAME_MAX + 1], progress[96], result[XD_PATH_MAX], error[XL_ERR_MAX], reason[32];
	uint64_t domid, since;
};

/* Whether there is a daemon, by its word and by its process. */
bool client_alive(struct xd_store *s);

/* An error for there being none. */
int client_check(struct xl_ctx *x, struct xd_store *s);

/* Ask for a dump: all nodes at one instant, under the name id. */
int client_request(struct xl_ctx *x, struct xd_store *s, const char *id, const char *domain,
		   const struct client_nodes *nodes);

/* A name that nobody else takes. */
void client_id(char ret[XD_ID_MAX]);

/* -ENOENT when there is no such request. */
int client_read(struct xd_store *s, const char *id, struct client_job *ret);

/* All, in the order of their last change; to be freed. */
int client_read_all(struct xl_ctx *x, struct xd_store *s, struct client_job **ret, size_t *ret_n);

int client_cancel(struct xl_ctx *x, struct xd_store *s, const char *id);

bool client_over(const struct client_job *job);

/* A text of a job for a terminal: with its letters, if that has them.  Returns buf. */
char *client_shown(const char *text, char *buf, size_t size);

/* Wait for something to change, at most so long; false on a signal, and when nothing has changed. */
bool client_wait(struct xd_store *s, int timeout_ms);

/* Wait for the end of a request, and show how it goes on standard error if that is a terminal.  What
 * *cancel says is passed on.  The exit status that its end has; *ret is its last state. */
int client_follow(struct xl_ctx *x, struct xd_store *s, const char *id, const volatile int *cancel,
		  bool quiet, struct client_job *ret);

/* {"id": ..., "state": ...} */
struct json_object *client_json(const struct client_job *job);

#endif
