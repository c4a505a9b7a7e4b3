/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the undo journal share. */
#include "undo_case.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "hv/recover.h"
#include "hv/undo_private.h"

char undo_dir[80], undo_top[64];
struct fake_guest *guest;
char said[4096];

static void on_log(void *data, enum xldump_log_level level, const char *line)
{
	size_t len = strlen(said);

	(void)data;
	(void)level;
	(void)snprintf(said + len, sizeof(said) - len, "%s\n", line);
}

/* Entries of the folder that are journals, or all. */
int undo_entries(const char *path, bool journals)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += journals ? xl_undo_is_journal(e->d_name) :
				strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	if (d)
		(void)closedir(d);
	return n;
}

unsigned undo_recover(int want)
{
	struct xl_ctx x = { .log = on_log };
	unsigned undone;

	said[0] = '\0';
	assert_int_equal(xl_recover(&x, fake_hv(guest), undo_dir, &undone), want);
	return undone;
}

/* The signal that ended it, or 0. */
int wait_child(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int undo_setup(void **state)
{
	(void)state;
	(void)snprintf(undo_top, sizeof(undo_top), "/tmp/xldump-undo.XXXXXX");
	if (!mkdtemp(undo_top))
		return -1;
	(void)snprintf(undo_dir, sizeof(undo_dir), "%s/run/undo", undo_top);
	guest = fake_guest_new(false);
	return 0;
}

int undo_teardown(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/.new", undo_dir);
	(void)unlink(path);
	(void)rmdir(undo_dir);
	(void)snprintf(path, sizeof(path), "%s/run", undo_top);
	(void)rmdir(path);
	fake_guest_free(guest);
	return rmdir(undo_top);
}
