/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent in dom0: process 1, runs one command at a time for the driver on the host.
 *
 * It speaks frames over a virtio-serial port: u32 type, u32 length, both little endian, then the
 * payload.  agent_frames.h lists the types.  Commands run in their own session with pipes, or on a
 * pseudo terminal when the driver asks for one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_frames.h"

#define PORT_NAME "lab.agent"
#define PORTS "/sys/class/virtio-ports"
#define MAX_ARGS 4096

/* The command that runs, if pid > 0. */
struct job {
	pid_t pid;
	int in, out, err;  /* our ends, -1 when closed; err is -1 on a terminal */
	int eof;           /* the driver closed the command's input */
	char *pending;     /* input not written yet */
	size_t npending;
};

static struct job job = { .in = -1, .out = -1, .err = -1 };
static int port = -1;

static void die(const char *what)
{
	dprintf(2, "lab agent: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_full(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno != EINTR && errno != EAGAIN)
			die("write to the host");
		if (w > 0) {
			p += w;
			n -= (size_t)w;
		}
	}
}

/* False at the end of the channel. */
static int read_full(int fd, void *data, size_t n)
{
	char *p = data;

	while (n > 0) {
		ssize_t r = read(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return 0;
		p += r;
		n -= (size_t)r;
	}
	return 1;
}

static void send_frame(uint32_t type, const void *data, uint32_t n)
{
	struct frame_head h = { type, n };

	write_full(port, &h, sizeof(h));
	write_full(port, data, n);
}

static void send_u32(uint32_t type, uint32_t value)
{
	send_frame(type, &value, sizeof(value));
}

/* Whether the port vportMpN of sysfs is ours. */
static int is_our_port(const char *port_dir)
{
	char path[300], name[64] = "";
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), PORTS "/%s/name", port_dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, name, sizeof(name) - 1);
		close(fd);
	}
	return n > 0 && strncmp(name, PORT_NAME, strlen(PORT_NAME)) == 0;
}

