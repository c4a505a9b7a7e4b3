/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that the daemon starts: ourselves in another mode, and the end of any. */
#include "child.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/json.h"

extern char **environ;

/* Standard input with the job, in a file without a name: nobody has to write while it reads. */
static int job_file(struct xl_ctx *x, const struct xd_job *job, int *ret)
{
	_cleanup_json_ struct json_object *o = xd_job_to_json(job);
	const char *text = o ? xl_json_line(o) : NULL;
	_cleanup_close_ int fd = memfd_create("job", MFD_CLOEXEC);

	if (!text || fd < 0)
		return xl_err(x, text ? -errno : -ENOMEM, "write the job for the worker");
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) || lseek(fd, 0, SEEK_SET) < 0)
		return xl_err(x, -EIO, "write the job for the worker");
	*ret = xl_take_fd(&fd);
	return 0;
}

static int spawn(struct xl_ctx *x, const char *mode, int in, int out, pid_t *ret)
{
	char *argv[] = { (char *)"xldumpd", (char *)mode, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attr);
	(void)posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	(void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	r = posix_spawn(ret, "/proc/self/exe", &actions, &attr, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attr);
	return r ? xl_err(x, -r, "start a worker") : 0;
}

int xd_spawn(struct xl_ctx *x, const char *mode, const struct xd_job *job, int *ret_out, pid_t *ret)
{
	_cleanup_close_ int in = -1, ours = -1, theirs = -1;
	int pipes[2], r = job_file(x, job, &in);

	if (r < 0)
		return r;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return xl_err(x, -errno, "start a worker");
	ours = pipes[0];
	theirs = pipes[1];
	(void)fcntl(ours, F_SETFL, O_NONBLOCK); /* our end alone */
	r = spawn(x, mode, in, theirs, ret);
	if (r == 0)
		*ret_out = xl_take_fd(&ours);
	return r;
}

/* Asked for ends alone, sd-event would wait on a pidfd: that tells of a process which dies in the hands
 * of a debugger before it can be waited for, and never again.  SIGCHLD comes in time. */
int xd_watch_child(sd_event *event, sd_event_source **ret, pid_t pid,
		   sd_event_child_handler_t on_child, void *data)
{
	int r = sd_event_add_child(event, ret, pid, WEXITED | WSTOPPED, on_child, data);

	return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_ON);
}

bool xd_child_ended(const siginfo_t *si)
{
	return si->si_code == CLD_EXITED || si->si_code == CLD_KILLED || si->si_code == CLD_DUMPED;
}
