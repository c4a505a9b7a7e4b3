/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpd: dumps guests when they crash, and when it is asked to through xenstore. */
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "clock.h"
#include "common/log.h"
#include "daemon.h"
#include "learn.h"
#include "libxl_lock.h"
#include "manager.h"
#include "policy.h"
#include "publish.h"
#include "triggers.h"
#include "worker.h"
#include "xldump_schema.h"

#define STATE_DIR "/var/lib/xldump"

/* Everything is looked at this often, whether something calls for it or not; and so often if something
 * could not be asked. */
#define LOOK_USEC (20 * 1000000ULL)
#define LOOK_AGAIN_USEC 1000000ULL

/* Of watches: what an event is about. */
#define TOKEN_DOMAINS "d"
#define TOKEN_REQUESTS "r"

static const char usage_text[] =
	"usage: xldumpd [OPTIONS]\n"
	"Dump the guests of this Xen host when they crash, and when someone asks for it\n"
	"through xenstore.\n"
	"\n"
	"  -c, --config=FILE    read this file, not " XD_CONFIG_FILE "\n"
	"  -t, --check-config   check the configuration, and exit\n"
	"      --state-dir=DIR  keep the queue here, not in " STATE_DIR "\n"
	"      --libxl-dir=DIR  where libxl describes the guests, if not " XD_LIBXL_DIR "\n"
	"  -h, --help           this text\n"
	"  -V, --version        version of xldump\n"
	"\n"
	"systemd starts it: systemctl start xldumpd.  See xldumpd(8).\n";

enum { OPT_STATE_DIR = 256, OPT_LIBXL_DIR, OPT_WORKER, OPT_LEARN };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check-config", no_argument, NULL, 't' },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "libxl-dir", required_argument, NULL, OPT_LIBXL_DIR },
	{ "worker", no_argument, NULL, OPT_WORKER }, /* for ourselves: worker_run.c, learn.c */
	{ "learn", no_argument, NULL, OPT_LEARN },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int fail(const struct xl_ctx *x)
{
	xd_log(LOG_ERR, "%s", x->err);
	return x->cause == XLDUMP_CAUSE_NONE ? XLDUMP_CAUSE_OTHER : (int)x->cause;
}

/* ---- events ---- */

static int on_store(sd_event_source *s, int fd, uint32_t events, void *data)
{
	struct xd_daemon *d = data;
	char path[512], token[16];
	int r;

	(void)s;
	(void)fd;
	(void)events;
	while ((r = xd_store_event(d->store, path, sizeof(path), token, sizeof(token))) > 0) {
		if (token[0] == TOKEN_DOMAINS[0])
			xd_trigger_domains(d);
		else
			xd_trigger_request_event(d, path);
	}
	if (r < 0) {
		xd_log(LOG_ERR, "the connection to xenstored is gone: %s", strerror(-r));
		return sd_event_exit(d->event, XLDUMP_CAUSE_NO_XEN);
	}
	return 0;
}

static int on_stop(sd_event_source *s, const struct signalfd_siginfo *si, void *data)
{
	(void)s;
	xd_log(LOG_NOTICE, "told to end by process %u: %s", si->ssi_pid, strsignal((int)si->ssi_signo));
	(void)sd_notify(0, "STOPPING=1");
	xd_learn_stop(data);
	xd_manager_stop(data);
	return 0;
}

/* The file that was named must be there; the usual one need not. */
static int load_config(struct xd_daemon *d, struct xd_config *ret)
{
	if (strcmp(d->config_path, XD_CONFIG_FILE) != 0 && access(d->config_path, F_OK) < 0)
		return xl_fail(&d->x, XLDUMP_CAUSE_USAGE, -errno, "cannot open %s: %s", d->config_path,
			       strerror(errno));
	return xd_config_load(&d->x, d->config_path, ret);
}

