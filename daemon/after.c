/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done to a guest that was kept for us, when its dump is there: by xl, so that all that
 * belongs to a guest of xl goes, or comes, with it. */
#include "after.h"

#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include "child.h"
#include "common/log.h"
#include "live.h"

extern char **environ;

/* One guest whose destruction is under way. */
struct after {
	struct xd_daemon *d;
	char name[XLDUMP_NAME_MAX];
	uint32_t domid;
	char config[XD_PATH_MAX]; /* to be created from; "": not */
	bool destroyed;
	sd_event_source *child;
};

static void after_free(struct after *a)
{
	a->child = sd_event_source_disable_unref(a->child);
	free(a);
}

static int on_child(sd_event_source *s, const siginfo_t *si, void *data);

/* As a service we live in a sandbox and in a control group that ends with us: xl must not, with the
 * device model and the monitor that it leaves behind. */
static bool in_a_service(void)
{
	return getenv("INVOCATION_ID") && sd_booted() > 0;
}

static int run_xl(struct after *a, const char *command, const char *argument)
{
	static const char *const destroying[] = {
		"systemd-run", "--quiet", "--collect", "--property=Type=oneshot", NULL,
	};
	/* What `create' leaves behind keeps its unit alive, and nobody ends it; when it is gone, so is the
	 * unit. */
	static const char *const creating[] = {
		"systemd-run", "--quiet", "--collect", "--property=Type=forking",
		"--property=GuessMainPID=no", "--property=KillMode=process",
		"--property=TimeoutStartSec=infinity", NULL,
	};
	const char *argv[16];
	size_t n = 0;
	posix_spawnattr_t attr;
	sigset_t none;
	pid_t pid;
	int r;

	for (const char *const *p = a->destroyed ? creating : destroying; in_a_service() && *p; p++)
		argv[n++] = *p;
	argv[n++] = "xl";
	argv[n++] = command;
	argv[n++] = argument;
	argv[n] = NULL;
	(void)sigemptyset(&none);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	r = posix_spawnp(&pid, argv[0], NULL, &attr, (char **)argv, environ);
	(void)posix_spawnattr_destroy(&attr);
	if (r == 0) {
		a->child = sd_event_source_disable_unref(a->child);
		r = -xd_watch_child(a->d->event, &a->child, pid, on_child, a);
		r = r > 0 ? r : 0;
	}
	if (r)
		xd_log(LOG_ERR, "%s (domain %u): cannot run xl %s: %s", a->name, a->domid, command,
		       strerror(r));
	return -r;
}

static int on_child(sd_event_source *s, const siginfo_t *si, void *data)
{
	struct after *a = data;
	bool fine = si->si_code == CLD_EXITED && si->si_status == 0;

	(void)s;
	if (!xd_child_ended(si))
		return 0;
	if (!fine) {
		xd_log(LOG_ERR, "%s (domain %u): xl %s failed", a->name, a->domid,
		       a->destroyed ? "create" : "destroy");
	} else if (a->destroyed) {
		xd_log(LOG_NOTICE, "%s: restarted from %s", a->name, a->config);
	} else {
		xd_log(LOG_NOTICE, "%s (domain %u): destroyed after its dump", a->name, a->domid);
		a->destroyed = true;
		if (a->config[0] && run_xl(a, "create", a->config) == 0)
			return 0;
	}
	after_free(a);
	return 0;
}

/* Where its configuration is, as for xendomains: a name that is one for a file, nothing else. */
static bool find_config(const char *name, char *ret, size_t size)
{
	char escaped[65];
	struct stat st;

	xd_spool_escape(name, escaped);
	if (!name[0] || strcmp(name, escaped) != 0)
		return false;
	(void)snprintf(ret, size, "/etc/xen/%s.cfg", name);
	return stat(ret, &st) == 0 && S_ISREG(st.st_mode);
}

static bool still_down(struct xd_daemon *d, const struct xldump_domain *dom)
{
	_cleanup_(xd_live_deinit) struct xd_live live = { 0 };
	const struct xldump_domain_state *state;

	if (xd_live_get(d->xl, &live) < 0)
		return false;
	state = xd_live_find(&live, dom);
	return state && state->shut_down && !state->dying;
}

void xd_after_crash(struct xd_daemon *d, const struct xd_job *job)
{
	bool renamed = job->action == XD_ACTION_RENAME_RESTART;
	struct after *a;
	char domid[16];

	if ((job->action != XD_ACTION_PRESERVE && !renamed) || job->set.after == XD_AFTER_KEEP)
		return;
	/* The number may be another's by now, and it may have been looked after. */
	if (!still_down(d, &job->dom))
		return;
	a = calloc(1, sizeof(*a));
	if (!a)
		return;
	a->d = d;
	a->domid = job->dom.domid;
	(void)snprintf(a->name, sizeof(a->name), "%s", job->dom.name);
	/* With rename-restart xl has restarted it: only the renamed one is to go. */
	if (job->set.after == XD_AFTER_RESTART && !renamed &&
	    !find_config(a->name, a->config, sizeof(a->config))) {
		xd_log(LOG_ERR, "%s (domain %u): there is no /etc/xen/NAME.cfg to restart it from, so it "
				"is kept", a->name, a->domid);
		after_free(a);
		return;
	}
	(void)snprintf(domid, sizeof(domid), "%u", a->domid);
	if (run_xl(a, "destroy", domid) < 0)
		after_free(a);
}
