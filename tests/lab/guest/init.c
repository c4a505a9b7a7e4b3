/* SPDX-License-Identifier: GPL-2.0-or-later */
/* First and only program of a guest: starts the workload that the kernel command line names,
 * some ordinary processes, and listens to simple commands on the console.
 *
 * Command line: lab.name=NAME lab.workload=WORKLOAD[=ARGS] lab.program=1 lab.devices=1 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "devices.h"
#include "workload.h"
#include "xenstore.h"

#define NSLEEPERS 6

static const struct {
	const char *name;
	workload_fn *run;
} workloads[] = {
	{ "idle", workload_idle },
	{ "dirty", workload_dirty },
	{ "stamp", workload_stamp },
	{ "panic", workload_panic },
};

static char cmdline[4096];
static int ready_fd = -1;

void workload_ready(void)
{
	if (ready_fd >= 0)
		close(ready_fd);
	ready_fd = -1;
}

/* The value of name= on the kernel command line, or `otherwise`. */
static const char *option(const char *name, const char *otherwise)
{
	static char copy[sizeof(cmdline)], value[1024];
	size_t n = strlen(name);

	memcpy(copy, cmdline, sizeof(copy));
	for (char *word = strtok(copy, " \n"); word; word = strtok(NULL, " \n")) {
		if (strncmp(word, name, n) == 0 && word[n] == '=') {
			snprintf(value, sizeof(value), "%s", word + n + 1);
			return value;
		}
	}
	return otherwise;
}

static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR);

	if (fd < 0)
		return;
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (fd > 2)
		close(fd);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

static void set_up(void)
{
	int fd;

	(void)mkdir("/dev", 0755);
	(void)mkdir("/proc", 0755);
	(void)mkdir("/sys", 0755);
	(void)mkdir("/tmp", 0755);
	(void)mount("devtmpfs", "/dev", "devtmpfs", 0, "");
	(void)mount("proc", "/proc", "proc", 0, "");
	(void)mount("sysfs", "/sys", "sysfs", 0, "");
	(void)mount("tmpfs", "/tmp", "tmpfs", 0, "");
	open_console();
	fd = open("/proc/cmdline", O_RDONLY);
	if (fd >= 0) {
		ssize_t n = read(fd, cmdline, sizeof(cmdline) - 1);

		cmdline[n > 0 ? n : 0] = '\0';
		close(fd);
	}
}

/* Ordinary processes, so that a list of tasks has something to show. */
static void start_sleepers(void)
{
	for (int i = 0; i < NSLEEPERS; i++) {
		char name[16];

		if (fork() != 0)
			continue;
		snprintf(name, sizeof(name), "sleeper-%d", i);
		prctl(PR_SET_NAME, name);
		for (;;) {
			if (i % 2)
				pause();
			else
				sleep(3600);
		}
	}
}

static void run_named(const char *what)
{
	size_t n = strcspn(what, "=");

	for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
		if (strlen(workloads[i].name) == n && strncmp(workloads[i].name, what, n) == 0) {
			prctl(PR_SET_NAME, workloads[i].name);
			workloads[i].run(what[n] == '=' ? what + n + 1 : "");
			return;
		}
	}
	printf("init: no workload named '%s'\n", what);
}

/* Start the workload and wait until it says, by closing its end of a pipe, that it is set up; a
 * program from outside says so by being executed. */
static pid_t start_workload(const char *what, int program)
{
	int fds[2];
	char c;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		ready_fd = fds[1];
		if (program) {
			execl("/program", "program", what, (char *)NULL);
			printf("init: /program: %s\n", strerror(errno));
		} else {
			run_named(what);
		}
		_exit(1);
	}
	close(fds[1]);
	(void)!read(fds[0], &c, 1);
	close(fds[0]);
	return pid;
}

static void trigger(const char *key)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, key, 1) != 1)
		printf("init: sysrq %s: %s\n", key, strerror(errno));
}

/* "PATH VALUE" */
static void write_node(char *words)
{
	char *value = strchr(words, ' ');

	if (value)
		*value++ = '\0';
	xenstore_write(words, value ? value : "");
}

/* Commands typed on the console: crash, poweroff, echo WORDS, xenstore PATH VALUE. */
static void listen_console(void)
{
	char line[256];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\r\n")] = '\0';
		if (strcmp(line, "crash") == 0)
			trigger("c");
		else if (strcmp(line, "poweroff") == 0)
			(void)reboot(RB_POWER_OFF);
		else if (strncmp(line, "echo ", 5) == 0)
			printf("init: %s\n", line + 5);
		else if (strncmp(line, "xenstore ", 9) == 0)
			write_node(line + 9);
		else if (*line)
			printf("init: commands are crash, poweroff, echo WORDS, xenstore PATH VALUE\n");
	}
}

static void report_end(pid_t workload)
{
	int status;
	pid_t pid;

	while ((pid = wait(&status)) > 0) {
		if (pid != workload)
			continue;
		if (WIFEXITED(status))
			printf("init: workload ended with status %d\n", WEXITSTATUS(status));
		else
			printf("init: workload ended by signal %d\n", WTERMSIG(status));
	}
}

int main(void)
{
	char what[1024], name[256];
	pid_t workload;

	set_up();
	snprintf(what, sizeof(what), "%s", option("lab.workload", "idle"));
	snprintf(name, sizeof(name), "%s", option("lab.name", "guest"));
	start_sleepers();
	if (*option("lab.devices", "0") == '1' && !devices_start())
		for (;;)
			pause();
	workload = start_workload(what, *option("lab.program", "0") == '1');
	printf("GUEST-READY %s\n", name);
	if (fork() == 0) {
		prctl(PR_SET_NAME, "console");
		listen_console();
		_exit(0);
	}
	report_end(workload);
	for (;;)
		pause();
}