static int on_hup(sd_event_source *s, const struct signalfd_siginfo *si, void *data)
{
	struct xd_daemon *d = data;
	struct xd_config c;

	(void)s;
	(void)si;
	(void)sd_notify(0, "RELOADING=1");
	if (load_config(d, &c) < 0) {
		xd_log(LOG_ERR, "%s; the old configuration stays in effect", d->x.err);
		xl_err_clear(&d->x);
	} else {
		int fd = -1;

		/* Dumps that run have a folder of their own. */
		if (xd_spool_open(&d->x, c.spool, &fd) < 0) {
			xd_log(LOG_ERR, "%s; the old configuration stays in effect", d->x.err);
			xl_err_clear(&d->x);
			xd_config_deinit(&c);
		} else {
			xl_closep(&d->spool);
			d->spool = fd;
			xd_config_deinit(&d->config);
			d->config = c;
			xd_log(LOG_NOTICE, "read %s again", d->config_path);
		}
	}
	(void)xd_publish_daemon(d);
	(void)sd_notify(0, "READY=1");
	xd_trigger_requests(d);
	return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *data)
{
	struct xd_daemon *d = data;

	(void)s;
	(void)usec;
	(void)sd_event_now(d->event, CLOCK_BOOTTIME, &d->looked_usec);
	/* libxenstore does not say that the connection is gone; it fails at the next question. */
	if (xd_publish_alive(d) < 0) {
		xd_log(LOG_ERR, "%s", d->x.err);
		xl_err_clear(&d->x);
		if (d->store_fails++ == 2)
			return sd_event_exit(d->event, XLDUMP_CAUSE_NO_XEN);
		d->requests_again = true;
	} else {
		d->store_fails = 0;
		xd_publish_sweep(d);
	}
	if (d->intake_off || d->requests_again)
		xd_trigger_requests(d);
	/* In case an event was lost, or a guest was resumed, which is none. */
	xd_trigger_domains(d);
	return 0;
}

/* Have on_timer() called: at that time of CLOCK_BOOTTIME, s; at once, if there is room again for requests
 * that wait in xenstore; soon, if something could not be asked; or after a while in any case. */
static void set_timer(struct xd_daemon *d, uint64_t at)
{
	uint64_t usec = d->looked_usec + (d->requests_again || d->domains_again ? LOOK_AGAIN_USEC : LOOK_USEC);

	if (d->intake_off && xd_queue_waiting(&d->queue) < d->config.max_waiting)
		at = 0;
	if (at * 1000000 < usec)
		usec = at * 1000000;
	(void)sd_event_source_set_time(d->timer, usec);
	(void)sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
}

/* After whatever has happened: start what can be started now.  Nobody else does. */
static int on_post(sd_event_source *s, void *data)
{
	struct xd_daemon *d = data;
	uint64_t wake;

	(void)s;
	if (d->stopping && !d->workers)
		return sd_event_exit(d->event, 0);
	wake = xd_manager_start(d);
	xd_learn(d);
	xd_publish_status(d);
	set_timer(d, wake);
	return 0;
}

static int add_events(struct xd_daemon *d)
{
	sigset_t set;
	int r;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	r = sd_event_default(&d->event);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGTERM, on_stop, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGINT, on_stop, d);
	if (r >= 0)
		r = sd_event_add_signal(d->event, NULL, SIGHUP, on_hup, d);
	if (r >= 0)
		r = sd_event_add_time(d->event, &d->timer, CLOCK_BOOTTIME, UINT64_MAX, 100000, on_timer, d);
	if (r >= 0)
		r = sd_event_add_post(d->event, NULL, on_post, d);
	if (r >= 0)
		r = sd_event_set_watchdog(d->event, true);
	return r < 0 ? xl_err(&d->x, r, "set up the event loop") : 0;
}

static int add_watches(struct xd_daemon *d)
{
	static const struct {
		const char *path, *token;
	} watch[] = {
		{ "@releaseDomain", TOKEN_DOMAINS },
		{ "@introduceDomain", TOKEN_DOMAINS },
		{ XD_STORE_REQUEST, TOKEN_REQUESTS },
	};
	int r = sd_event_add_io(d->event, &d->store_source, xd_store_fd(d->store), EPOLLIN, on_store, d);

	for (size_t i = 0; i < XL_ARRAY_SIZE(watch) && r >= 0; i++)
		r = xd_store_watch(d->store, watch[i].path, watch[i].token);
	return r < 0 ? xl_err(&d->x, r, "watch xenstore") : 0;
}

/* ---- start ---- */

/* Between an upgrade of Xen and the reboot there may be no libraries of the Xen that runs.  To end, and
 * be started again every second, helps nobody; so this waits, as a service that runs and says why it
 * does nothing. */
static bool wait_for_xen(struct xd_daemon *d)
{
	static const struct timespec again = { .tv_sec = 10 };
	sigset_t set;
	int sig;

	xd_holds_release(&d->holds, d->libxl_dir);
	(void)sd_notifyf(0, "READY=1\nWATCHDOG=1\nSTATUS=Waiting, nothing is dumped: %s", xldump_error(d->xl));
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	sig = sigtimedwait(&set, NULL, &again);
	if (sig > 0)
		xd_log(LOG_NOTICE, "told to end: %s", strsignal(sig));
	return sig < 0;
}

