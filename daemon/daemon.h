/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of xldumpd share: trigger -> policy -> queue -> manager -> worker -> spool. */
#ifndef XLDUMP_DAEMON_DAEMON_H
#define XLDUMP_DAEMON_DAEMON_H

#include <systemd/sd-event.h>

#include "common/conf.h"
#include "hold.h"
#include "known.h"
#include "policy.h"
#include "queue.h"
#include "common/spool.h"
#include "common/store.h"

/* When a guest was dumped because it crashed: by UUID, which it keeps when it is restarted. */
struct xd_recent {
	uint8_t uuid[16];
	uint32_t domid;
	uint64_t at; /* CLOCK_BOOTTIME, s */
};

/* As many as are remembered; the oldest is forgotten. */
#define XD_RECENT 512

struct xd_worker;
struct xd_learner;

struct xd_daemon {
	struct xl_ctx x;
	sd_event *event;
	sd_event_source *store_source;
	sd_event_source *timer;

	const char *config_path;
	const char *state_dir; /* of the queue */
	const char *libxl_dir; /* where libxl has its userdata */
	struct xd_config config;
	char boot[XD_UUID_MAX];

	struct xldump *xl;
	struct xd_store *store;
	struct xd_queue queue;
	struct xd_holds holds; /* of a predecessor, until the first scan */
	int spool;

	struct xd_worker *workers; /* those that run */
	bool stopping;
	bool intake_off;           /* requests stay in xenstore until there is room in the queue */
	unsigned store_fails;      /* times in a row that xenstored could not be written to */
	bool look_again;           /* xenstored did not answer: some may not have been seen */

	struct xd_learner *learner; /* the one that runs */
	struct xd_known_all known;
	bool scanned;              /* those that were there when we started are known */
	struct xd_recent recent[XD_RECENT];
	size_t nr_recent;
};

/* ---- manager.c ---- */

/* Take up the jobs that an earlier daemon left, and what it knew of dumps. */
void xd_manager_resume(struct xd_daemon *d);

/* Put a job into the queue, if the policy says so.  Of `job`, what is not the queue's to set.
 * A crash is dumped besides a request of that guest: before one that waits, after one that runs.
 * XD_OK, or the refusal; x has words if it is not the policy's. */
enum xd_refusal xd_manager_submit(struct xd_daemon *d, const struct xd_job *job);

/* Start what can be started, and see to it that we are called when more can. */
void xd_manager_kick(struct xd_daemon *d);

/* End a job; what has ended already is left alone. */
void xd_manager_cancel(struct xd_daemon *d, struct xd_job *job);

/* No more jobs; those that run are cancelled and stay in the queue.  The loop ends when the last
 * worker has. */
void xd_manager_stop(struct xd_daemon *d);

/* Look after everything at that time of CLOCK_BOOTTIME, s, if nothing calls for it before. */
void xd_manager_wake(struct xd_daemon *d, uint64_t at);

/* The domain of a job as it is now: 1 it is there, 0 it is not or is being destroyed; negative: that
 * cannot be told. */
int xd_manager_look(struct xd_daemon *d, const struct xldump_domain *dom,
		    struct xldump_domain_state *ret);

/* One that was running is over; the job is gone when this returns. */
void xd_manager_finish(struct xd_daemon *d, struct xd_job *job, enum xd_state state,
		       const char *reason, const char *error);

/* ---- child.c ---- */

/* A process of ours in another mode of the program, with a job to read and a pipe to answer into. */
int xd_spawn(struct xl_ctx *x, const char *mode, const struct xd_job *job, int *ret_out, pid_t *ret);

/* Have the end of a process told, for certain.  The callback is also told of stops: what matters is
 * xd_child_ended(); and it must drop *ret, or be called no more. */
int xd_watch_child(struct xd_daemon *d, sd_event_source **ret, pid_t pid,
		   sd_event_child_handler_t on_child, void *data);
bool xd_child_ended(const siginfo_t *si);

/* ---- worker_run.c: the daemon's side of a worker ---- */

int xd_worker_start(struct xd_daemon *d, struct xd_job *job);
void xd_worker_stop(struct xd_daemon *d, const struct xd_job *job);
void xd_worker_stop_all(struct xd_daemon *d);
unsigned xd_worker_count(const struct xd_daemon *d);

/* How a worker ended: its last line, NULL if it said nothing, and the status of waitid(2). */
void xd_manager_ended(struct xd_daemon *d, struct xd_job *job, struct json_object *last, int code,
		      int status);

/* Its memory has been read: what held the guest can let go. */
void xd_manager_captured(struct xd_daemon *d, struct xd_job *job);

/* ---- publish.c: what xenstore shows ---- */

int xd_publish_daemon(struct xd_daemon *d);
int xd_publish_alive(struct xd_daemon *d);
void xd_publish_job(struct xd_daemon *d, const struct xd_job *job);
void xd_publish_progress(struct xd_daemon *d, const struct xd_job *job, const char *progress);
void xd_publish_refusal(struct xd_daemon *d, const char *id, enum xd_refusal why,
			const char *error);
void xd_publish_status(struct xd_daemon *d);

/* Requests that ended this long ago, in s, are removed from xenstore. */
#define XD_FORGET_AFTER 3600
void xd_publish_sweep(struct xd_daemon *d);

/* ---- trigger_request.c, trigger_crash.c ---- */

/* Look at all requests, or at the one that an event names. */
void xd_trigger_requests(struct xd_daemon *d);
void xd_trigger_request_event(struct xd_daemon *d, const char *path);

/* Look at all domains: who has crashed since? */
void xd_trigger_domains(struct xd_daemon *d);

/* ---- learn.c ---- */

/* Begin to look for a kernel that is not known yet, if it is time. */
void xd_learn(struct xd_daemon *d);
void xd_learn_stop(struct xd_daemon *d);

/* ---- after.c ---- */

/* What the policy wants done to a guest that was kept for us. */
void xd_after_crash(struct xd_daemon *d, const struct xd_job *job);

/* ---- clocks ---- */

uint64_t xd_now(void);      /* CLOCK_BOOTTIME, s */
uint64_t xd_realtime(void); /* s */

#endif
