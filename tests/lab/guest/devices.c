/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of a guest, as a real one has them: modules, a file system on a disk with its pages in the page cache, a
 * network interface, and processes with open files. */
#include "devices.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DISK "/dev/xvda"
#define DATA "/data"
#define WAIT_TRIES 1500
#define WAIT_US 20000

/* Larger than the disk's cache would keep for one read, smaller than a guest's memory. */
#define LOG_BYTES_MAX (4 << 20)

static int failed(const char *what)
{
	printf("init: %s: %s\n", what, strerror(errno));
	return 0;
}

static int load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ok;

	if (fd < 0)
		return failed(path);
	ok = syscall(SYS_finit_module, fd, "", 0) == 0;
	close(fd);
	return ok || failed(path);
}

/* /modules/order lists the files, dependencies first. */
static int load_modules(void)
{
	char line[256], path[300];
	FILE *f = fopen("/modules/order", "re");
	int ok = 1;

	if (!f)
		return failed("/modules/order");
	while (ok && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(path, sizeof(path), "/modules/%s", line);
		ok = load_module(path);
	}
	fclose(f);
	return ok;
}

static int mount_disk(void)
{
	(void)mkdir(DATA, 0755);
	for (int i = 0; i < WAIT_TRIES; i++) {
		if (mount(DISK, DATA, "ext4", MS_NOATIME, "") == 0)
			return 1;
		usleep(WAIT_US);
	}
	return failed(DISK);
}

static int network_up(void)
{
	struct ifreq r = { .ifr_name = "eth0" };
	struct sockaddr_in address = { .sin_family = AF_INET };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ok = 0;

	address.sin_addr.s_addr = htonl(0x0a000002); /* 10.0.0.2 */
	memcpy(&r.ifr_addr, &address, sizeof(address));
	for (int i = 0; s >= 0 && !ok && i < WAIT_TRIES; i++) {
		ok = ioctl(s, SIOCSIFADDR, &r) == 0;
		if (!ok)
			usleep(WAIT_US);
	}
	r.ifr_flags = IFF_UP;
	ok = ok && ioctl(s, SIOCSIFFLAGS, &r) == 0;
	if (!ok)
		failed("eth0");
	if (s >= 0)
		close(s);
	return ok;
}

/* Into the page cache; the last one stays open and mapped. */
static void reader(void)
{
	static char buf[65536];
	char path[64];
	int fd = -1;

	for (int i = 0;; i++) {
		int next;

		snprintf(path, sizeof(path), DATA "/file-%d", i);
		next = open(path, O_RDONLY);
		if (next < 0)
			break;
		while (read(next, buf, sizeof(buf)) > 0)
			;
		if (fd >= 0)
			close(fd);
		fd = next;
	}
	if (mmap(NULL, sizeof(buf), PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0) == MAP_FAILED)
		failed("mmap");
	for (;;)
		pause();
}

/* A log that grows and begins anew, so that the disk has something to do. */
static void writer(void)
{
	int fd = open(DATA "/log", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	char text[4096];

	memset(text, 'x', sizeof(text));
	for (off_t at = 0; fd >= 0; at = (at + (off_t)sizeof(text)) % LOG_BYTES_MAX) {
		if (pwrite(fd, text, sizeof(text), at) < 0 || fdatasync(fd) < 0)
			break;
		usleep(500000);
	}
	failed(DATA "/log");
	for (;;)
		pause();
}

/* Waits for what never comes. */
static void server(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(7) };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(s, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(s, 1) < 0)
		failed("listen");
	(void)accept(s, NULL, NULL);
	for (;;)
		pause();
}

static void start(const char *name, void (*run)(void))
{
	if (fork() != 0)
		return;
	prctl(PR_SET_NAME, name);
	run();
}

int devices_start(void)
{
	if (!load_modules() || !mount_disk() || !network_up())
		return 0;
	start("reader", reader);
	start("writer", writer);
	start("server", server);
	return 1;
}
