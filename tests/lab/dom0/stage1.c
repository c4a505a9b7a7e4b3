/* SPDX-License-Identifier: GPL-2.0-or-later */
/* First program of dom0: loads the modules of the initramfs, mounts the root disk and the folder
 * shared with the host, and hands over to the init script that the host put there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROOT_DISK "/dev/vda"
#define SHARE "/root/run/lab/share"

static void say(const char *what, const char *name)
{
	dprintf(2, "lab stage1: %s %s: %s\n", what, name, strerror(errno));
}

static void mount_or_say(const char *source, const char *target, const char *type,
			 unsigned long flags, const char *data)
{
	if (mount(source, target, type, flags, data) < 0)
		say("cannot mount", target);
}

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		say("cannot open", path);
		return;
	}
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		say("cannot load", path);
	close(fd);
}

/* /modules/order lists the files, dependencies first. */
static void load_modules(void)
{
	char line[256];
	FILE *f = fopen("/modules/order", "re");

	if (!f) {
		say("cannot open", "/modules/order");
		return;
	}
	while (fgets(line, sizeof(line), f)) {
		char path[300];

		line[strcspn(line, "\n")] = '\0';
		snprintf(path, sizeof(path), "/modules/%s", line);
		load_module(path);
	}
	fclose(f);
}

static void wait_for(const char *path)
{
	for (int i = 0; i < 2000 && access(path, F_OK) < 0; i++)
		usleep(10000);
}

static void mount_root(void)
{
	wait_for(ROOT_DISK);
	mount_or_say(ROOT_DISK, "/root", "ext4", MS_NOATIME, "");
	mount_or_say("tmpfs", "/root/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
	(void)mkdir("/root/run/lab", 0755);
	(void)mkdir(SHARE, 0755);
	mount_or_say("share", SHARE, "9p", 0, "trans=virtio,version=9p2000.L,msize=512000");
	mount_or_say("/dev", "/root/dev", NULL, MS_MOVE, NULL);
	mount_or_say("/proc", "/root/proc", NULL, MS_MOVE, NULL);
	mount_or_say("/sys", "/root/sys", NULL, MS_MOVE, NULL);
}

int main(void)
{
	(void)mkdir("/dev", 0755);
	(void)mkdir("/proc", 0755);
	(void)mkdir("/sys", 0755);
	(void)mkdir("/root", 0755);
	mount_or_say("devtmpfs", "/dev", "devtmpfs", 0, "mode=755");
	mount_or_say("proc", "/proc", "proc", 0, "");
	mount_or_say("sysfs", "/sys", "sysfs", 0, "");
	load_modules();
	mount_root();
	if (chdir("/root") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		say("cannot switch to", ROOT_DISK);
	execl("/bin/bash", "bash", "/run/lab/share/dom0/init", (char *)NULL);
	say("cannot start", "/run/lab/share/dom0/init");
	return 1;
}