/* 0, or 1 if we were told to end before it could be had. */
static int open_xen(struct xd_daemon *d)
{
	bool told = false;
	int r;

	while ((r = xldump_open(&d->xl, xd_log_library, NULL)) < 0 && d->xl &&
	       xldump_error_cause(d->xl) == XLDUMP_CAUSE_VERSION) {
		if (!told)
			xd_log(LOG_ERR, "waiting, nothing is dumped: %s", xldump_error(d->xl));
		told = true;
		if (!wait_for_xen(d))
			return 1;
		xldump_close(d->xl);
		d->xl = NULL;
	}
	if (r < 0)
		return xl_fail(&d->x, d->xl ? xldump_error_cause(d->xl) : XLDUMP_CAUSE_OTHER, r, "%s",
			       d->xl ? xldump_error(d->xl) : strerror(ENOMEM));
	return 0;
}

static int open_all(struct xd_daemon *d)
{
	char queue[XD_PATH_MAX];
	int r;

	if (mkdir(d->state_dir, 0700) < 0 && errno != EEXIST)
		return xl_err(&d->x, -errno, "create %s", d->state_dir);
	(void)snprintf(queue, sizeof(queue), "%s/queue", d->state_dir);
	r = xd_queue_open(&d->x, queue, &d->queue);
	if (r == 0)
		r = xd_spool_open(&d->x, d->config.spool, &d->spool);
	if (r == 0)
		r = add_events(d);
	if (r < 0)
		return r;
	/* This undoes what dumps of dead workers left, before anything else is done. */
	r = open_xen(d);
	if (r != 0)
		return r;
	r = xd_store_open(&d->x, &d->store);
	if (r == 0)
		r = xd_publish_daemon(d);
	if (r == 0)
		xd_manager_resume(d);
	return r < 0 ? r : add_watches(d);
}

/* libxl is not to wait for a daemon that cannot start; but without xenstored it cannot go on, either. */
static int cannot_start(struct xd_daemon *d)
{
	if (d->x.cause != XLDUMP_CAUSE_NO_XEN)
		xd_holds_release(&d->holds, d->libxl_dir);
	return fail(&d->x);
}

static int run(struct xd_daemon *d)
{
	int r = open_all(d);

	if (r != 0)
		return r < 0 ? cannot_start(d) : 0;
	xd_trigger_domains(d);
	xd_trigger_requests(d);
	(void)sd_event_now(d->event, CLOCK_BOOTTIME, &d->looked_usec);
	(void)on_post(NULL, d);
	xd_log(LOG_NOTICE, "xldump %s: ready, %zu jobs in the queue", xldump_version(), d->queue.n);
	(void)sd_notify(0, "READY=1");
	r = sd_event_loop(d->event);
	if (r < 0)
		xd_log(LOG_ERR, "the event loop failed: %s", strerror(-r));
	(void)xd_store_remove(d->store, XD_STORE_DAEMON_PID);
	return r < 0 ? XLDUMP_CAUSE_OTHER : r;
}

static void deinit(struct xd_daemon *d)
{
	d->store_source = sd_event_source_disable_unref(d->store_source);
	d->timer = sd_event_source_disable_unref(d->timer);
	xd_store_close(d->store);
	xldump_close(d->xl);
	xd_queue_close(&d->queue);
	xl_closep(&d->spool);
	xd_config_deinit(&d->config);
	xd_known_deinit(&d->known);
	d->event = sd_event_unref(d->event);
}

int main(int argc, char **argv)
{
	static struct xd_daemon d = {
		.config_path = XD_CONFIG_FILE,
		.state_dir = STATE_DIR,
		.libxl_dir = XD_LIBXL_DIR,
		.spool = -1,
		.queue = { .dirfd = -1 },
	};
	bool check = false;
	int c, r;

	while ((c = getopt_long(argc, argv, "c:thV", long_options, NULL)) != -1) {
		switch (c) {
		case 'c': d.config_path = optarg; break;
		case 't': check = true; break;
		case OPT_STATE_DIR: d.state_dir = optarg; break;
		case OPT_LIBXL_DIR: d.libxl_dir = optarg; break;
		case OPT_WORKER: return xd_worker_main();
		case OPT_LEARN: return xd_learn_main();
		case 'h': (void)fputs(usage_text, stdout); return 0;
		case 'V': (void)printf("xldump %s\n", xldump_version()); return 0;
		default: return XLDUMP_CAUSE_USAGE;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "xldumpd: unexpected argument `%s' (see xldumpd --help)\n", argv[optind]);
		return XLDUMP_CAUSE_USAGE;
	}
	d.x.log = xd_log_library;
	(void)umask(077);
	xd_boot_id(d.boot);
	if (!check)
		xd_holds_receive(&d.holds);
	if (load_config(&d, &d.config) < 0)
		return cannot_start(&d);
	if (check) {
		(void)printf("%s: OK\n", d.config_path);
		xd_config_deinit(&d.config);
		return 0;
	}
	r = run(&d);
	deinit(&d);
	return r;
}