/* Without udev nobody makes /dev/virtio-ports/NAME: look the name up in sysfs. */
static int find_port(void)
{
	DIR *dir = opendir(PORTS);
	struct dirent *e;
	int fd = -1;

	if (!dir)
		return -1;
	while (fd < 0 && (e = readdir(dir))) {
		char path[300];

		if (e->d_name[0] == '.' || !is_our_port(e->d_name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	closedir(dir);
	return fd;
}

static int open_port(void)
{
	for (int tries = 0; tries < 500; tries++) {
		int fd = find_port();

		if (fd >= 0)
			return fd;
		usleep(20000);
	}
	errno = ENODEV;
	return -1;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void exec_child(char **argv)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	if (chdir("/root") < 0)
		dprintf(2, "lab agent: /root: %s\n", strerror(errno));
	execvp(argv[0], argv);
	dprintf(2, "lab agent: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void start_with_pipes(char **argv)
{
	int in[2], out[2], err[2];

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		die("pipe");
	job.pid = fork();
	if (job.pid < 0)
		die("fork");
	if (job.pid == 0) {
		setsid();
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		exec_child(argv);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	job.in = in[1];
	job.out = out[0];
	job.err = err[0];
	fcntl(job.err, F_SETFL, O_NONBLOCK);
}

static void start_on_terminal(char **argv, const struct frame_run *run)
{
	struct winsize ws = { .ws_row = run->rows, .ws_col = run->cols };
	int master;

	job.pid = forkpty(&master, NULL, NULL, &ws);
	if (job.pid < 0)
		die("forkpty");
	if (job.pid == 0) {
		setenv("TERM", "xterm", 1);
		exec_child(argv);
	}
	fcntl(master, F_SETFD, FD_CLOEXEC);
	job.in = dup(master);
	job.out = master;
	job.err = -1;
}

static void start_job(const char *payload, size_t n)
{
	static char *argv[MAX_ARGS + 1];
	struct frame_run run;
	size_t argc = 0;

	memcpy(&run, payload, sizeof(run));
	for (const char *p = payload + sizeof(run); p < payload + n && argc < MAX_ARGS;
	     p += strlen(p) + 1)
		argv[argc++] = (char *)p;
	argv[argc] = NULL;
	job.eof = 0;
	job.npending = 0;
	if (run.flags & RUN_TERMINAL)
		start_on_terminal(argv, &run);
	else
		start_with_pipes(argv);
	fcntl(job.in, F_SETFL, O_NONBLOCK);
	fcntl(job.out, F_SETFL, O_NONBLOCK);
}

static void queue_input(const char *data, size_t n)
{
	if (job.in < 0)
		return;
	job.pending = realloc(job.pending, job.npending + n + 1);
	if (!job.pending)
		die("input queue");
	memcpy(job.pending + job.npending, data, n);
	job.npending += n;
}

static void flush_input(void)
{
	if (job.in >= 0 && job.npending > 0) {
		ssize_t w = write(job.in, job.pending, job.npending);

		if (w > 0) {
			job.npending -= (size_t)w;
			memmove(job.pending, job.pending + w, job.npending);
		} else if (w < 0 && errno != EAGAIN && errno != EINTR) {
			job.npending = 0;
			close_fd(&job.in);
		}
	}
	if (job.eof && job.npending == 0)
		close_fd(&job.in);
}

/* True while there may be more to read right now. */
static int forward_output(int *fd, uint32_t type)
{
	static char buf[60000];
	ssize_t r;

	if (*fd < 0)
		return 0;
	r = read(*fd, buf, sizeof(buf));
	if (r > 0) {
		send_frame(type, buf, (uint32_t)r);
		return 1;
	}
	if (r < 0 && errno == EINTR)
		return 1;
	if (r == 0 || errno != EAGAIN)
		close_fd(fd);
	return 0;
}

/* What the command's own process wrote is forwarded before its end is told; what processes that
 * it left behind write later is not waited for. */
static void finish_job(int status)
{
	while (forward_output(&job.out, FRAME_STDOUT))
		;
	while (forward_output(&job.err, FRAME_STDERR))
		;
	close_fd(&job.in);
	close_fd(&job.out);
	close_fd(&job.err);
	job.npending = 0;
	job.pid = 0;
	send_u32(FRAME_EXIT, WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) :
						 128u + (uint32_t)WTERMSIG(status));
}

/* As process 1 we also inherit orphans. */
static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == job.pid)
			finish_job(status);
}

static void handle_frame(void)
{
	struct frame_head h;
	struct winsize ws = { 0 };
	uint32_t words[2] = { 0 };
	char *payload;

	if (!read_full(port, &h, sizeof(h)) || !(payload = calloc(1, h.length + 1)))
		die("read from the host");
	if (!read_full(port, payload, h.length))
		die("read from the host");
	memcpy(words, payload, h.length < sizeof(words) ? h.length : sizeof(words));
	switch (h.type) {
	case FRAME_RUN:
		if (job.pid == 0 && h.length > sizeof(struct frame_run))
			start_job(payload, h.length);
		break;
	case FRAME_STDIN:
		queue_input(payload, h.length);
		break;
	case FRAME_EOF:
		job.eof = 1;
		break;
	case FRAME_SIGNAL:
		if (job.pid > 0)
			kill(-job.pid, (int)words[0]);
		break;
	case FRAME_WINSIZE:
		ws.ws_row = (unsigned short)words[0];
		ws.ws_col = (unsigned short)words[1];
		if (job.pid > 0)
			(void)ioctl(job.out, TIOCSWINSZ, &ws);
		break;
	default:
		dprintf(2, "lab agent: frame of unknown type %u\n", h.type);
	}
	free(payload);
}

int main(void)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int sfd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	sfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	port = open_port();
	if (port < 0 || sfd < 0)
		die("port " PORT_NAME);
	send_frame(FRAME_HELLO, "", 0);
	for (;;) {
		struct pollfd p[] = {
			{ .fd = port, .events = POLLIN },
			{ .fd = sfd, .events = POLLIN },
			{ .fd = job.out, .events = POLLIN },
			{ .fd = job.err, .events = POLLIN },
			{ .fd = job.npending > 0 ? job.in : -1, .events = POLLOUT },
		};

		if (poll(p, 5, -1) < 0 && errno != EINTR)
			die("poll");
		if (p[0].revents & POLLIN)
			handle_frame();
		if (p[2].revents)
			(void)forward_output(&job.out, FRAME_STDOUT);
		if (p[3].revents)
			(void)forward_output(&job.err, FRAME_STDERR);
		flush_input();
		if (p[1].revents) {
			while (read(sfd, &info, sizeof(info)) > 0)
				;
			reap();
		}
	}
}
