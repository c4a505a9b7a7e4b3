/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker: one dump in a process of its own, by the library. */
#include "worker.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "common/report.h"
#include "common/job.h"
#include "common/spool.h"
#include "base/json.h"
#include "known.h"
#include "common/log.h"

#define EVERY_NS 200000000ULL

struct progress {
	uint64_t last_ns;
	int phase;
	unsigned round;
	bool captured;
	int spool;          /* the folder of the dump */
	uint64_t keep_free; /* bytes that its file system must have */
	bool no_room;       /* it has not */
};

static volatile int cancelled; /* set by the signal handler, read by the library */

static void on_signal(int sig)
{
	(void)sig;
	cancelled = 1;
}

/* Nothing that it needs is given up; what is left is what /dev/xen/privcmd allows, which is much. */
static void restrict_self(void)
{
	const struct rlimit none = { 0, 0 };
	struct sigaction a = { .sa_handler = on_signal };

	(void)umask(077);
	(void)setrlimit(RLIMIT_CORE, &none); /* our memory holds pieces of the guest's */
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)sigemptyset(&a.sa_mask);
	(void)sigaction(SIGTERM, &a, NULL);
	(void)sigaction(SIGINT, &a, NULL);
	a.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &a, NULL);
	(void)sigaction(SIGXFSZ, &a, NULL);
	/* The same, told at once. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
}

/* Others write to this file system, too, and what the dump would take was reckoned, not known. */
static void check_room(struct progress *p)
{
	uint64_t room;

	if (!p->no_room && xd_spool_room(p->spool, &room) == 0 && room < p->keep_free) {
		p->no_room = true;
		cancelled = 1;
	}
}

static void on_progress(void *data, const struct xldump_progress *now)
{
	struct progress *p = data;
	/* What `finish' says while the guest is still being read has numbers, or says that it stands. */
	bool captured = now->phase >= XLDUMP_PHASE_FINISH && !now->guest_stopped && !now->pages_total;
	struct timespec t;
	uint64_t ns;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	if ((int)now->phase == p->phase && now->round == p->round && ns - p->last_ns < EVERY_NS &&
	    captured == p->captured)
		return;
	check_room(p);
	p->last_ns = ns;
	p->phase = (int)now->phase;
	p->round = now->round;
	p->captured = captured;
	(void)printf("{\"progress\":{\"phase\":\"%s\",\"round\":%u,\"done\":%" PRIu64
		     ",\"total\":%" PRIu64 ",\"captured\":%s}}\n",
		     xldump_phase_name(now->phase), now->round, now->pages_done, now->pages_total,
		     captured ? "true" : "false");
	/* Nobody listens: the daemon is gone, and its successor begins anew. */
	if (fflush(stdout) != 0)
		cancelled = 1;
}

static int read_job(struct xl_ctx *x, struct xd_job *ret)
{
	_cleanup_json_ struct json_object *o = NULL;
	char text[65536];
	size_t n = fread(text, 1, sizeof(text) - 1, stdin);

	text[n] = '\0';
	o = json_tokener_parse(text);
	return xd_job_from_json(x, o, ret);
}

static int fail(struct xldump *xl, const char *text, enum xldump_cause cause)
{
	if (cause == XLDUMP_CAUSE_NONE)
		cause = XLDUMP_CAUSE_OTHER;
	report_error_json(stdout, text, cause);
	(void)fflush(stdout);
	xldump_close(xl);
	return (int)cause;
}

static int open_folder(const char *file)
{
	char dir[XD_PATH_MAX], *slash;

	(void)snprintf(dir, sizeof(dir), "%s", file);
	slash = strrchr(dir, '/');
	if (!slash)
		return -1;
	*slash = '\0';
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int xd_worker_main(void)
{
	struct xd_job job;
	struct progress p = { .phase = -1 };
	struct xldump_result result = { .sz = sizeof(result) };
	struct xldump_options o = { .sz = sizeof(o), .cancel = &cancelled };
	struct xl_ctx x = { 0 };
	struct xldump *xl;

	if (isatty(STDIN_FILENO)) {
		(void)fprintf(stderr, "xldumpd: only xldumpd itself may use --worker\n");
		return XLDUMP_CAUSE_USAGE;
	}
	restrict_self();
	if (read_job(&x, &job) < 0)
		return fail(NULL, x.err, XLDUMP_CAUSE_USAGE);
	o.progress = on_progress;
	o.progress_data = &p;
	xd_settings_apply(&job.set, &o);
	p.keep_free = job.keep_free;
	p.spool = open_folder(job.file);
	if (xldump_open(&xl, xd_log_library, NULL) < 0 ||
	    xldump_dump(xl, &job.dom, job.file, &o, &result) < 0)
		return p.no_room ? fail(xl, "the file system of the dumps has less free than keep_free_mib says",
					XLDUMP_CAUSE_NO_SPACE) :
		       fail(xl, xl ? xldump_error(xl) : strerror(ENOMEM),
			    xl ? xldump_error_cause(xl) : XLDUMP_CAUSE_OTHER);
	report_json(stdout, &result, job.file, o.format);
	(void)fflush(stdout);
	xldump_close(xl);
	return 0;
}

int xd_learn_main(void)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct xldump_panic_mark mark;
	struct xd_job job;
	struct xl_ctx x = { 0 };
	struct xldump *xl;

	if (isatty(STDIN_FILENO))
		return XLDUMP_CAUSE_USAGE;
	restrict_self();
	(void)nice(10); /* nobody waits for it */
	if (read_job(&x, &job) < 0)
		return fail(NULL, x.err, XLDUMP_CAUSE_USAGE);
	if (xldump_open(&xl, xd_log_library, NULL) < 0 ||
	    xldump_panic_learn(xl, &job.dom, &cancelled, &mark) < 0)
		return fail(xl, xl ? xldump_error(xl) : strerror(ENOMEM), XLDUMP_CAUSE_OTHER);
	xd_mark_to_json(o, &mark);
	(void)printf("%s\n", xl_json_line(o));
	(void)fflush(stdout);
	xldump_close(xl);
	return 0;
}
