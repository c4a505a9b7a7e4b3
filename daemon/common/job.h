/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One dump that is to be made, is being made, or was made. */
#ifndef XLDUMP_DAEMON_JOB_H
#define XLDUMP_DAEMON_JOB_H

#include <json-c/json.h>
#include <sys/types.h>

#include "base/ctx.h"
#include "common/settings.h"

#define XD_ID_MAX 49 /* with its NUL */
#define XD_PATH_MAX 512
#define XD_UUID_MAX 37

enum xd_trigger {
	XD_TRIGGER_REQUEST,
	XD_TRIGGER_TIMER,
	XD_TRIGGER_CRASH, /* it went down with the reason crash or watchdog */
	XD_TRIGGER_PANIC, /* its kernel panicked, and it went down in another way */
	_XD_TRIGGER_MAX
};

enum xd_state {
	XD_QUEUED,
	XD_RUNNING,
	XD_DONE,
	XD_FAILED,
	XD_REFUSED,
	XD_CANCELLED,
	_XD_STATE_MAX
};

/* Why something is not done.  The words are the interface: xldump-xenstore(7). */
enum xd_refusal {
	XD_OK,
	XD_REFUSED_INCOMPLETE,
	XD_REFUSED_BAD_VALUE,
	XD_REFUSED_NOT_OURS,  /* a node of the request belongs to, or is writable by, a guest */
	XD_REFUSED_NO_DOMAIN,
	XD_REFUSED_DOMAIN0,
	XD_REFUSED_DISABLED,
	XD_REFUSED_COREDUMP,  /* on_crash is coredump-*: xl dumps it */
	XD_REFUSED_DUPLICATE, /* this domain has one that waits or runs */
	XD_REFUSED_TOO_SOON,
	XD_REFUSED_QUEUE_FULL,
	XD_REFUSED_NO_SPACE,
	_XD_REFUSAL_MAX
};

/* What libxl does to a domain that crashed, or went down otherwise. */
enum xd_action {
	XD_ACTION_UNKNOWN, /* not a domain of libxl */
	XD_ACTION_DESTROY,
	XD_ACTION_RESTART,
	XD_ACTION_RENAME_RESTART,
	XD_ACTION_PRESERVE,
	XD_ACTION_COREDUMP_DESTROY,
	XD_ACTION_COREDUMP_RESTART,
	XD_ACTION_SOFT_RESET,
	_XD_ACTION_MAX
};

struct xd_job {
	char id[XD_ID_MAX];
	uint64_t seq; /* order, and a part of the file's name; never used twice */
	enum xd_trigger trigger;
	enum xd_state state;
	struct xldump_domain dom;
	struct xd_settings set;
	unsigned shutdown_reason; /* of a crash */
	enum xd_action action;    /* of libxl, for this reason */
	char file[XD_PATH_MAX];   /* where the dump will be; "": not yet known */
	uint64_t since;           /* CLOCK_REALTIME, s: for people alone */
	uint64_t asked_at;        /* CLOCK_BOOTTIME, s */
	uint64_t not_before;      /* the same */
	unsigned attempts;
	uint64_t keep_free;       /* bytes: its worker stops when the file system has less */
	char boot[XD_UUID_MAX];   /* of the host: domains do not outlive it */

	/* How it ended. */
	char error[XL_ERR_MAX];
	char reason[32];

	/* Only while it runs, or as long as this daemon does. */
	pid_t pid;
	int hold;                 /* descriptor of libxl's lock that is held for it; -1 */
	int spool;                /* the folder that it was begun in; -1 */
	bool level_raised;        /* the dump level, for lack of room */
	unsigned level_asked;     /* what it was before */
	uint64_t reserved;        /* bytes that it is expected to write yet */
	bool cancel;              /* it is to end */
	bool timed_out;
};

#define XD_JOB_INIT { .hold = -1, .spool = -1, .dom = { .sz = sizeof(struct xldump_domain) } }

static inline bool xd_state_final(enum xd_state s)
{
	return s >= XD_DONE;
}

static inline bool xd_trigger_crashed(enum xd_trigger t)
{
	return t == XD_TRIGGER_CRASH || t == XD_TRIGGER_PANIC;
}

/* "queued", "no-domain", "rename-restart" and so on. */
const char *xd_trigger_name(enum xd_trigger t);
const char *xd_state_name(enum xd_state s);
const char *xd_refusal_name(enum xd_refusal r);
const char *xd_refusal_text(enum xd_refusal r);
const char *xd_action_name(enum xd_action a);

/* Of libxl's own names too, which have _ where xl has -. */
enum xd_action xd_action_parse(const char *name);

/* Whether a job can have this id, a node in xenstore and a part of the name of a file. */
bool xd_job_id_ok(const char *id);

/* Into JSON, as the queue keeps it and the worker gets it; NULL without memory. */
struct json_object *xd_job_to_json(const struct xd_job *job);

/* Back; everything is checked, for the file may be anything.  -EINVAL with words. */
int xd_job_from_json(struct xl_ctx *x, struct json_object *o, struct xd_job *ret);

#endif
